/** Turns: callers who enter wait until those before them have left. */

import { untilAborted } from '../support/until-aborted.ts';

export class Queue {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, which disposing the result ends; rejects with the signal's reason. */
  async enter(signal?: AbortSignal): Promise<Disposable> {
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = turn.promise;
    try {
      await untilAborted(before, signal);
    } catch (error) {
      // A later caller still waits for the earlier ones.
      before.then(turn.resolve);
      throw error;
    }
    return { [Symbol.dispose]: () => turn.resolve() };
  }
}
