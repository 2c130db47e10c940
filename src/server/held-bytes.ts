/** Counts the bytes of all bodies that a server holds: it refuses further large bodies before memory runs out. */

import { Refusal } from './refusal.ts';

/** The bytes that one request holds; disposing frees them. */
export interface HeldShare extends Disposable {
  /** Throws `busy` if all requests together would hold too much. */
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
