/** The layout of a batch: which slot of its programs each picture has, and what the programs take. */

import type { BatchShare } from '../engine/batch-share.ts';
import type { Applied } from '../weights/lora/overlay.ts';
import { keyOf } from './adapted-prompt.ts';
import { denoiseSizes } from './denoise.ts';
import type { DecidedRequest } from './request.ts';
import type { Slot } from './slot.ts';

/** How a batch is laid out. */
export interface BatchLayout {
  /** Pictures by slot; an empty slot computes with zeros. */
  readonly pictures: readonly (Slot | undefined)[];
  /** Whether programs take a prompt, a guidance and LoRAs for each picture, instead of one for all. */
  readonly each: boolean;
  /** Pictures that are decoded at a time, in the order of their slots. */
  readonly decoded: number;
  /** Ranks of adapters that programs must take, if prescribed. */
  readonly rank?: number | undefined;
}

/** Pixels that are decoded at a time: fewer leave cores idle, and more gain nothing (`docs/measurements/batches.md`). */
const DECODED_PIXELS = 4 * 128 * 128;

function decodedTogether({ width, height }: DecidedRequest, pictures: number): number {
  return [4, 2].find((count) => count <= pictures && count * width * height <= DECODED_PIXELS) ?? 1;
}

/** Equal for prompts with equal pictures. */
const promptKey = ({ conditions }: DecidedRequest): string =>
  conditions.map(({ prompt }) => prompt?.key ?? '').join('');

/** Batches of several requests have one of these sizes, so that few programs are compiled. */
const SIZES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

/** Lays out a batch. A batch of one request has exactly its size; a shared one is rounded up to the next size, but not beyond `most`. */
export function layoutOf(
  slots: readonly Slot[],
  { most, oneDevice }: { readonly most: number; readonly oneDevice: boolean },
): BatchLayout {
  const [first] = slots as [Slot];
  const { fixed } = first;
  if (fixed) {
    const pictures = Array.from({ length: fixed.size }, (_, i) => (i === fixed.index ? first : undefined));
    return { pictures, each: fixed.prompts === 'each', decoded: fixed.decoded ?? 1, rank: fixed.rank };
  }
  const strangers = slots.some(({ ticket }) => ticket !== first.ticket);
  const size = strangers ? SIZES.find((size) => size >= slots.length) : undefined;
  const length = size === undefined || size > most ? slots.length : size;
  const kinds = new Set(
    slots.map(
      ({ prompt, ticket: { decided } }) =>
        `${keyOf(prompt)} ${decided.guidance} ${decided.trueCfgScale} ${promptKey(decided)}`,
    ),
  );
  const decoded = oneDevice ? decodedTogether(first.ticket.decided, length) : 1;
  return { pictures: Array.from({ length }, (_, i) => slots[i]), each: kinds.size > 1, decoded };
}

/** Sizes that the programs of a batch are traced for. */
export function batchSizes({ each }: BatchLayout, { slots: batch }: BatchShare, decided: DecidedRequest) {
  return denoiseSizes(decided, { batch, prompts: each ? batch : 1 });
}

/** The LoRAs of every slot, or one list for all pictures. Empty slots take any picture's. */
export function batchLoras({ pictures, each }: BatchLayout, length: number): (readonly Applied[])[] {
  const first = pictures.find((slot) => slot !== undefined)!.prompt.loras;
  return each ? Array.from({ length }, (_, i) => pictures[i]?.prompt.loras ?? first) : [first];
}
