/** Files that exist in memory only: damaged ones, and full-size ones of which only the header is real. */

import { elementCount } from '../../src/support/dtype.ts';
import { checkRange } from '../../src/support/regular-file.ts';
import type { FileBytes } from '../../src/weights/files/file-bytes.ts';
import { WeightStore } from '../../src/weights/files/store.ts';

/** Returns a file whose views share the given bytes; past them, up to `size`, it reads as zeros. */
export function memoryFile(path: string, bytes: Uint8Array, size: number = bytes.length): FileBytes {
  return {
    path,
    size,
    view(offset, length) {
      checkRange(this, offset, length);
      return offset + length <= bytes.length ? bytes.subarray(offset, offset + length) : new Uint8Array(length);
    },
    [Symbol.dispose]() {},
  };
}

/** Builds the bytes of a safetensors header: length, then JSON given as text or as a value. */
export function headerBytes(json: unknown): Uint8Array {
  const text = Buffer.isBuffer(json) ? json : Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text]);
}

/** Opens a store of bf16 tensors with the given shapes, of any size: the data reads as zeros and takes no memory. */
export function hollowStore(
  shapes: Iterable<readonly [key: string, shape: readonly number[]]>,
  dtype = 'BF16',
): WeightStore {
  const header: Record<string, unknown> = {};
  let at = 0;
  for (const [key, shape] of shapes) {
    const end = at + elementCount(shape) * 2;
    header[key] = { dtype, shape, data_offsets: [at, end] };
    at = end;
  }
  const bytes = headerBytes(header);
  return WeightStore.open('hollow.safetensors', { openFile: (path) => memoryFile(path, bytes, bytes.length + at) });
}
