/** Encoded prompts, kept while a waiting picture needs them. */

import { byteSize, type DType } from '../support/dtype.ts';
import { fromF32, toF32 } from '../support/floats.ts';
import { Overlay } from '../weights/lora/overlay.ts';
import type { Traced } from '../weights/set.ts';
import type { Runtime } from '../xla/runtime/runtime.ts';
import { hashesOf } from './adapted-prompt.ts';
import type { BatchLayout } from './batch-layout.ts';
import type { PromptPictures } from './conditions/condition.ts';
import type { Conditioning, EncodeOptions, TextEncoders } from './encode.ts';
import type { Prompt } from './request.ts';
import type { Slot } from './slot.ts';

/** Prompts that are encoded at a time, at most. */
const PASS = 4;
/** How many prompts of waiting pictures are encoded along with a batch, at 4 MiB each in bf16. */
const AHEAD = 64;

/** Which of a picture's prompts is meant. */
export type Side = 'prompt' | 'negative';

/** A prompt of a picture. */
interface SlotPrompt {
  readonly slot: Slot;
  readonly prompt: Prompt;
  /** Prompts of equal keys have the same rows. */
  readonly key: string;
}

/** One prompt's row in the result of a pass of the encoders. */
interface Encoded {
  readonly conditioning: Conditioning;
  readonly row: number;
  /** Number of prompts in the pass. */
  readonly pass: number;
}

/** A value for each of the two arrays that the transformer takes of a prompt. */
type Both<T> = Readonly<Record<'pooled' | 'sequence', T>>;

export class EncodedPrompts implements Disposable {
  readonly #runtime: Runtime;
  readonly #encoders: TextEncoders;
  readonly #encoded = new Map<string, Encoded>();

  constructor(runtime: Runtime, encoders: TextEncoders) {
    this.#runtime = runtime;
    this.#encoders = encoders;
  }

  /** How many prompts are best encoded at a time for these pictures; 0 if all are encoded. */
  passOf(slots: readonly Slot[]): number {
    const missing = this.#missing(slots);
    const [first] = missing.values();
    if (!first) return 0;
    if (first.slot.fixed) return first.slot.fixed.encoded ?? 1;
    const { size } = Map.groupBy(missing.values(), ({ slot }) => groupKey(slot)).size > 1 ? { size: 1 } : missing;
    return Math.ceil(size / Math.ceil(size / PASS));
  }

  /** How many prompts were encoded in one pass with a picture's. */
  passThatMade(slot: Slot): number {
    return this.#of(slot, 'prompt').pass;
  }

  /** The parts of a picture's prompts that did not fit the encoders. */
  warningsOf(slot: Slot): readonly string[] {
    return promptsOf(slot).flatMap(({ key }) => {
      const { conditioning, row } = this.#encoded.get(key)!;
      return conditioning.warnings[row]!;
    });
  }

  /**
   * Encodes each prompt of `slots` once, `pass` at a time, then the first waiting ones for the same encoders. Adapters are merged into the
   * encoders' weights, so prompts with different LoRAs need separate passes.
   */
  async encode(
    slots: readonly Slot[],
    waiting: readonly Slot[],
    pass: number,
    options: Pick<EncodeOptions, 'streaming' | 'signal'>,
  ): Promise<void> {
    const own = this.#missing(slots);
    const kinds = new Set(slots.map(groupKey));
    const more = [...this.#missing(waiting)].filter(([key, { slot }]) => !own.has(key) && kinds.has(groupKey(slot)));
    const all = [...own, ...more.slice(0, AHEAD)];
    for (const group of Map.groupBy(all, ([, { slot }]) => groupKey(slot)).values()) {
      for (let at = 0; at < group.length; at += pass) {
        const together = group.slice(at, at + pass);
        const { prompt, ticket } = together[0]![1].slot;
        const conditioning = await this.#encoders.encode(
          this.#runtime,
          together.map(([, { prompt }]) => prompt),
          { pass, maxSequenceLength: ticket.decided.maxSequenceLength },
          { ...options, overlay: new Overlay([prompt.loras], 'merged') },
        );
        for (const [row, [key]] of together.entries()) this.#encoded.set(key, { conditioning, row, pass });
      }
    }
  }

