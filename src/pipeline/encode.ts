/** From prompts to conditioning: CLIP's pooled vector of `prompt` and T5's sequence of `prompt2`. */

import { Run, type RunOptions } from '../engine/run.ts';
import type { Flux1Source } from '../families/flux1/flux1.ts';
import { type ClipPrograms, clipPrograms, eosPosition } from '../models/clip.ts';
import type { RunPrograms } from '../models/programs.ts';
import { type T5Programs, t5Programs } from '../models/t5.ts';
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
  /** The number of tokens the model's T5 tokenizer was made for; FLUX.1's if the tokenizers are another model's. */
  readonly longestPrompt: number;
  readonly #source: Flux1Source;
  readonly #clip: TextEncoder<ClipPrograms>;
  readonly #t5: TextEncoder<T5Programs>;
  readonly #owned: DisposableStack;

  /** Reads the tokenizers and binds the weights, without placing them. */
  constructor(source: Flux1Source, types: ModelTypes) {
    const { clip, t5, tokenizers } = source;
    using opening = new DisposableStack();
    this.#source = source;
    this.#clip = opening.use(
      new TextEncoder(source, 'clip', {
        tokenizer: loadClipTokenizer(tokenizers.get('clip')!),
        tokens: clip.maxPositions,
        trace: (sizes) => clipPrograms(clip, { ...sizes, ...types }),
        parts: ({ embed, layer, pool }) => ({
          embed,
          layers: blocks(layer, 'text_model.encoder.layers', clip.layers),
          last: pool,
        }),
        eos: (ids) => eosPosition(ids, clip.eosTokenId),
      }),
    );
    const tokenizer = loadT5Tokenizer(tokenizers.get('t5')!);
    this.longestPrompt = source.borrowsTokenizers ? LONGEST_PROMPT : tokenizer.maxLength;
    this.#t5 = opening.use(
      new TextEncoder(source, 't5', {
        tokenizer,
        tokens: 1,
        trace: (sizes) => t5Programs(t5, { ...sizes, ...types }),
        parts: ({ layer, finalNorm, ...first }) => ({
          ...first,
          layers: blocks(layer, 'encoder.block', t5.layers),
          last: finalNorm,
        }),
      }),
    );
    this.#owned = opening.move();
  }

  /** Every weight of both encoders. */
  get declared(): readonly WeightSpec[] {
    return [...this.#clip.weights.declared, ...this.#t5.weights.declared];
  }

  /** Every program that `encode` runs for these sizes, the same objects every time. */
  programs({ pass, maxSequenceLength }: PassSizes): Pick<RunPrograms, 'clip' | 't5'> {
    const { maxPositions } = this.#source.clip;
    return { clip: this.#clip.programs(pass, maxPositions), t5: this.#t5.programs(pass, maxSequenceLength) };
  }

  /** Encodes up to `pass` prompts together. Adapters are merged into the weights; T5's may be streamed. */
  async encode(
    runtime: Runtime,
    prompts: readonly Prompt[],
    { pass, maxSequenceLength }: PassSizes,
    { overlay, streaming, signal }: EncodeOptions = {},
  ): Promise<Conditioning> {
    const { maxPositions } = this.#source.clip;
    using done = new DisposableStack();
    const texts = prompts.map(({ prompt }) => prompt);
    const clip = await this.#clip.encode(runtime, texts, pass, maxPositions, { arrangement: { overlay }, signal });
    const pooled = done.use(clip.output);
    const texts2 = prompts.map(({ prompt2 }) => prompt2);
    const arrangement = { overlay, streaming };
    const t5 = await this.#t5.encode(runtime, texts2, pass, maxSequenceLength, { arrangement, signal });
    const sequence = done.use(t5.output);
    const owned = done.move();
    return {
      pooled,
      sequence,
      warnings: prompts.map((_, i) => [
        ...cut('CLIP', maxPositions, clip.truncated[i]),
        ...cut('T5', maxSequenceLength, t5.truncated[i]),
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

/** The network of a text encoder, in programs `P`. */
interface Network<P> {
  readonly tokenizer: Tokenizer;
  /** Tokens that its weights are listed for; the list is the same for every number. */
  readonly tokens: number;
  trace(sizes: { readonly batch: number; readonly tokens: number }): P;
  /** The programs in their order; `bias` gives what every layer takes besides x. */
  parts(programs: P): {
    readonly embed: Traced;
    readonly bias?: Traced;
    readonly layers: readonly Use[];
    readonly last: Traced;
  };
  /** The position in a text that the last program reads, if it reads a single one. */
  eos?(ids: Int32Array): number;
}

/** One text encoder, with its weights. */
class TextEncoder<P> implements Disposable {
  readonly weights: WeightSet;
  readonly #network: Network<P>;
  readonly #traced = new Recent<string, P>();

  constructor(source: Flux1Source, name: 'clip' | 't5', network: Network<P>) {
    this.#network = network;
    const { embed, bias, layers, last } = network.parts(this.programs(1, network.tokens));
    const all = [whole(embed), ...(bias ? [whole(bias)] : []), ...layers, whole(last)];
    this.weights = new WeightSet(originOf(source, name), all);
  }

  programs(pass: number, tokens: number): P {
    return this.#traced.get(`${pass} ${tokens}`, () => this.#network.trace({ batch: pass, tokens }));
  }

  /** Encodes texts of `tokens` tokens each; slots beyond the last text are zeros. Returns the cut part of each text too. */
  async encode(runtime: Runtime, texts: readonly string[], pass: number, tokens: number, options: RunOptions) {
    const { tokenizer, eos, parts } = this.#network;
    const ids = new Int32Array(pass * tokens);
    const truncated = texts.map((text, i) => {
      const encoded = tokenizer.encode(text, tokens);
      ids.set(encoded.ids, i * tokens);
      return encoded.truncated;
    });
    const { embed, bias, layers, last } = parts(this.programs(pass, tokens));
    using run = new Run(runtime, this.weights, options);
    const ends = eos && Int32Array.from({ length: pass }, (_, i) => eos(ids.subarray(i * tokens, (i + 1) * tokens)));
    using idArray = await runtime.input(embed, 'ids', ids);
    using eosArray = ends && (await runtime.input(last, 'eos', ends));
    const beside = bias && { bias: await run.next(whole(bias), {}) };
    let x = await run.next(whole(embed), { ids: idArray });
    for (const use of layers) x = await run.next(use, { x, ...beside });
    const [output] = Object.values(await run.step(whole(last), { x, ...(eosArray && { eos: eosArray }) }));
    await run.drain();
    return { output: output!, truncated };
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
  }
}
