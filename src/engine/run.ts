/**
 * Runs the parts of one component in order, slightly ahead of the device. Execution is asynchronous: without a limit a whole picture would
 * be queued at once, leaving no chance to report progress or abort.
 */

import type { Arrangement, Use, WeightSet } from '../weights/set.ts';
import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';

/** Programs started and not finished: one running and one waiting, so that the device never idles. */
const AHEAD = 2;
/** The limit for streamed weights: the next block's weights arrive while the current one runs. */
const AHEAD_STREAMED = 1;

const NONE: Arrangement = {};

/** How adapters change a run's weights and which are streamed, by default none; and the signal that stops the run. */
export interface RunOptions {
  readonly arrangement?: Arrangement;
  readonly signal?: AbortSignal | undefined;
}

export class Run implements Disposable {
  readonly #runtime: Runtime;
  readonly #weights: WeightSet;
  readonly #signal: AbortSignal | undefined;
  readonly #running: Promise<void>[] = [];
  readonly #temporary = new DisposableStack();

  constructor(runtime: Runtime, weights: WeightSet, { arrangement = NONE, signal }: RunOptions = {}) {
    weights.arrange(arrangement);
    this.#runtime = runtime;
    this.#weights = weights;
    this.#signal = signal;
  }

  /**
   * Starts a part once the part before the previous one has finished, compiling it and placing its weights on first use. Rejects with the
   * signal's reason after an abort, and with the error of an earlier part that failed. The caller owns the outputs.
   */
  async step(use: Use, inputs: Readonly<Record<string, ShardedArray>>): Promise<Record<string, ShardedArray>> {
    const [program, weights] = await Promise.all([
      this.#runtime.compile(use.traced, this.#signal),
      this.#weights.arrays(this.#runtime, use),
    ]);
    this.#signal?.throwIfAborted();
    const { recording } = this.#runtime;
    const name = `${use.traced.name} ${use.scope}`.trim();
    const [whole, ...others] = program.executables;
    const apart = recording && others.length > 0;
    if (recording && !apart) await recording.before(whole!, program.arguments(inputs, weights)[0]!);
    const started = performance.now();
    const outputs = apart
      ? await program.runApart(inputs, weights, (executable, args) => recording.run(executable, args, name))
      : await program.start(inputs, weights);
    try {
      const ready = Object.values(outputs)[0]!.ready();
      // The awaiting caller reports a failure; until then it must not count as unhandled.
      const finished = ready.then(() => {
        if (!apart) recording?.ran(whole!, name, started);
        this.#weights.done(use);
      });
      finished.catch(() => {});
      this.#running.push(finished);
      while (this.#running.length > (this.#weights.streams(use) ? AHEAD_STREAMED : AHEAD)) await this.#running.shift();
      this.#signal?.throwIfAborted();
    } catch (error) {
      for (const array of Object.values(outputs)) array.dispose();
      throw error;
    }
    return outputs;
  }

  /** Like `step`, for a part with one output, which lives until this run is disposed. */
  async next(use: Use, inputs: Readonly<Record<string, ShardedArray>>): Promise<ShardedArray> {
    return this.keep(await this.step(use, inputs), use.traced.outputs[0]!);
  }

  /** Owns the outputs until this run is disposed, and returns the one called `name`. */
  keep(outputs: Readonly<Record<string, ShardedArray>>, name: string): ShardedArray {
    for (const array of Object.values(outputs)) this.#temporary.use(array);
    return outputs[name]!;
  }

  /** Resolves when everything started has finished. */
  async drain(): Promise<void> {
    await Promise.all(this.#running.splice(0));
  }

  [Symbol.dispose](): void {
    this.#temporary.dispose();
  }
}
