/** The seconds of a run's parts. */

import type { Timings } from './events.ts';

type Timed = 'compile' | 'encode' | 'denoise' | 'decode';

/** Adds up the seconds of a run's parts. */
export class Clock {
  readonly #seconds: Record<Timed, number> = { compile: 0, encode: 0, denoise: 0, decode: 0 };
  readonly #steps: number[] = [];
  #started = 0;
  #lastStep = 0;

  async time<T>(part: Timed, work: () => Promise<T>): Promise<T> {
    this.start(part);
    const result = await work();
    this.stop(part);
    return result;
  }

  start(_part: Timed): void {
    this.#started = performance.now();
    this.#lastStep = this.#started;
  }

  stop(part: Timed): void {
    this.#seconds[part] += (performance.now() - this.#started) / 1000;
  }

  /** Seconds since the step before. */
  step(): number {
    const now = performance.now();
    const seconds = (now - this.#lastStep) / 1000;
    this.#lastStep = now;
    this.#steps.push(seconds);
    return seconds;
  }

  timings(load: number): Timings {
    const { denoise, decode } = this.#seconds;
    const secondsPerStep = this.#steps.toSorted((a, b) => a - b)[this.#steps.length >> 1] ?? 0;
    return { load, ...this.#seconds, secondsPerStep, inference: denoise + decode };
  }
}
