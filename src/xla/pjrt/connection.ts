/** What a client's devices, arrays and executables use of the client that made them. */

import type { Api } from './call.ts';
import type { Events } from './events.ts';
import type { Handle } from './lifetime.ts';

/** A connection to the devices of one plugin: what `Client` is to what it makes. */
export interface Connection {
  readonly api: Api;
  readonly events: Events;
  /** Ends with the client, and everything made through it with it. */
  readonly handle: Handle;
  /** `cpu`, `cuda`, `tpu`, … */
  readonly platformName: string;
  /** Whether several processes share the client: calls that may wait for the others must then run on another thread. */
  readonly sharesStore: boolean;
  /** Runs work in order of submission: all processes must start their exchanges in the same order. */
  inOrder<T>(work: () => Promise<T>): Promise<T>;
}
