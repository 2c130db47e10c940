/** Measures how long the stages and steps of a run take. */

import type { Report, Timings } from '../api/events.ts';

type Timed = 'compile' | 'encode' | 'denoise' | 'decode';

/** Adds up the seconds of a run's parts. */
export class Clock {
  readonly #seconds: Record<Timed, number> = { compile: 0, encode: 0, denoise: 0, decode: 0 };
  /** Seconds of steps that were computed in full, and of steps that were cut short. */
  readonly #whole: number[] = [];
  readonly #cached: number[] = [];
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

  /** Seconds since the previous step; `cached` says that this step was cut short. */
  step(cached: boolean): number {
    const now = performance.now();
    const seconds = (now - this.#lastStep) / 1000;
    this.#lastStep = now;
    (cached ? this.#cached : this.#whole).push(seconds);
    return seconds;
  }

  add(other: Clock): void {
    for (const part of Object.keys(this.#seconds) as Timed[]) this.#seconds[part] += other.#seconds[part];
    this.#whole.push(...other.#whole);
    this.#cached.push(...other.#cached);
  }

  get steps(): Report['steps'] {
    return { all: this.#whole.length + this.#cached.length, cached: this.#cached.length };
  }

  timings(load: number): Timings {
    const { denoise, decode } = this.#seconds;
    const steps = this.#whole.length > 0 ? this.#whole : this.#cached;
    const secondsPerStep = steps.toSorted((a, b) => a - b)[steps.length >> 1] ?? 0;
    return { load, ...this.#seconds, secondsPerStep, inference: denoise + decode };
  }
}
