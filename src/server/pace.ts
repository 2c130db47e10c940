/** The speed of a server, measured on its past work, for estimates of when a job begins. */

/** Seconds of work after which the record so far counts half. */
const MEMORY = 60;

/** Work done per second, counting only time in which there was work. Work is in any unit. */
export class Pace {
  #work = 0;
  #seconds = 0;
  #since: number | undefined;

  /** Records whether there is work now; idle time is not counted. */
  busy(isBusy: boolean, now = performance.now()): void {
    this.#count(now);
    this.#since = isBusy ? now : undefined;
  }

  /** Records finished work. */
  done(work: number, now = performance.now()): void {
    this.#count(now);
    this.#work += work;
    if (this.#seconds < MEMORY) return;
    this.#work /= 2;
    this.#seconds /= 2;
  }

  /** Estimated seconds for this work; undefined until some work was done. */
  secondsFor(work: number): number | undefined {
    return this.#work === 0 || this.#seconds === 0 ? undefined : (work * this.#seconds) / this.#work;
  }

  #count(now: number): void {
    if (this.#since === undefined) return;
    this.#seconds += (now - this.#since) / 1000;
    this.#since = now;
  }
}
