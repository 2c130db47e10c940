/** This process's part of a batch: which pictures it makes, noise at the places of its programs, and latents taken out of them again. */

import type { DecidedRequest } from '../pipeline/request.ts';
import { packLatents } from '../sampling/latents.ts';
import { noise } from '../sampling/noise.ts';
import type { Runtime, ShardedArray, Share } from '../xla/runtime/runtime.ts';

/** What noise is drawn for. */
interface LatentType {
  readonly channels: number;
  readonly dtype: Parameters<typeof noise>[1]['dtype'];
}

export class BatchShare {
  /** Pictures that programs make at a time, empty places included. */
  readonly places: number;
  /** Pictures of the batch, from 0, whose latents this process has. */
  readonly held: readonly number[];
  /** Those of them that it hands out; of those left out another process does. */
  readonly own: readonly number[];
  /** Times that the decoder is run at least: exchanges between processes wait for all of them. */
  readonly rounds: number;
  readonly #share: Share;

  constructor(runtime: Runtime, batch: number) {
    const share = runtime.share(batch);
    const { places, first, held, own } = share;
    const asked = (list: readonly number[]) => list.map((place) => first + place).filter((picture) => picture < batch);
    this.#share = share;
    this.places = places;
    this.held = asked(held);
    this.own = asked(own);
    this.rounds = held.length < places ? places / runtime.batchOf(1) : 0;
  }

  /** Packed noise [places, l, channels], with zeros at places beyond the last picture. All of the batch is drawn: of JAX's, one draw makes all. */
  noise({ batch, size, noise: kind }: DecidedRequest, seed: bigint, { channels, dtype }: LatentType): Float32Array {
    const { places, first } = this.#share;
    const shape = [batch, channels, size.height, size.width] as const;
    const drawn = packLatents(noise(kind, { seed, shape, dtype }), shape);
    const each = drawn.length / batch;
    const all = new Float32Array(each * places);
    all.set(drawn.subarray(first * each, (first + places) * each));
    return all;
  }

  /** Latents of the pictures in `held`, one after the other, out of those of all places [places, l, channels]. */
  async latentsOf(array: ShardedArray): Promise<Float32Array> {
    const all = new Float32Array((await array.toHost()).buffer);
    const each = all.length / this.places;
    const { first } = this.#share;
    const latents = new Float32Array(this.held.length * each);
    for (const [i, picture] of this.held.entries())
      latents.set(all.subarray((picture - first) * each, (picture - first + 1) * each), i * each);
    return latents;
  }
}
