/**
 * Waiting for PJRT events without blocking the event loop.
 *
 * Notable: a waiting thread of libuv's pool blocks in `PJRT_Event_Await`; a JavaScript callback through `PJRT_Event_OnReady` would instead
 * block one of XLA's own threads until JavaScript gets to run, and deadlock when JavaScript is inside a call that needs that thread.
 */

import type { Api } from './call.ts';
import { Struct } from './struct.ts';

/** Threads that may wait at once; every wake-up also collects all other events that became ready meanwhile. */
const WAITERS = 2;

interface Pending {
  readonly event: bigint;
  readonly during: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  waited: boolean;
}

/** Turns the events of one plugin into promises. */
export class Events {
  readonly #api: Api;
  readonly #pending = new Set<Pending>();
  #waiters = 0;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Resolves when `event` is ready and rejects with the error it carries; frees the event. `during` names the operation in the error. */
  async done(event: bigint, during: string): Promise<void> {
    if (event === 0n) return;
    if (this.#isReady(event)) return this.#take(event, during);
    return new Promise((resolve, reject) => {
      this.#pending.add({ event, during, resolve, reject, waited: false });
      this.#wait();
    });
  }

  #wait(): void {
    for (const pending of this.#pending) {
      if (this.#waiters >= WAITERS) return;
      if (pending.waited) continue;
      pending.waited = true;
      this.#waiters++;
      void this.#waitFor(pending);
    }
  }

  async #waitFor(pending: Pending): Promise<void> {
    try {
      await this.#api.invokeAsync('PJRT_Event_Await', new Struct('PJRT_Event_Await', { event: pending.event }));
    } catch {
      // The event's own error: #settle reads it again with the name of the operation.
    }
    this.#waiters--;
    this.#settle(pending);
    for (const other of this.#pending) if (!other.waited && this.#isReady(other.event)) this.#settle(other);
    this.#wait();
  }

  #settle(pending: Pending): void {
    this.#pending.delete(pending);
    try {
      this.#take(pending.event, pending.during);
      pending.resolve();
    } catch (error) {
      pending.reject(error);
    }
  }

  #isReady(event: bigint): boolean {
    return this.#api.call('PJRT_Event_IsReady', { event }).get('is_ready');
  }

  /** Frees a ready event and throws its error, if it has one. */
  #take(event: bigint, during: string): void {
    try {
      this.#api.call('PJRT_Event_Error', { event }, during);
    } finally {
      this.#api.call('PJRT_Event_Destroy', { event });
    }
  }
}
