/**
 * What streamed weights ask of the system's page cache: what to read before its use, and what to let go of after it. Blocks come round in the same order
 * in every step. A cache that is too small for them all, and lets go of what was used longest ago, has let go of each just before its
 * turn; here some stay for good, and the others are let go of at once.
 */

/** One use of weights that come out of their file. */
export interface StreamedUse {
  readonly key: string;
  /** Whether it comes round with every step, or once a picture. */
  readonly again: boolean;
  /** What is read of the file. */
  readonly bytes: number;
}

/** Read ahead of its use at most, in bytes: some seconds of a disk, so that large blocks and small ones even out. */
const AHEAD = 2e9;

export class ReadAhead {
  /** In the order in which they are used. */
  readonly #uses: readonly StreamedUse[];
  readonly #ahead: number;
  readonly #stays = new Set<string>();
  readonly #announced = new Set<string>();

  /** `room`: bytes that the cache may hold besides what the process itself does. */
  constructor(uses: readonly StreamedUse[], room: number) {
    this.#uses = uses;
    this.#ahead = Math.min(AHEAD, room / 4);
    const total = uses.reduce((sum, { bytes }) => sum + bytes, 0);
    let left = total <= room ? total : room - this.#ahead;
    // What comes round more often is worth more.
    for (const { key, bytes } of [...uses.filter(({ again }) => again), ...uses.filter(({ again }) => !again)]) {
      left -= bytes;
      if (left < 0) break;
      this.#stays.add(key);
    }
  }

  /** The uses to be read from now on, as this one begins: itself, and what follows, each told once until it is done. */
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

  /** Begins anew: what was told before and perhaps never used, as in a run that was stopped, is told again. */
  restart(): void {
    this.#announced.clear();
  }

  /** All uses, from this one on; after the last, those that come round. */
  #from(key: string): StreamedUse[] {
    const at = this.#uses.findIndex((use) => use.key === key);
    if (at < 0) return [];
    const round = this.#uses.slice(0, at).filter(({ again }) => again);
    return [...this.#uses.slice(at), ...(this.#uses[at]!.again ? round : [])];
  }
}
