/** Events on their way to a reader who may be slow, late or gone. The producer never waits. */

/** What a queue does besides keeping events. */
export interface EventQueueOptions<E> {
  /** Called once, when the first event is asked for. */
  readonly start: () => void;
  /** Called once if the reader leaves before the end; `return()` waits for its result. */
  readonly leave: () => Promise<void>;
  /** Called after each event that is read. */
  readonly read: (event: E) => void;
  /** Called once, when nothing more will come. */
  readonly ended: () => void;
}

/** How a queue ends: with an error, if there is one, which readers see once the work has `stopped`. */
interface End {
  readonly error?: unknown;
  readonly stopped?: Promise<void> | undefined;
}

/** Most unread events that keep their previews, which a slow reader can miss. */
const HEAVY = 2;

/** One reader's events, in order. The first read starts the work; an error arrives after the events before it. */
export class EventQueue<E extends object> implements AsyncGenerator<E, void, undefined> {
  readonly #options: EventQueueOptions<E>;
  readonly #unread: { event: E }[] = [];
  /** The latest events with previews, some of them already read. */
  readonly #heavy: { event: E }[] = [];
  readonly #readers: PromiseWithResolvers<IteratorResult<E, void>>[] = [];
  #started = false;
  /** How it ends, once that is known. */
  #end: End | undefined;

  constructor(options: EventQueueOptions<E>) {
    this.#options = options;
  }

  /** Whether nothing more will come. */
  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** Adds an event, unless the queue has ended. If more than two with previews are unread, the oldest loses its own. */
  push(event: E): void {
    if (this.#end) return;
    const reader = this.#readers.shift();
    if (reader) {
      this.#options.read(event);
      reader.resolve({ done: false, value: event });
      return;
    }
    const unread = { event };
    this.#unread.push(unread);
    if ('previews' in event) this.#heavy.push(unread);
    if (this.#heavy.length <= HEAVY) return;
    const oldest = this.#heavy.shift()!;
    const { previews: _, ...lighter } = oldest.event as E & { readonly previews: unknown };
    oldest.event = lighter as unknown as E;
  }

  /** Ends the queue after the unread events, with an error if one is given. */
  end(end: End = {}): void {
    if (this.#end) return;
    this.#end = end;
    this.#options.ended();
    if (this.#readers.length > 0) this.#settle(this.#readers.shift()!);
    for (const reader of this.#readers.splice(0)) reader.resolve({ done: true, value: undefined });
  }

  /** Ends the queue with an error at once and drops unread events. Readers see the error when the work has stopped. */
  fail(error: unknown, stopped?: Promise<void>): void {
    if (this.#end) return;
    this.#drop();
    this.end({ error, stopped });
  }

  next(): Promise<IteratorResult<E, void>> {
    if (!this.#started) {
      this.#started = true;
      if (!this.#end) this.#options.start();
    }
    const reader = Promise.withResolvers<IteratorResult<E, void>>();
    if (this.#unread.length > 0) {
      const { event } = this.#unread.shift()!;
      this.#options.read(event);
      reader.resolve({ done: false, value: event });
    } else if (this.#end) this.#settle(reader);
    else this.#readers.push(reader);
    return reader.promise;
  }

  /** Leaves: unread events are dropped, and the work for this reader stops. Resolves when it has. */
  async return(): Promise<IteratorResult<E, void>> {
    const began = this.#started && !this.#end;
    this.#started = true;
    this.#drop();
    this.end();
    this.#end = {};
    if (began) await this.#options.leave();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<E, void>> {
    await this.return();
    throw error;
  }

  #drop(): void {
    this.#unread.length = 0;
    this.#heavy.length = 0;
  }

  /** Gives a reader the end: the error once, then nothing more. */
  #settle(reader: PromiseWithResolvers<IteratorResult<E, void>>): void {
    const end = this.#end!;
    this.#end = {};
    if (!('error' in end)) reader.resolve({ done: true, value: undefined });
    else if (end.stopped) void end.stopped.then(() => reader.reject(end.error));
    else reader.reject(end.error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
