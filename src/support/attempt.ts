/** Calls whose failure needs no explanation. */

import { type ErrorCode, FluxionError } from './errors.ts';

/** Returns what a call returns, or `otherwise` if it throws. */
export function attempt<T, O = T>(call: () => T, otherwise: O): T | O {
  try {
    return call();
  } catch {
    return otherwise;
  }
}

/** Returns what a call returns; undefined if it throws a FluxionError, of these codes if any are given. */
export function unlessRefused<T>(call: () => T, ...codes: readonly ErrorCode[]): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof FluxionError && (codes.length === 0 || codes.includes(error.code))) return undefined;
    throw error;
  }
}
