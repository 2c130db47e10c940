/** What the APIs of a server work with. */

import type { Backend } from './backend.ts';
import type { HeldShare } from './held-bytes.ts';
import type { Jobs } from './jobs.ts';
import type { Store } from './store.ts';

/** Jobs and what they are made with. */
export interface ServerContext {
  readonly jobs: Jobs;
  readonly host: Backend;
  readonly store: Store;
  /** Bytes that the body of a request may have. */
  readonly bodyLimit?: number | undefined;
}

/** What Hono's handlers know of a request. */
export interface ServerEnv {
  readonly Variables: {
    /** Whose request it is; undefined where the server asks for no key. */
    caller: string | undefined;
    /** Bytes of its body. */
    held: HeldShare;
  };
}
