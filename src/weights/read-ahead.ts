/**
 * Manages the page cache for streamed weights: which to read before their use, and which to drop after it. Blocks are used in the same order
 * in every step, so a least-recently-used cache too small for all of them drops each just before its turn; here some stay, and the others
 * are dropped at once.
 */

/** One use of weights that are streamed from their file. */
export interface StreamedUse {
  readonly key: string;
  /** Whether it is used in every step, or once a picture. */
  readonly again: boolean;
  /** Bytes read from the file. */
  readonly bytes: number;
}

/** Most bytes to read ahead: a few seconds of a disk, to even out large and small blocks. */
const AHEAD = 2e9;

export class ReadAhead {
  /** In the order in which they are used. */
  readonly #uses: readonly StreamedUse[];
  readonly #ahead: number;
  readonly #stays = new Set<string>();
  readonly #announced = new Set<string>();

  /** `room`: bytes that the cache may hold, in addition to the process's own memory. */
  constructor(uses: readonly StreamedUse[], room: number) {
    this.#uses = uses;
    this.#ahead = Math.min(AHEAD, room / 4);
    const total = uses.reduce((sum, { bytes }) => sum + bytes, 0);
    let left = total <= room ? total : room - this.#ahead;
    // Weights used in every step are worth more.
    for (const { key, bytes } of [...uses.filter(({ again }) => again), ...uses.filter(({ again }) => !again)]) {
      left -= bytes;
      if (left < 0) break;
      this.#stays.add(key);
    }
  }

  /** The uses to read when this one begins: itself and the following ones, each returned once until it is done. */
  due(key: string): string[] {
    const due: string[] = [];
    let bytes = 0;
    for (const [i, use] of this.#from(key).entries()) {
      bytes += i === 0 ? 0 : use.bytes;
      if (bytes > this.#ahead) break;
      if (this.#announced.has(use.key)) continue;
      this.#announced.add(use.key);
      due.push(use.key);
    }
    return due;
  }

  /** Ends a use; returns whether what was read for it stays in the cache. */
  done(key: string): boolean {
    const stays = this.#stays.has(key);
    if (!stays) this.#announced.delete(key);
    return stays;
  }

  /** Starts over: uses that were announced but never finished, as in an aborted run, are announced again. */
  restart(): void {
    this.#announced.clear();
  }

  /** All uses in order from this one on, wrapping around to the repeated ones. */
  #from(key: string): StreamedUse[] {
    const at = this.#uses.findIndex((use) => use.key === key);
    if (at < 0) return [];
    const round = this.#uses.slice(0, at).filter(({ again }) => again);
    return [...this.#uses.slice(at), ...(this.#uses[at]!.again ? round : [])];
  }
}
