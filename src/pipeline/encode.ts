/** From prompts to conditioning: CLIP's pooled vector of `prompt` and T5's sequence of `prompt2`. */

import { Run, type RunOptions } from '../engine/run.ts';
import type { Flux1Source } from '../families/flux1/flux1.ts';
import { type ClipConfig, type ClipPrograms, clipPrograms, eosPosition } from '../models/clip.ts';
import type { RunPrograms } from '../models/programs.ts';
import { type T5Config, type T5Programs, t5Programs } from '../models/t5.ts';
import { Recent } from '../support/recent.ts';
import { loadClipTokenizer } from '../tokenizers/clip.ts';
import { LONGEST_PROMPT, loadT5Tokenizer } from '../tokenizers/t5.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
import { originOf } from '../weights/folders/model-source.ts';
import { type Arrangement, blocks, type Traced, type Use, WeightSet, type WeightSpec, whole } from '../weights/set.ts';
import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';
import type { ModelTypes } from './model-types.ts';
import type { Prompt } from './request.ts';

/** Encoded prompts as the transformer takes them; the holder disposes them. */
export interface Conditioning extends Disposable {
  /** [n, pooled dim] */
  readonly pooled: ShardedArray;
  /** [n, text tokens, joint attention dim] */
  readonly sequence: ShardedArray;
  /** The part of each prompt that did not fit the encoders, as warnings. */
  readonly warnings: readonly (readonly string[])[];
}

/** Sizes of a pass through the encoders. */
export interface PassSizes {
  /** Prompts that are encoded together; slots beyond the last stay empty. */
  readonly pass: number;
  /** Tokens that T5's part is padded or cut to. */
  readonly maxSequenceLength: number;
}

/** How adapters change the encoders' weights and which are streamed, by default none; and the signal that stops the encoding. */
export interface EncodeOptions extends Omit<Arrangement, 'rank'> {
  readonly signal?: AbortSignal | undefined;
}

/** Both text encoders of a model, with their tokenizers. */
export class TextEncoders implements Disposable {
  readonly #source: Flux1Source;
  readonly #clip: ClipEncoder;
  readonly #t5: T5Encoder;
  readonly #owned = new DisposableStack();

  /** Reads the tokenizers and binds the weights, without placing them. */
  constructor(source: Flux1Source, types: ModelTypes) {
    using opening = new DisposableStack();
    this.#source = source;
    this.#clip = opening.use(new ClipEncoder(source, types));
    this.#t5 = opening.use(new T5Encoder(source, types));
    this.#owned = opening.move();
  }

