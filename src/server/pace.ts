/** How fast a server works, as far as it can be told from what it did: for estimates of when a job begins. */

/** Seconds of work that weigh half beside what came after them. */
const MEMORY = 60;

/** Work done over the time in which there was some to do. Work is in any unit. */
export class Pace {
  #work = 0;
  #seconds = 0;
  #since: number | undefined;

  /** Tells whether there is work now; time without is not counted. */
  busy(isBusy: boolean, now = performance.now()): void {
    this.#count(now);
    this.#since = isBusy ? now : undefined;
  }

  /** Tells that work was done. */
  done(work: number, now = performance.now()): void {
    this.#count(now);
    this.#work += work;
    if (this.#seconds < MEMORY) return;
    this.#work /= 2;
    this.#seconds /= 2;
  }

  /** Seconds that this work takes; undefined as long as nothing was done. */
  secondsFor(work: number): number | undefined {
    return this.#work === 0 || this.#seconds === 0 ? undefined : (work * this.#seconds) / this.#work;
  }

  #count(now: number): void {
    if (this.#since === undefined) return;
    this.#seconds += (now - this.#since) / 1000;
    this.#since = now;
  }
}
