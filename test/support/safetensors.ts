/** Safetensors files made of tensors that are in memory. */

import { writeFileSync } from 'node:fs';
import { planSafetensors, type TensorSpec, type WriteOptions } from '../../src/weights/files/safetensors.ts';

/** A tensor to write. */
export interface NamedTensor extends TensorSpec {
  readonly bytes: Uint8Array;
}

/** Lays tensors out as the byte runs of a safetensors file, header first. */
export function layoutSafetensors(tensors: Iterable<NamedTensor>, options?: WriteOptions): Uint8Array[] {
  const { header, ordered } = planSafetensors(tensors, options);
  return [header, ...ordered.map(({ bytes }) => bytes)];
}

/** Writes a safetensors file. */
export function writeSafetensors(path: string, tensors: Iterable<NamedTensor>, options?: WriteOptions): void {
  writeFileSync(path, Buffer.concat(layoutSafetensors(tensors, options)));
}
