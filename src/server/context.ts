/** What the APIs of a server share. */

import type { Backend } from './backend.ts';
import type { HeldShare } from './held-bytes.ts';
import type { Jobs } from './jobs.ts';
import type { Store } from './store.ts';

/** The jobs of a server, the backend that makes them, and the store that keeps them. */
export interface ServerContext {
  readonly jobs: Jobs;
  readonly host: Backend;
  readonly store: Store;
  /** Most bytes of a request's body. */
  readonly bodyLimit?: number | undefined;
}

/** Values of a request that earlier handlers set for later ones. */
export interface ServerEnv {
  readonly Variables: {
    /** Whose request it is; undefined if the server asks for no key. */
    caller: string | undefined;
    /** Bytes of its body that are held in memory. */
    held: HeldShare;
  };
}
