/** This process's part of a batch: its pictures, their slots in its programs, and their latents. */

import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';

export class BatchShare {
  /** Pictures that programs make at a time, empty slots included. */
  readonly slots: number;
  /** Pictures of the batch, from 0, whose latents this process has. */
  readonly held: readonly number[];
  /** The held pictures that this process returns; another process returns the rest. */
  readonly own: readonly number[];
  /** Least number of times that the decoder runs: exchanges wait for every process. */
  readonly rounds: number;
  /** The picture in the first slot. */
  readonly #first: number;

  constructor(runtime: Runtime, batch: number) {
    const { slots, first, held, own } = runtime.share(batch);
    const asked = (list: readonly number[]) => list.map((slot) => first + slot).filter((picture) => picture < batch);
    this.#first = first;
    this.slots = slots;
    this.held = asked(held);
    this.own = asked(own);
    this.rounds = held.length < slots ? slots / runtime.batchOf(1) : 0;
  }

  /** The pictures this process makes at a time: one for each slot of its programs, `undefined` for empty slots. */
  ofSlots<T>(pictures: readonly (T | undefined)[]): (T | undefined)[] {
    return Array.from({ length: this.slots }, (_, slot) => pictures[this.#first + slot]);
  }

  /** The latents of the pictures in `held`, concatenated, from those of all slots [slots, l, channels]. */
  async latentsOf(array: ShardedArray): Promise<Float32Array> {
    const all = new Float32Array((await array.toHost()).buffer);
    const each = all.length / this.slots;
    const latents = new Float32Array(this.held.length * each);
    for (const [i, picture] of this.held.entries()) {
      const start = (picture - this.#first) * each;
      latents.set(all.subarray(start, start + each), i * each);
    }
    return latents;
  }
}
