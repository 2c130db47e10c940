/**
 * The first-block cache of one denoising loop: decides after the first block whether the others are run, and stands in for them
 * where they are not. Reads one number a step on the host, which waits for the first block.
 */

import type { Run } from '../engine/run.ts';
import type { FirstBlockCachePrograms } from '../models/first-block-cache.ts';
import { whole } from '../weights/set.ts';
import type { ShardedArray } from '../xla/runtime/runtime.ts';

/** What the first block was given of the image, and what it made of image and text. */
export interface FirstBlock {
  /** [b, l, d] */
  readonly before: ShardedArray;
  /** [b, l, d] */
  readonly img: ShardedArray;
  /** [b, t, d] */
  readonly txt: ShardedArray;
}

/** The two residuals of the last step that was computed whole. */
interface Computed extends Disposable {
  readonly first: ShardedArray;
  readonly rest: ShardedArray;
}

export class FirstBlockCache implements Disposable {
  readonly #programs: FirstBlockCachePrograms;
  readonly #threshold: number;
  #computed: Computed | undefined;

  /** Skips blocks where the first one's residual has changed by less than `threshold`: at 0 never. */
  constructor(programs: FirstBlockCachePrograms, threshold: number) {
    this.#programs = programs;
    this.#threshold = threshold;
  }

  /** Stands in for the blocks after the first: their output x [b, t + l, d], which lives as long as `run`, or undefined where they must run. */
  async output(run: Run, { before, img, txt }: FirstBlock): Promise<ShardedArray | undefined> {
    // The first step has nothing to be compared with.
    if (!this.#computed) return undefined;
    const { firstResidual, residualChange, addRest } = this.#programs;
    const { first: last, rest } = this.#computed;
    const residual = await run.next(whole(firstResidual), { before, after: img });
    const change = await run.next(whole(residualChange), { residual, last });
    const [value] = new Float32Array((await change.toHost()).buffer);
    // Written so that a change that is no number, such as 0 / 0, skips nothing.
    return value! < this.#threshold ? run.next(whole(addRest), { img, txt, rest }) : undefined;
  }

  /** Takes down what the blocks did in a step that was computed whole: x [b, t + l, d] came out of the last. */
  async store(run: Run, { before, img }: FirstBlock, x: ShardedArray): Promise<void> {
    const { firstResidual, restResidual } = this.#programs;
    using owned = new DisposableStack();
    const keep = async (...step: Parameters<Run['step']>): Promise<ShardedArray> =>
      owned.use(Object.values(await run.step(...step))[0]!);
    const first = await keep(whole(firstResidual), { before, after: img });
    const rest = await keep(whole(restResidual), { x, img });
    const moved = owned.move();
    this.#computed?.[Symbol.dispose]();
    this.#computed = { first, rest, [Symbol.dispose]: () => moved.dispose() };
  }

  [Symbol.dispose](): void {
    this.#computed?.[Symbol.dispose]();
    this.#computed = undefined;
  }
}
