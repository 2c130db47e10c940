/** The tensors of a GGUF file by key: plain types as stored, others decoded on demand, a few rows at a time. */

import { byteSize } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { dequantize } from '../encodings/dequant.ts';
import type { FileBytes } from './file-bytes.ts';
import { type GgufTensor, readGgufHeader } from './gguf.ts';
import { type Decoded, type Rows, rowLength, type TensorReader, TensorTable } from './tensors.ts';

/** Reads the header of a GGUF file, which the store takes over. Block types are decoded to `decoded`. */
export function ggufStore(file: FileBytes, decoded: Decoded): TensorTable {
  const { metadata, tensors } = readGgufHeader(file);
  const headers = [new Map([...metadata].map(([key, value]) => [key, String(value)]))];
  const readers = new Map([...tensors].map(([key, tensor]) => [key, readerOf(file, key, tensor, decoded)]));
  const files = new DisposableStack();
  files.use(file);
  return new TensorTable({ path: file.path, format: 'GGUF', headers }, readers, files);
}

function readerOf(file: FileBytes, key: string, { type, shape, start }: GgufTensor, decoded: Decoded): TensorReader {
  const { path } = file;
  const row = rowLength(shape);
  /** Whole blocks. If rows are not whole blocks (an overridden shape), they begin with the block that holds the first row's start. */
  const raw = ([first, last]: Rows): Uint8Array => {
    const from = Math.floor((first * row) / type.elements);
    const to = Math.ceil((last * row) / type.elements);
    return file.view(start + from * type.bytes, (to - from) * type.bytes);
  };
  const { dtype, decode } = type;
  if (dtype) return { info: { dtype, shape, file: path }, bytes: raw };
  return {
    info: { dtype: decoded, shape, file: path, encoding: type.name },
    raw,
    bytes(rows) {
      if (!decode) {
        throw new FluxionError('unsupported', `${path}: ${key}: tensors of type ${type.name} cannot be decoded`, {
          hint: 'use a file in Q8_0, Q6_K, Q5_K, Q4_K or another common type',
        });
      }
      const values = dequantize({ ...type, decode }, raw(rows), decoded);
      const size = byteSize(decoded);
      const skipped = (rows[0] * row) % type.elements;
      return values.subarray(skipped * size, (skipped + (rows[1] - rows[0]) * row) * size);
    },
  };
}
