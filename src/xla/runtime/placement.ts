/**
 * Which part of an array each device holds, and copying between the whole array on the host and its parts.
 * Notable: a part that is contiguous in memory is used in place; any other is copied run by run, without a copy of the whole.
 */

import { byteSize, type DType, elementCount } from '../../support/dtype.ts';
import { getOrMake } from '../../support/get-or-make.ts';
import { localShape, type MeshAxis, partsOf, type Split } from '../graph/axes.ts';
import type { Shape } from '../graph/shape.ts';
import { alignedBytes } from '../pjrt/memory.ts';

/** An array to place, and how a mesh splits it. */
export interface SplitArray {
  readonly shape: Shape;
  readonly split: Split;
  readonly mesh: readonly MeshAxis[];
  /** Widths of the segments of the last dimension, each split into `shares`; one segment by default. */
  readonly segments?: readonly number[] | undefined;
  readonly shares?: number | undefined;
}

/** A part of an array. */
export class ArrayPart {
  readonly shape: Shape;
  /** Where it begins. */
  readonly start: readonly number[];
  readonly #layout: SplitArray;

  constructor(layout: SplitArray, start: readonly number[]) {
    this.#layout = layout;
    this.start = start;
    this.shape = localShape(layout.shape, layout.split, layout.mesh);
  }

  /** The part's bytes from those of the whole array, in place if they are contiguous. */
  take(whole: Uint8Array, dtype: DType): Uint8Array {
    const runs = this.#runs(dtype);
    const [only] = runs;
    if (runs.length === 1) return whole.subarray(only!.start, only!.start + only!.length);
    const bytes = alignedBytes(elementCount(this.shape) * byteSize(dtype));
    let at = 0;
    for (const { start, length } of runs) {
      bytes.set(whole.subarray(start, start + length), at);
      at += length;
    }
    return bytes;
  }

  /** Writes the part's bytes to their places in the whole array. */
  put(part: Uint8Array, whole: Uint8Array, dtype: DType): void {
    let at = 0;
    for (const { start, length } of this.#runs(dtype)) {
      whole.set(part.subarray(at, at + length), start);
      at += length;
    }
  }

  /** The byte ranges of the whole array that make up the part, in the part's order. */
  #runs(dtype: DType): { start: number; length: number }[] {
    const { shape } = this.#layout;
    const size = byteSize(dtype);
    const last = shape.length - 1;
    if (last < 0) return [{ start: 0, length: size }];
    let runs = this.#columns();
    let width = shape[last]!;
    // From the last dimension outwards; whole dimensions widen the runs, others repeat them.
    for (let dim = last - 1; dim >= 0; dim--) {
      const [first, count] = [this.start[dim]!, this.shape[dim]!];
      const inner = runs;
      const contiguous = inner.length === 1 && inner[0]!.start === 0 && inner[0]!.length === width;
      runs = contiguous
        ? [{ start: first * width, length: count * width }]
        : Array.from({ length: count }, (_, i) =>
            inner.map(({ start, length }) => ({ start: (first + i) * width + start, length })),
          ).flat();
      width *= shape[dim]!;
    }
    return runs.map(({ start, length }) => ({ start: start * size, length: length * size }));
  }

  /** The part's ranges of the last dimension, in order. */
  #columns(): { start: number; length: number }[] {
    const { shape, segments = [shape.at(-1)!], shares = 1 } = this.#layout;
    const [from, to] = [this.start.at(-1)!, this.start.at(-1)! + this.shape.at(-1)!];
    const runs: { start: number; length: number }[] = [];
    let at = 0;
    for (let share = 0; share < shares; share++) {
      let offset = 0;
      for (const width of segments) {
        const length = width / shares;
        const [low, high] = [Math.max(from, at), Math.min(to, at + length)];
        if (low < high) runs.push({ start: offset + share * length + low - at, length: high - low });
        at += length;
        offset += width;
      }
    }
    return runs;
  }
}

/** The part of each position of the mesh, row-major over its axes; positions that hold the same part share one object. */
export function partsOfMesh(layout: SplitArray): ArrayPart[] {
  const { shape, split, mesh } = layout;
  const local = localShape(shape, split, mesh);
  const known = new Map<string, ArrayPart>();
  const positions = partsOf(
    mesh.map(({ name }) => name),
    mesh,
  );
  return Array.from({ length: positions }, (_, position) => {
    const coordinates = new Map<string, number>();
    let rest = position;
    for (const { name, size } of mesh.toReversed()) {
      coordinates.set(name, rest % size);
      rest = Math.floor(rest / size);
    }
    const start = split.map((names, dim) => {
      const index = names.reduce((at, name) => at * partsOf([name], mesh) + coordinates.get(name)!, 0);
      return index * local[dim]!;
    });
    return getOrMake(known, start.join(), () => new ArrayPart(layout, start));
  });
}
