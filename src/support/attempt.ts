/** Calls whose failure needs no explanation. */

/** Returns what a call returns, or `otherwise` if it throws. */
export function attempt<T, O = T>(call: () => T, otherwise: O): T | O {
  try {
    return call();
  } catch {
    return otherwise;
  }
}