  /**
   * The conditioning of a batch: one for every slot, with zeros in empty slots, or a shared one. `inputs` are the programs that take it,
   * `images` the text tokens of pictures in prompts, by key. The holder disposes it.
   */
  async conditioning(
    { pictures, each }: BatchLayout,
    length: number,
    inputs: Both<Traced>,
    side: Side,
    images: ReadonlyMap<string, Float32Array>,
  ): Promise<Conditioning> {
    const slots = each ? Array.from({ length }, (_, i) => pictures[i]) : [pictures.find((slot) => slot !== undefined)];
    const encoded = slots.map((slot) => slot && this.#of(slot, side));
    const [only] = encoded;
    const joins = slots.map((slot) => (side === 'prompt' ? slot && promptPicturesOf(slot) : undefined));
    if (encoded.length === 1 && only!.pass === 1 && !joins[0]) return { ...only!.conditioning, [Symbol.dispose]() {} };
    const hosts = new Map<Conditioning, Both<Uint8Array>>();
    for (const { conditioning } of encoded.filter((row) => row !== undefined))
      if (!hosts.has(conditioning))
        hosts.set(conditioning, {
          pooled: await conditioning.pooled.toHost(),
          sequence: await conditioning.sequence.toHost(),
        });
    const rows = encoded.map((from, i) => {
      if (!from) return undefined;
      const { conditioning, row, pass } = from;
      const cut = (bytes: Uint8Array) => bytes.subarray((row * bytes.length) / pass, ((row + 1) * bytes.length) / pass);
      const { pooled, sequence } = hosts.get(conditioning)!;
      const bytes = { pooled: cut(pooled), sequence: cut(sequence) };
      const join = joins[i];
      return join ? joined(join, bytes, conditioning.sequence.dtype, images) : bytes;
    });
    using owned = new DisposableStack();
    const placed = async (name: keyof typeof inputs) => {
      const size = rows.find((row) => row !== undefined)![name].length;
      const bytes = new Uint8Array(size * rows.length);
      for (const [i, row] of rows.entries()) if (row) bytes.set(row[name], i * size);
      return owned.use(await this.#runtime.input(inputs[name], name, bytes));
    };
    const pooled = await placed('pooled');
    const sequence = await placed('sequence');
    const kept = owned.move();
    return { pooled, sequence, warnings: [], [Symbol.dispose]: () => kept.dispose() };
  }

  /** Frees all prompts except those of these pictures. */
  keep(slots: readonly Slot[]): void {
    const keys = new Set(slots.flatMap(promptsOf).map(({ key }) => key));
    const before = new Set([...this.#encoded.values()].map(({ conditioning }) => conditioning));
    for (const key of [...this.#encoded.keys()]) if (!keys.has(key)) this.#encoded.delete(key);
    for (const { conditioning } of this.#encoded.values()) before.delete(conditioning);
    for (const conditioning of before) conditioning[Symbol.dispose]();
  }

  #of(slot: Slot, side: Side): Encoded {
    const [prompt, negative] = promptsOf(slot);
    return this.#encoded.get((side === 'prompt' ? prompt! : negative!).key)!;
  }

  /** One picture for each prompt that is still to be encoded. */
  #missing(slots: readonly Slot[]): Map<string, SlotPrompt> {
    const all = slots.flatMap(promptsOf).map((prompt) => [prompt.key, prompt] as const);
    return new Map(all.filter(([key]) => !this.#encoded.has(key)));
  }

  [Symbol.dispose](): void {
    this.keep([]);
  }
}

const prompts = new WeakMap<Slot, readonly SlotPrompt[]>();

/** A picture's prompt, and its negative prompt if it has one. Cached, as thousands of pictures may wait. */
function promptsOf(slot: Slot): readonly SlotPrompt[] {
  const { prompt: own } = slot;
  const known =
    prompts.get(slot) ??
    [own, own.negative ?? []].flat().map((prompt) => {
      const key = JSON.stringify([groupKey(slot), prompt.prompt, prompt.prompt2]);
      return { slot, prompt, key };
    });
  prompts.set(slot, known);
  return known;
}

/** The input pictures in a picture's prompt. */
export function promptPicturesOf({ ticket: { decided } }: Slot): PromptPictures | undefined {
  return decided.conditions.find(({ prompt }) => prompt !== undefined)?.prompt;
}

/** A prompt's row with its pictures. */
function joined(
  { join }: PromptPictures,
  bytes: Both<Uint8Array>,
  dtype: DType,
  images: ReadonlyMap<string, Float32Array>,
): Both<Uint8Array> {
  const values = (of: Uint8Array): Float32Array => toF32(dtype, of, of.length / byteSize(dtype));
  const prompt = { pooled: values(bytes.pooled), sequence: values(bytes.sequence) };
  const { pooled, sequence } = join(prompt, ({ key }) => images.get(key)!);
  return { pooled: fromF32(dtype, pooled), sequence: fromF32(dtype, sequence) };
}

/** Prompts with equal keys may be encoded in one pass. A prompt from a recipe gets its own pass, as it had then. */
function groupKey({ prompt, ticket, fixed }: Slot): string {
  return JSON.stringify([ticket.decided.maxSequenceLength, hashesOf(prompt), fixed && (fixed.encoded ?? 1)]);
}
