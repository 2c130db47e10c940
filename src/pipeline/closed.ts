/** What is said of a model that was closed. */

import { FluxionError } from '../support/errors.ts';

/** The `disposed` error of whatever is asked of a closed model. */
export function modelClosed(options: { readonly cause?: unknown } = {}): FluxionError {
  return new FluxionError('disposed', 'the model is closed', {
    ...options,
    hint: 'open it again with Flux.load, and close it after its last picture',
  });
}
