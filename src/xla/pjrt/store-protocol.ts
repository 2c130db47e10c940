/** What a client and the threads of the key-value store say to each other; see cluster/key-value.ts for which they are. */

/** Where the store is, and which process of which run asks. */
export interface StorePlace {
  /** Such as `valkey://host:6379`. */
  readonly url: string;
  readonly run: string;
  readonly id: number;
  readonly count: number;
}

/** From the main thread to the one that talks to the server. */
export type StoreCommand =
  | { readonly kind: 'meet' }
  /** Every operation that waits, and every later one, ends with this. */
  | { readonly kind: 'cancel'; readonly reason: string };

/** Back again. */
export type StoreEvent =
  | { readonly kind: 'waiting'; readonly message: string }
  | { readonly kind: 'met' }
  | {
      readonly kind: 'failed';
      readonly code: 'io' | 'bad_config' | 'aborted';
      readonly message: string;
      readonly hint?: string;
    };

/** From a thread of callbacks, which sleeps until `flag` is 1 and the answer lies in its port. */
export interface StoreRequest {
  readonly operation: 'get' | 'put' | 'tryGet';
  readonly key: Uint8Array;
  readonly value?: Uint8Array;
  /** Milliseconds; of `get`. */
  readonly timeout?: number;
  readonly flag: Int32Array<SharedArrayBuffer>;
}

/** A value, nothing for a `put` that was done, or what kept it from being done, in the terms of absl::Status. */
export type StoreReply =
  | { readonly value?: Uint8Array }
  | { readonly status: 'CANCELLED' | 'DEADLINE_EXCEEDED' | 'NOT_FOUND' | 'UNAVAILABLE'; readonly message: string };

/** The addresses of a thread's callbacks. */
export interface Callbacks {
  readonly get: bigint;
  readonly put: bigint;
  readonly tryGet: bigint;
}

/** What a client of several processes asks of the store in which they meet; disposed once nothing can call back any more. */
export interface Store extends AsyncDisposable {
  readonly place: StorePlace;
  readonly callbacks: Callbacks;
  /** Ends every wait, now and later, with an error that says `reason`. */
  cancel(reason: string): void;
}
