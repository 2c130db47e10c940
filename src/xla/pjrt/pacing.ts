/**
 * Keeping executions in flight below the number at which starting another one blocks the calling thread: XLA's CPU client stops at 32.
 */

import type { DeviceArray } from './array.ts';

/** Executions between two fences, and fences that may be open: at most 24 executions are unfinished after `turn`. */
const SPACING = 8;
const OPEN_FENCES = 2;

/** Counts the executions of one client and holds the next one back while too many are unfinished. */
export class Pacing {
  #started = 0;
  readonly #fences: Promise<void>[] = [];

  /** Resolves when another execution can be started without blocking. */
  async turn(): Promise<void> {
    while (this.#fences.length > OPEN_FENCES) await this.#fences.shift();
  }

  /** Notes a started execution by one of its outputs. */
  started(output: DeviceArray | undefined): void {
    if (!output || ++this.#started % SPACING !== 0) return;
    // A failed execution is over too; whoever reads its outputs gets the error.
    this.#fences.push(output.ready().catch(() => {}));
    if (this.#fences.length > 4 * OPEN_FENCES) void this.#fences.shift();
  }
}
