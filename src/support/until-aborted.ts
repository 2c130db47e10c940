/** Waits that end on abort, or after a time; the awaited work goes on. */

/** Settles as `work` does, or rejects with the signal's reason as soon as it aborts; the result of `work` is then discarded. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  work.catch(() => {});
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Settles as `work` does, or resolves to undefined after so many milliseconds. */
export async function within<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), milliseconds);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

/** Waits so many milliseconds, or rejects with the signal's reason as soon as it aborts. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await untilAborted(promise, signal).finally(() => clearTimeout(timer));
}
