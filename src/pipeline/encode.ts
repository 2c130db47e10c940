/** From prompts to conditioning: CLIP's pooled vector of `prompt` and T5's sequence of `prompt2`. */

import { Run, type RunOptions } from '../engine/run.ts';
import type { Flux1Source } from '../families/flux1/flux1.ts';
import { type ClipPrograms, clipPrograms, eosPosition } from '../models/clip.ts';
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

/** What the transformer is told of one prompt; the holder disposes it. */
export interface Conditioning extends Disposable {
  /** [1, pooled dim] */
  readonly pooled: ShardedArray;
  /** [1, text tokens, joint attention dim] */
  readonly sequence: ShardedArray;
  /** What did not fit the encoders, worth telling the user. */
  readonly warnings: readonly string[];
}

export interface Prompt {
  /** What CLIP reads. */
  readonly prompt: string;
  /** What T5 reads. */
  readonly prompt2: string;
}

/** How the encoders' weights lie, as in the file and in place by default, and what stops the encoding. */
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

  /** Every weight of both. */
  get declared(): readonly WeightSpec[] {
    return [...this.#clip.weights.declared, ...this.#t5.weights.declared];
  }

  /** Tokens that the model's T5 tokenizer was made for; FLUX.1's where the tokenizers are those of another model. */
  get longestPrompt(): number {
    return this.#source.borrowsTokenizers ? LONGEST_PROMPT : this.#t5.longest;
  }

  /** Every program that `encode` runs for sequences of this length, the same objects every time. */
  programs(maxSequenceLength: number): Pick<RunPrograms, 'clip' | 't5'> {
    return { clip: this.#clip.programs, t5: this.#t5.programs(maxSequenceLength) };
  }

  /** Encodes one prompt, T5's part to `maxSequenceLength` tokens, padded. Adapters are merged into the weights; T5's may be streamed. */
  async encode(
    runtime: Runtime,
    text: Prompt,
    maxSequenceLength: number,
    { overlay, streaming, signal }: EncodeOptions = {},
  ): Promise<Conditioning> {
    using done = new DisposableStack();
    const { pooled, truncated } = await this.#clip.encode(runtime, text.prompt, { arrangement: { overlay }, signal });
    done.use(pooled);
    const arrangement = { overlay, streaming };
    const t5 = await this.#t5.encode(runtime, text.prompt2, maxSequenceLength, { arrangement, signal });
    done.use(t5.sequence);
    const owned = done.move();
    return {
      pooled,
      sequence: t5.sequence,
      warnings: [...cut('CLIP', this.#clip.tokens, truncated), ...cut('T5', maxSequenceLength, t5.truncated)],
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

class ClipEncoder implements Disposable {
  readonly tokens: number;
  readonly programs: ClipPrograms;
  readonly weights: WeightSet;
  readonly #tokenizer: Tokenizer;
  readonly #eosTokenId: number;
  readonly #layers: readonly Use[];

  constructor(source: Flux1Source, types: ModelTypes) {
    const { clip } = source;
    this.tokens = clip.maxPositions;
    this.#eosTokenId = clip.eosTokenId;
    this.#tokenizer = loadClipTokenizer(source.tokenizers.get('clip')!);
    this.programs = clipPrograms(clip, { batch: 1, tokens: this.tokens, ...types });
    const { embed, layer, pool } = this.programs;
    this.#layers = blocks(layer, 'text_model.encoder.layers', clip.layers);
    const all = [whole(embed), ...this.#layers, whole(pool)];
    this.weights = new WeightSet(originOf(source, 'clip'), all);
  }

  async encode(runtime: Runtime, text: string, options: RunOptions) {
    const { ids, truncated } = this.#tokenizer.encode(text, this.tokens);
    const { embed, pool } = this.programs;
    using run = new Run(runtime, this.weights, options);
    using idArray = await runtime.input(embed, 'ids', ids);
    using eos = await runtime.input(pool, 'eos', Int32Array.of(eosPosition(ids, this.#eosTokenId)));
    let x = await run.next(whole(embed), { ids: idArray });
    for (const layer of this.#layers) x = await run.next(layer, { x });
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
  readonly #traced = new Recent<number, T5Programs>();

  constructor(source: Flux1Source, types: ModelTypes) {
    this.#config = source.t5;
    this.#types = types;
    this.#tokenizer = loadT5Tokenizer(source.tokenizers.get('t5')!);
    // Which weights there are does not depend on the length.
    const { embed, bias, layer, finalNorm } = this.programs(1);
    const all = [whole(embed), whole(bias), ...this.#layers(layer), whole(finalNorm)];
    this.weights = new WeightSet(originOf(source, 't5'), all);
  }

  get longest(): number {
    return this.#tokenizer.maxLength;
  }

  programs(tokens: number): T5Programs {
    return this.#traced.get(tokens, () => t5Programs(this.#config, { batch: 1, tokens, ...this.#types }));
  }

  #layers(layer: Traced): Use[] {
    return blocks(layer, 'encoder.block', this.#config.layers);
  }

  async encode(runtime: Runtime, text: string, tokens: number, options: RunOptions) {
    const { ids, truncated } = this.#tokenizer.encode(text, tokens);
    const { embed, bias, layer, finalNorm } = this.programs(tokens);
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
