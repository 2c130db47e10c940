/** The requests that wait for the device: whose turn it is, and which pictures go into a batch together. */

/** Pictures that must share a batch; a single picture if pictures may be mixed. */
export interface SlotGroup<S> {
  /** Groups with equal keys may share a batch; a group with `undefined` is alone. */
  readonly key: string | undefined;
  readonly slots: readonly S[];
  /** How many pictures of the request should share a batch if there is room, even where fewer would be as fast. */
  readonly together: number;
}

/** A waiting request, with its unfinished groups. */
export interface Waiter<S> {
  /** Callers take turns. */
  readonly caller: unknown;
  readonly groups: SlotGroup<S>[];
  /** Whether its reader has read all finished pictures. */
  readonly ready: boolean;
}

/** Requests in the order in which they came, by caller. */
export class Waiting<S extends { readonly ticket: W }, W extends Waiter<S>> {
  /** Callers in the order of their turns. */
  #callers = new Map<unknown, W[]>();

  /** Requests that wait. */
  get requests(): readonly W[] {
    return [...this.#callers.values()].flat();
  }

  /** The pictures that wait. */
  get slots(): readonly S[] {
    return this.requests.flatMap(({ groups }) => groups.flatMap(({ slots }) => slots));
  }

  add(waiter: W): void {
    this.#callers.set(waiter.caller, [...(this.#callers.get(waiter.caller) ?? []), waiter]);
  }

  remove(waiter: W): void {
    const others = (this.#callers.get(waiter.caller) ?? []).filter((other) => other !== waiter);
    if (others.length > 0) this.#callers.set(waiter.caller, others);
    else this.#callers.delete(waiter.caller);
  }

  /**
   * Takes a batch: the next group, and others that may share its batch, up to `most` pictures. Callers take turns, one group each, and go
   * to the end of the line. Requests of one caller keep their order, and only requests whose readers are behind are skipped.
   */
  take(most: (first: SlotGroup<S>) => number): SlotGroup<S>[] {
    const taken: SlotGroup<S>[] = [];
    let room = Number.POSITIVE_INFINITY;
    for (let before = -1; before < taken.length; ) {
      before = taken.length;
      for (const [caller, waiters] of [...this.#callers]) {
        const waiter = waiters.find(({ ready }) => ready);
        const group = waiter?.groups[0];
        if (!waiter || !group) continue;
        const [first] = taken;
        if (first && (room < group.slots.length || first.key === undefined || first.key !== group.key)) continue;
        room = (first ? room : most(group)) - group.slots.length;
        waiter.groups.shift();
        taken.push(group);
        this.#callers.delete(caller);
        this.#callers.set(caller, waiters);
        if (waiter.groups.length === 0) this.remove(waiter);
      }
    }
    return taken;
  }

  /** Puts groups back at the front, because their turns were not used. */
  giveBack(groups: readonly SlotGroup<S>[]): void {
    for (const group of groups.toReversed()) {
      const waiter = group.slots[0]!.ticket;
      const waiters = this.#callers.get(waiter.caller) ?? [];
      waiter.groups.unshift(group);
      this.#callers.delete(waiter.caller);
      this.#callers = new Map([
        [waiter.caller, waiters.includes(waiter) ? waiters : [waiter, ...waiters]],
        ...this.#callers,
      ]);
    }
  }
}
