/** Writing GGUF files, version 3: header, tensor table and aligned data, from tensors made one at a time. */

import { elementCount } from '../../support/dtype.ts';
import { roundUp } from '../../support/multiples.ts';
import type { GgmlType } from '../encodings/dequant.ts';
import { exactBytes, type MadeTensor, streamRuns } from './write-file.ts';

const VERSION = 3;
const U32 = 4;
const TEXT = 8;
/** The alignment the CPU plugin needs to use a mapped file in place. Readers take the alignment from the header. */
const ALIGNMENT = 64;

/** A tensor to write: `code` is the number of its type. */
export interface GgufOutput extends MadeTensor {
  readonly code: number;
  readonly type: GgmlType;
}

/** Writes tensors in the order given, with text metadata; the file appears whole or not at all. */
export async function streamGguf(
  path: string,
  tensors: readonly GgufOutput[],
  metadata: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<void> {
  const keys = Object.entries(metadata);
  const header = [Buffer.from('GGUF'), u32(VERSION), u64(tensors.length), u64(keys.length + 1)];
  header.push(text('general.alignment'), u32(U32), u32(ALIGNMENT));
  for (const [key, value] of keys) header.push(text(key), u32(TEXT), text(value));
  let at = 0;
  for (const tensor of tensors) {
    const { name, code, shape } = tensor;
    header.push(text(name), u32(shape.length), ...shape.toReversed().map(u64), u32(code), u64(at));
    at += roundUp(sizeInGguf(tensor), ALIGNMENT);
  }
  const runs = function* (): Generator<Uint8Array> {
    const head = Buffer.concat(header);
    yield Buffer.concat([head, padding(head)]);
    for (const tensor of tensors) {
      const bytes = exactBytes(tensor, tensor.type.name, sizeInGguf(tensor));
      yield bytes;
      yield padding(bytes);
    }
  };
  await streamRuns(path, runs(), signal);
}

/** Bytes of a tensor in its file, without padding. */
export function sizeInGguf({ type, shape }: GgufOutput): number {
  return (elementCount(shape) / type.elements) * type.bytes;
}

/** The zeros that pad a run of bytes to the alignment. */
function padding({ length }: Uint8Array): Uint8Array {
  return new Uint8Array(roundUp(length, ALIGNMENT) - length);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
}
