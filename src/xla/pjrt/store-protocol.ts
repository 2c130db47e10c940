/** Messages between a client and the threads of the key-value store, which cluster/key-value.ts describes. */

import type { ErrorCode } from '../../support/errors.ts';

/** Where the store is, and which process of which run asks. */
export interface StorePlace {
  /** Such as `valkey://host:6379`. */
  readonly url: string;
  readonly run: string;
  readonly id: number;
  readonly count: number;
}

/** A message from the main thread to the store thread, which talks to the server. */
export type StoreCommand =
  | { readonly kind: 'meet' }
  /** Ends every waiting and every later operation with this reason. */
  | { readonly kind: 'cancel'; readonly reason: string };

/** A message from the store thread to the main thread. */
export type StoreEvent =
  | { readonly kind: 'waiting'; readonly message: string }
  | { readonly kind: 'met' }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | undefined;
    };

/** A request from a callback thread, which sleeps until `flag` is 1 and the answer lies in its port. */
export interface StoreRequest {
  readonly operation: 'get' | 'put' | 'tryGet';
  readonly key: Uint8Array;
  readonly value?: Uint8Array;
  /** Milliseconds that a `get` may wait. */
  readonly timeout?: number;
  readonly flag: Int32Array<SharedArrayBuffer>;
}

/** A value, nothing for a `put` that succeeded, or the failure, in the terms of absl::Status. */
export type StoreReply =
  | { readonly value?: Uint8Array }
  | { readonly status: 'CANCELLED' | 'DEADLINE_EXCEEDED' | 'NOT_FOUND' | 'UNAVAILABLE'; readonly message: string };

/** The addresses of a thread's callbacks. */
export interface Callbacks {
  readonly get: bigint;
  readonly put: bigint;
  readonly tryGet: bigint;
}

/** The store in which the processes of one client meet, as the client uses it; disposed once nothing can call back any more. */
export interface SharedStore extends AsyncDisposable {
  readonly place: StorePlace;
  readonly callbacks: Callbacks;
  /** Ends every wait, now and later, with an error that says `reason`. */
  cancel(reason: string): void;
}
