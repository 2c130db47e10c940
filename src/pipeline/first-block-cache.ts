/**
 * The first-block cache of one denoising loop. After the first block it decides whether the others run, and replaces their output if not.
 * It reads one number a step on the host, which waits for the first block.
 */

import type { Run } from '../engine/run.ts';
import type { FirstBlockCachePrograms } from '../models/first-block-cache.ts';
import { whole } from '../weights/set.ts';
import type { ShardedArray } from '../xla/runtime/runtime.ts';

/** The first block's image input, and its image and text outputs. */
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

  /** Skips blocks where the first one's residual has changed by less than `threshold`; 0 never skips. */
  constructor(programs: FirstBlockCachePrograms, threshold: number) {
    this.#programs = programs;
    this.#threshold = threshold;
  }

  /** The output x [b, t + l, d] in place of the blocks after the first, alive as long as `run`; `undefined` if they must run. */
  async output(run: Run, { before, img, txt }: FirstBlock): Promise<ShardedArray | undefined> {
    // The first step has nothing to be compared with.
    if (!this.#computed) return undefined;
    const { firstResidual, residualChange, addRest } = this.#programs;
    const { first: last, rest } = this.#computed;
    const residual = await run.next(whole(firstResidual), { before, after: img });
    const change = await run.next(whole(residualChange), { residual, last });
    const [value] = new Float32Array((await change.toHost()).buffer);
    // Written so that NaN, as from 0 / 0, skips nothing.
    return value! < this.#threshold ? run.next(whole(addRest), { img, txt, rest }) : undefined;
  }

  /** Records the blocks' effect in a step that was computed in full: x [b, t + l, d] is the last block's output. */
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