  /** Every weight of both encoders. */
  get declared(): readonly WeightSpec[] {
    return [...this.#clip.weights.declared, ...this.#t5.weights.declared];
  }

  /** The number of tokens the model's T5 tokenizer was made for; FLUX.1's if the tokenizers are another model's. */
  get longestPrompt(): number {
    return this.#source.borrowsTokenizers ? LONGEST_PROMPT : this.#t5.longest;
  }

  /** Every program that `encode` runs for these sizes, the same objects every time. */
  programs({ pass, maxSequenceLength }: PassSizes): Pick<RunPrograms, 'clip' | 't5'> {
    return { clip: this.#clip.programs(pass), t5: this.#t5.programs(pass, maxSequenceLength) };
  }

  /** Encodes up to `pass` prompts together. Adapters are merged into the weights; T5's may be streamed. */
  async encode(
    runtime: Runtime,
    prompts: readonly Prompt[],
    sizes: PassSizes,
    { overlay, streaming, signal }: EncodeOptions = {},
  ): Promise<Conditioning> {
    using done = new DisposableStack();
    const texts = prompts.map(({ prompt }) => prompt);
    const clip = await this.#clip.encode(runtime, texts, sizes.pass, { arrangement: { overlay }, signal });
    done.use(clip.pooled);
    const texts2 = prompts.map(({ prompt2 }) => prompt2);
    const t5 = await this.#t5.encode(runtime, texts2, sizes, { arrangement: { overlay, streaming }, signal });
    done.use(t5.sequence);
    const owned = done.move();
    return {
      pooled: clip.pooled,
      sequence: t5.sequence,
      warnings: prompts.map((_, i) => [
        ...cut('CLIP', this.#clip.tokens, clip.truncated[i]),
        ...cut('T5', sizes.maxSequenceLength, t5.truncated[i]),
      ]),
      [Symbol.dispose]: () => owned.dispose(),
    };
  }

  /** Frees the encoders' device memory; encoding places them again. */
  release(): void {
    this.#clip.weights.release();
    this.#t5.weights.release();
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

function cut(encoder: string, limit: number, text: string | undefined): string[] {
  return text === undefined ? [] : [`the prompt has more than ${encoder}'s ${limit} tokens; left out: "${text}"`];
}

/** The tokens of several prompts, concatenated, and the cut part of each; slots beyond the last prompt are zeros. */
function tokensOf(tokenizer: Tokenizer, texts: readonly string[], pass: number, tokens: number) {
  const ids = new Int32Array(pass * tokens);
  const truncated = texts.map((text, i) => {
    const encoded = tokenizer.encode(text, tokens);
    ids.set(encoded.ids, i * tokens);
    return encoded.truncated;
  });
  return { ids, truncated };
}

class ClipEncoder implements Disposable {
  readonly tokens: number;
  readonly weights: WeightSet;
  readonly #tokenizer: Tokenizer;
  readonly #config: ClipConfig;
  readonly #types: ModelTypes;
  readonly #traced = new Recent<number, ClipPrograms>();

  constructor(source: Flux1Source, types: ModelTypes) {
    const { clip } = source;
    this.tokens = clip.maxPositions;
    this.#config = clip;
    this.#types = types;
    this.#tokenizer = loadClipTokenizer(source.tokenizers.get('clip')!);
    // The list of weights is the same for all sizes.
    const { embed, layer, pool } = this.programs(1);
    const all = [whole(embed), ...this.#layers(layer), whole(pool)];
    this.weights = new WeightSet(originOf(source, 'clip'), all);
  }

  programs(pass: number): ClipPrograms {
    const sizes = { batch: pass, tokens: this.tokens, ...this.#types };
    return this.#traced.get(pass, () => clipPrograms(this.#config, sizes));
  }

  #layers(layer: Traced): Use[] {
    return blocks(layer, 'text_model.encoder.layers', this.#config.layers);
  }

  async encode(runtime: Runtime, texts: readonly string[], pass: number, options: RunOptions) {
    const { tokens } = this;
    const { ids, truncated } = tokensOf(this.#tokenizer, texts, pass, tokens);
    const positions = Int32Array.from({ length: pass }, (_, i) =>
      eosPosition(ids.subarray(i * tokens, (i + 1) * tokens), this.#config.eosTokenId),
    );
    const { embed, layer, pool } = this.programs(pass);
    using run = new Run(runtime, this.weights, options);
    using idArray = await runtime.input(embed, 'ids', ids);
    using eos = await runtime.input(pool, 'eos', positions);
    let x = await run.next(whole(embed), { ids: idArray });
    for (const use of this.#layers(layer)) x = await run.next(use, { x });
    const { pooled } = await run.step(whole(pool), { x, eos });
    await run.drain();
    return { pooled: pooled!, truncated };
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
  }
}

class T5Encoder implements Disposable {
  readonly weights: WeightSet;
  readonly #config: T5Config;
  readonly #types: ModelTypes;
  readonly #tokenizer: Tokenizer;
  readonly #traced = new Recent<string, T5Programs>();

  constructor(source: Flux1Source, types: ModelTypes) {
    this.#config = source.t5;
    this.#types = types;
    this.#tokenizer = loadT5Tokenizer(source.tokenizers.get('t5')!);
    // The list of weights is the same for all lengths.
    const { embed, bias, layer, finalNorm } = this.programs(1, 1);
    const all = [whole(embed), whole(bias), ...this.#layers(layer), whole(finalNorm)];
    this.weights = new WeightSet(originOf(source, 't5'), all);
  }

  get longest(): number {
    return this.#tokenizer.maxLength;
  }

  programs(pass: number, tokens: number): T5Programs {
    const sizes = { batch: pass, tokens, ...this.#types };
    return this.#traced.get(`${pass} ${tokens}`, () => t5Programs(this.#config, sizes));
  }

  #layers(layer: Traced): Use[] {
    return blocks(layer, 'encoder.block', this.#config.layers);
  }

  async encode(
    runtime: Runtime,
    texts: readonly string[],
    { pass, maxSequenceLength: tokens }: PassSizes,
    options: RunOptions,
  ) {
    const { ids, truncated } = tokensOf(this.#tokenizer, texts, pass, tokens);
    const { embed, bias, layer, finalNorm } = this.programs(pass, tokens);
    using run = new Run(runtime, this.weights, options);
    using idArray = await runtime.input(embed, 'ids', ids);
    const positions = await run.next(whole(bias), {});
    let x = await run.next(whole(embed), { ids: idArray });
    for (const use of this.#layers(layer)) x = await run.next(use, { x, bias: positions });
    const { sequence } = await run.step(whole(finalNorm), { x });
    await run.drain();
    return { sequence: sequence!, truncated };
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
  }
}
