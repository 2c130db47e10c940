/** Turns, in the order in which callers ask for them: beside other turns, or alone. */

import { untilAborted } from './until-aborted.ts';

type Company = 'alone' | 'beside others';

interface Waiting {
  readonly company: Company;
  readonly turn: PromiseWithResolvers<void>;
}

export class Turns {
  readonly #waiting: Waiting[] = [];
  #running = 0;
  #isAlone = false;

  /** Waits for a turn, which lasts until it is disposed. Rejects with the signal's reason. */
  async enter(company: Company, signal?: AbortSignal): Promise<Disposable> {
    const waiting: Waiting = { company, turn: Promise.withResolvers() };
    this.#waiting.push(waiting);
    this.#next();
    try {
      await untilAborted(waiting.turn.promise, signal);
    } catch (error) {
      const at = this.#waiting.indexOf(waiting);
      if (at === -1) this.#leave();
      else this.#waiting.splice(at, 1);
      this.#next();
      throw error;
    }
    return { [Symbol.dispose]: () => this.#leave() };
  }

  #next(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (!first || this.#isAlone || (first.company === 'alone' && this.#running > 0)) return;
      this.#waiting.shift();
      this.#running++;
      this.#isAlone = first.company === 'alone';
      first.turn.resolve();
    }
  }

  #leave(): void {
    this.#running--;
    // Whoever leaves was alone, if anybody was.
    this.#isAlone = false;
    this.#next();
  }
}
