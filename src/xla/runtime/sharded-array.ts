/** A program's value: one array, in parts on the devices of a mesh or whole on one device. */

import { byteLength, type DType } from '../../support/dtype.ts';
import type { Split } from '../graph/axes.ts';
import { type Shape, sameShape } from '../graph/shape.ts';
import type { DeviceArray } from '../pjrt/array.ts';
import type { MemoryKind } from '../pjrt/device.ts';
import type { ArrayPart } from './placement.ts';

/** An array whose parts lie on the devices of a mesh. Native memory: dispose it. */
export class ShardedArray implements Disposable {
  readonly dtype: DType;
  /** Of the whole array. */
  readonly shape: Shape;
  readonly split: Split;
  /** The parts on this process's devices, in the order of the mesh. */
  readonly arrays: readonly DeviceArray[];
  readonly #parts: readonly ArrayPart[];

  /** Takes ownership of `arrays`, the i-th of which holds `parts[i]`. */
  constructor(
    arrays: readonly DeviceArray[],
    { dtype, shape, split }: { readonly dtype: DType; readonly shape: Shape; readonly split: Split },
    parts: readonly ArrayPart[],
  ) {
    this.dtype = dtype;
    this.shape = shape;
    this.split = split;
    this.arrays = arrays;
    this.#parts = parts;
  }

  /** Size of the whole contents in bytes. */
  get byteLength(): number {
    return byteLength(this.dtype, this.shape);
  }

  /** Resolves when the contents are there on every device. */
  async ready(): Promise<void> {
    await Promise.all(this.arrays.map((array) => array.ready()));
  }

  /**
   * Gathers the whole array on the host once it is ready, in row-major order; a part that several devices hold is copied once. Parts that
   * only other processes hold stay 0.
   */
  async toHost(): Promise<Uint8Array<ArrayBuffer>> {
    const holders = new Map(this.#parts.map((part, i) => [part, this.arrays[i]!]));
    if (holders.size === 1 && sameShape(this.#parts[0]!.shape, this.shape)) return this.arrays[0]!.toHost();
    const whole = new Uint8Array(this.byteLength);
    await Promise.all([...holders].map(async ([part, array]) => part.put(await array.toHost(), whole, this.dtype)));
    return whole;
  }

  /** Copies every part into another of its device's memories; the copies may still be on their way. */
  copyTo(memory: MemoryKind): ShardedArray {
    using copies = new DisposableStack();
    const arrays = this.arrays.map((array) => copies.use(array.copyTo(array.device, memory)));
    copies.move();
    return new ShardedArray(arrays, this, this.#parts);
  }

  /** Frees every part; executions already started with it are not affected. */
  dispose(): void {
    for (const array of this.arrays) array.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
