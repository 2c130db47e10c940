/** The error of a closed model. */

import { FluxionError } from '../support/errors.ts';

/** Makes the `disposed` error for calls on a closed model. */
export function modelClosed(options: { readonly cause?: unknown } = {}): FluxionError {
  return new FluxionError('disposed', 'the model is closed', {
    ...options,
    hint: 'open it again with Flux.load, and close it after its last picture',
  });
}
