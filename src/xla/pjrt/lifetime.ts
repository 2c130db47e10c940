/**
 * Ownership of native objects: each has one `Handle`, which frees it exactly once, refuses use afterwards by name, and is counted.
 *
 * Rules that the rest of the folder relies on:
 * - disposing a handle disposes its children first (a Client's arrays and executables), so `using` in any order cannot crash; refusing
 *   instead would replace the error that is being unwound by one about order;
 * - a native call in progress on another thread holds its handles (`during`), and freeing waits for it;
 * - an owner that is collected without being disposed is freed by a FinalizationRegistry, with a line in the debug log;
 * - at process exit everything still alive is disposed: plugins crash when their static destructors meet live buffers;
 * - nothing is freed once a process has announced an end without these destructors.
 */

import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import { isEndNear } from '../../support/process-end.ts';

/** The kinds of native object that are counted. */
export type NativeKind =
  | 'Client'
  | 'CompiledExecutable'
  | 'DeviceArray'
  | 'Executable'
  | 'MappedFile'
  | 'TopologyDescription';

const counts = new Map<NativeKind, number>();
const roots = new Set<Handle>();

/** How many native objects of each kind are alive; kinds without any are left out. */
export function liveCounts(): Partial<Record<NativeKind, number>> {
  return Object.fromEntries([...counts].filter(([, count]) => count > 0));
}

const abandoned = new FinalizationRegistry<Handle>((handle) => {
  log('debug', `${handle.describe()} was collected without being disposed`);
  handle.dispose();
});

function disposeAll(): void {
  for (const handle of roots) handle.dispose();
}

/** What a Handle is made from. `label` and `release` must not refer to the owner, or it could never be collected. */
export interface HandleOptions {
  readonly kind: NativeKind;
  /** Distinguishes the object from others of its kind, such as `f32[2,3]`. */
  readonly label: () => string;
  readonly address: bigint;
  /** Frees the native object. */
  readonly release: (address: bigint) => void;
  readonly parent?: Handle | undefined;
}

/** Sole ownership of one native object. */
export class Handle {
  readonly #native: HandleOptions;
  readonly #children = new Set<Handle>();
  /** Why the object can no longer be used. */
  #ended: string | undefined;
  #users = 0;
  #released: PromiseWithResolvers<void> | 'done' | undefined;

  /** Takes ownership of `address` for `owner`; the native object is freed when `owner` is garbage collected. */
  constructor(owner: object, options: HandleOptions) {
    const { kind, parent } = options;
    this.#native = options;
    (parent ? parent.#children : roots).add(this);
    const isFirst = counts.size === 0;
    if (isFirst) process.on('exit', disposeAll);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    abandoned.register(owner, this, this);
  }

  /** The native address; throws `disposed` when the object is gone. */
  get address(): bigint {
    this.requireAlive();
    return this.#native.address;
  }

  /** Throws `disposed` when the object is gone, and with it what it owns. */
  requireAlive(): void {
    if (this.#ended === undefined) return;
    throw new FluxionError('disposed', `${this.describe()} used after ${this.#ended}`, {
      hint: 'dispose it only after its last use, or make a new one',
    });
  }

  get isEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Kind and label, as messages name the object. */
  describe(): string {
    const { kind, label } = this.#native;
    return `${kind} ${label()}`.trimEnd();
  }

  /** Ends the object's use; native memory is freed as soon as no call in progress and no child needs it. Safe to repeat. */
  dispose(reason = 'dispose'): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    abandoned.unregister(this);
    for (const child of this.#children) child.dispose(`its ${this.#native.kind} was disposed`);
    this.#releaseWhenIdle();
  }

  /** Postpones the freeing of the object until the returned function is called. */
  retain(): () => void {
    this.#users++;
    return () => {
      this.#users--;
      this.#releaseWhenIdle();
    };
  }

  /** Runs `action` with the address, postponing the freeing of the object until it settles. */
  async during<T>(action: (address: bigint) => Promise<T>): Promise<T> {
    const { address } = this;
    const release = this.retain();
    try {
      return await action(address);
    } finally {
      release();
    }
  }

  /** Resolves when the native object has been freed. */
  released(): Promise<void> {
    if (this.#released === 'done') return Promise.resolve();
    this.#released ??= Promise.withResolvers<void>();
    return this.#released.promise;
  }

  #releaseWhenIdle(): void {
    if (this.#ended === undefined || this.#users > 0 || this.#children.size > 0 || this.#released === 'done') return;
    const waiting = this.#released;
    const { kind, address, release, parent } = this.#native;
    this.#released = 'done';
    if (!isEndNear()) release(address);
    counts.set(kind, counts.get(kind)! - 1);
    if (parent) {
      parent.#children.delete(this);
      parent.#releaseWhenIdle();
    } else roots.delete(this);
    waiting?.resolve();
  }
}
