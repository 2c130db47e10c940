/**
 * The engine owns the device: it forms batches of waiting pictures and makes one after the other. Callers read events from a queue, so a
 * slow reader never holds the device, and a request that is aborted or fails does not affect others in its batch.
 */

import { setImmediate, setTimeout } from 'node:timers/promises';
import { log } from '../support/log.ts';
import { Turns } from '../support/turns.ts';
import { EventQueue } from './event-queue.ts';
import { type SlotGroup, type Waiter, Waiting } from './waiting.ts';

/** Pictures that may wait to be read; a request with more unread pictures gets no further batch. */
const UNREAD_PICTURES = 16;

/** How a ticket begins, is read and leaves. */
export interface TicketOptions<E> {
  /** Whose request it is; by default, a caller of its own. */
  readonly caller: unknown;
  /** Whether an event is a picture. */
  readonly picture: (event: E) => boolean;
  /** Begins the request when its first event is asked for; ends in `Engine.submit`, or in an error. */
  readonly start: () => Promise<void>;
  /** Takes the request out of the engine. */
  readonly leave: (reason?: unknown) => Promise<void>;
  /** Called when a picture was read, so that more may be made. */
  readonly read: () => void;
  readonly signal: AbortSignal | undefined;
}

/** A request in the engine: its unfinished pictures, and the events for its reader. */
export class Ticket<S, E extends object> implements EngineTicket<S> {
  readonly caller: unknown;
  readonly groups: SlotGroup<S>[] = [];
  readonly events: EventQueue<E>;
  readonly #picture: (event: E) => boolean;
  #unread = 0;

  constructor({ caller, picture, start, leave, read, signal }: TicketOptions<E>) {
    this.caller = caller ?? this;
    this.#picture = picture;
    const abort = (): void => {
      const stopped = Promise.withResolvers<void>();
      this.events.fail(signal!.reason, stopped.promise);
      // After `fail`: a batch continues while any of its requests has not ended.
      leave(signal!.reason).then(stopped.resolve);
    };
    this.events = new EventQueue<E>({
      start: () => {
        signal?.addEventListener('abort', abort, { once: true });
        start().catch((error) => this.events.end({ error }));
      },
      read: (event) => {
        if (!picture(event)) return;
        this.#unread--;
        read();
      },
      leave: () => leave(),
      ended: () => signal?.removeEventListener('abort', abort),
    });
  }

  get ready(): boolean {
    return this.#unread < UNREAD_PICTURES;
  }

  tell(event: E): void {
    if (this.#picture(event)) this.#unread++;
    this.events.push(event);
  }
}

/** The engine's view of a request. */
export interface EngineTicket<S> extends Waiter<S> {
  readonly events: Pick<EventQueue<never>, 'ended' | 'end' | 'fail'>;
}

/** The engine's view of a picture. */
export interface EngineSlot<T> {
  readonly ticket: T;
  /** Whether its picture was sent. */
  readonly done: boolean;
}

/** Pictures that are made together. */
export class Batch<S extends EngineSlot<T>, T extends EngineTicket<S>> {
  readonly #controller = new AbortController();
  readonly #over = Promise.withResolvers<void>();
  readonly groups: SlotGroup<S>[];

  constructor(groups: SlotGroup<S>[]) {
    this.groups = groups;
  }

  /** The pictures, in the order of their slots. */
  get slots(): readonly S[] {
    return this.groups.flatMap(({ slots }) => slots);
  }

  /** Requests that still want pictures of this batch. */
  get tickets(): readonly T[] {
    return [...new Set(this.slots.map(({ ticket }) => ticket))].filter(({ events }) => !events.ended);
  }

  /** Aborts once no picture of the batch is wanted. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Resolves when the batch has left the device. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  end(): void {
    this.#over.resolve();
  }

  /** Keeps the first `count` groups; returns the others. */
  keep(count: number): readonly SlotGroup<S>[] {
    return this.groups.splice(count);
  }
}

/** How an engine makes batches. */
export interface EngineOptions<S extends EngineSlot<T>, T extends EngineTicket<S>> {
  /** Makes a batch and sends events to its tickets; `waiting` are all waiting pictures. Rejects if the whole batch fails. */
  readonly make: (batch: Batch<S, T>, waiting: readonly S[]) => Promise<void>;
  /** The most pictures in a batch with this group. */
  readonly most: (first: SlotGroup<S>) => number;
  /** Called when all pictures of a ticket are finished. */
  readonly finish: (ticket: T) => void;
  /** Called after every batch, with the pictures that wait. */
  readonly settle: (waiting: readonly S[]) => void;
  /** Milliseconds that the device waits for more pictures before it begins a batch. */
  readonly window: number;
}

/** What an engine has done so far, and what waits. */
export interface EngineStats {
  /** Requests that wait or are being made. */
  readonly requests: number;
  /** Pictures that wait for a batch. */
  readonly waiting: number;
  /** Numbers of started batches and finished pictures. */
  readonly batches: number;
  readonly pictures: number;
}

/** Makes batches of waiting pictures, one after the other. */
export class Engine<S extends EngineSlot<T>, T extends EngineTicket<S>> {
  readonly #options: EngineOptions<S, T>;
  readonly #waiting = new Waiting<S, T>();
  /** Turns at the device, each for making or planning one batch. */
  readonly #device = new Turns();
  #current: Batch<S, T> | undefined;
  #working: Promise<void> | undefined;
  #batches = 0;
  #pictures = 0;
  #closed: { readonly reason: unknown } | undefined;

