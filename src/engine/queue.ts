/** Turns: those who enter wait until those before them have left. */

export class Queue {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is one's turn, with what ends the turn when disposed; rejects with the signal's reason. */
  async enter(signal?: AbortSignal): Promise<Disposable> {
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = turn.promise;
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await (signal ? Promise.race([before, aborted.promise]) : before);
    } catch (error) {
      // Whoever comes next still waits for those before.
      before.then(turn.resolve);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    return { [Symbol.dispose]: () => turn.resolve() };
  }
}
