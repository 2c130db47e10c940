/** Turns of jobs in one worker: usually side by side, but alone for a job that may have killed workers before. */

import { untilAborted } from '../../support/until-aborted.ts';

interface Waiting {
  readonly isAlone: boolean;
  readonly turn: PromiseWithResolvers<void>;
}

/** Gives turns in the order of the calls. */
export class Turns {
  readonly #waiting: Waiting[] = [];
  #running = 0;
  #alone = false;

  /** Waits for a turn, which lasts until it is disposed; `isAlone`: no other job runs beside it. Rejects with the signal's reason. */
  async enter(isAlone: boolean, signal: AbortSignal): Promise<Disposable> {
    const waiting: Waiting = { isAlone, turn: Promise.withResolvers() };
    this.#waiting.push(waiting);
    this.#next();
    try {
      await untilAborted(waiting.turn.promise, signal);
    } catch (error) {
      const at = this.#waiting.indexOf(waiting);
      if (at === -1) this.#leave(isAlone);
      else this.#waiting.splice(at, 1);
      this.#next();
      throw error;
    }
    return { [Symbol.dispose]: () => this.#leave(isAlone) };
  }

  #next(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (!first || this.#alone || (first.isAlone && this.#running > 0)) return;
      this.#waiting.shift();
      this.#running++;
      this.#alone = first.isAlone;
      first.turn.resolve();
    }
  }

  #leave(isAlone: boolean): void {
    this.#running--;
    if (isAlone) this.#alone = false;
    this.#next();
  }
}
