/** Asserts that a call is refused in Fluxion's own way. */

import assert from 'node:assert/strict';
import { type ErrorCode, FluxionError } from '../../src/support/errors.ts';

/** Asserts that `call` throws a FluxionError of the given code whose message and hint match every pattern. */
export function fails(call: () => unknown, code: ErrorCode, ...messages: RegExp[]): void {
  assert.throws(call, (error) => {
    assert.ok(error instanceof FluxionError, String(error));
    assert.equal(error.code, code, error.message);
    for (const message of messages) assert.match(`${error.message}\n${error.hint ?? ''}`, message);
    return true;
  });
}

/** A check for `assert.throws` and `assert.rejects`: a FluxionError of this code, message and hint. */
export const refuses =
  (code: ErrorCode, message: RegExp, hint: RegExp) =>
  (error: unknown): true => {
    assert.ok(error instanceof FluxionError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.hint ?? '', hint);
    return true;
  };