  constructor(options: EngineOptions<S, T>) {
    this.#options = options;
  }

  get stats(): EngineStats {
    const { length: waiting } = this.#waiting.slots;
    return { requests: this.#tickets.size, waiting, batches: this.#batches, pictures: this.#pictures };
  }

  /** Requests that are not done. */
  get #tickets(): Set<T> {
    return new Set([...this.#waiting.requests, ...(this.#current?.tickets ?? [])]);
  }

  /** Puts a ticket with its groups in the queue. */
  submit(ticket: T): void {
    if (this.#closed) ticket.events.fail(this.#closed.reason);
    if (ticket.events.ended) return;
    this.#waiting.add(ticket);
    this.wake();
  }

  /** Makes batches while there is something to make. */
  wake(): void {
    this.#working ??= this.#work();
  }

  /** Waits for the device to be free, and keeps it until disposed. */
  enter(signal: AbortSignal | undefined): Promise<Disposable> {
    return this.#device.enter('alone', signal);
  }

  /** Removes a ticket. Resolves when no work is done for it any more, except in a batch that it shares. */
  async leave(ticket: T, reason?: unknown): Promise<void> {
    this.#waiting.remove(ticket);
    // Requests of one signal leave together.
    await undefined;
    const batch = this.#current;
    if (!this.#working) this.#options.settle(this.#waiting.slots);
    if (!batch?.slots.some((slot) => slot.ticket === ticket) || batch.tickets.length > 0) return;
    batch.abort(reason);
    await batch.over;
  }

  /** Ends all requests, present and future, with an error, and resolves when the device is free. */
  async close(reason: unknown): Promise<void> {
    this.#closed = { reason };
    for (const ticket of this.#tickets) {
      this.#waiting.remove(ticket);
      ticket.events.fail(reason);
    }
    this.#current?.abort(reason);
    await this.#working;
  }

  async #work(): Promise<void> {
    // Lets all requests made in the same turn arrive.
    await (this.#options.window > 0 ? setTimeout(this.#options.window) : setImmediate());
    while (await this.#makeOne());
  }

  /** Makes one batch; `false` if nothing was waiting. */
  async #makeOne(): Promise<boolean> {
    using _device = await this.#device.enter('alone');
    const groups = this.#waiting.take(this.#options.most);
    if (groups.length === 0) {
      // Runs in the same turn as the check for waiting work, so that a new request starts the loop again.
      this.#working = undefined;
      return false;
    }
    const batch = new Batch<S, T>(groups);
    const { tickets } = batch;
    this.#current = batch;
    this.#batches++;
    try {
      await this.#options.make(batch, this.#waiting.slots);
    } catch (error) {
      this.#failed(batch, error);
    }
    this.#pictures += batch.slots.filter(({ done }) => done).length;
    this.#current = undefined;
    batch.end();
    for (const ticket of tickets) {
      if (ticket.groups.length === 0 && !ticket.events.ended) this.#options.finish(ticket);
    }
    this.#options.settle(this.#waiting.slots);
    return true;
  }

  /** Puts groups that a batch had no room for back at the front of the queue. */
  giveBack(groups: readonly SlotGroup<S>[]): void {
    this.#waiting.giveBack(groups.filter(({ slots }) => !slots[0]!.ticket.events.ended));
  }

  /** If a batch of one request fails, so does the request; the requests of a shared batch are each tried again alone. */
  #failed(batch: Batch<S, T>, error: unknown): void {
    const { tickets } = batch;
    if (tickets.length > 1) {
      log('debug', `a batch of ${tickets.length} requests failed; each is retried alone: ${(error as Error).stack}`);
      const left = batch.groups.filter(({ slots }) => slots.some(({ done }) => !done));
      this.giveBack(left.map((group) => ({ ...group, key: undefined })));
      return;
    }
    for (const ticket of tickets) {
      this.#waiting.remove(ticket);
      ticket.groups.length = 0;
      ticket.events.end({ error });
    }
  }
}
