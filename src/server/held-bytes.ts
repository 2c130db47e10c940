/** Bytes of bodies that a server holds at the same time: of many large ones at once, some are refused before memory runs out. */

import { Refusal } from './refusal.ts';

/** What one request holds; disposing gives it back. */
export interface HeldShare extends Disposable {
  /** Throws `busy` where others hold too much. */
  take(bytes: number): void;
}

export class HeldBytes {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  share(): HeldShare {
    let own = 0;
    return {
      take: (bytes) => {
        if (this.#held + bytes > this.#most) {
          const hint = 'try again later, or send smaller pictures';
          throw new Refusal(503, 'too many large requests at once', { code: 'busy', hint, retryAfter: 5 });
        }
        own += bytes;
        this.#held += bytes;
      },
      [Symbol.dispose]: () => {
        this.#held -= own;
      },
    };
  }
}
