/** A `Client` as its devices, arrays and executables see it. */

import type { Api } from './call.ts';
import type { Events } from './events.ts';
import type { Handle } from './lifetime.ts';

export interface Connection {
  readonly api: Api;
  readonly events: Events;
  /** The client's handle; disposing it disposes everything made through the client. */
  readonly handle: Handle;
  /** `cpu`, `cuda`, `tpu`, … */
  readonly platformName: string;
  /** Whether several processes share the client: calls that may wait for the others must then run on another thread. */
  readonly sharesStore: boolean;
  /** Runs work in order of submission: all processes must start their exchanges in the same order. */
  inOrder<T>(work: () => Promise<T>): Promise<T>;
}
