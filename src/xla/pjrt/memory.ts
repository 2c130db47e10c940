/**
 * Memory that native code and JavaScript share: addresses of JavaScript buffers, views over native memory, C strings and pointer arrays.
 *
 * Notable: a JavaScript ArrayBuffer's bytes never move, so its address may be handed to native code as long as the buffer stays reachable.
 */

import koffi from 'koffi';
import { attempt } from '../../support/attempt.ts';

/** The address of a buffer's first byte. The caller keeps the buffer reachable for as long as the address is used. */
export function addressOf(bytes: ArrayBufferLike | ArrayBufferView): bigint {
  return koffi.address(bytes);
}

/** Lays a view over native memory without copying. It must not be read after the memory is freed. No bytes need no address. */
export function viewNative(address: bigint, byteLength: number): ArrayBuffer {
  return byteLength === 0 ? new ArrayBuffer() : koffi.view(address, byteLength);
}

/** Copies native bytes out. */
export function copyNative(address: bigint, byteLength: number): Uint8Array {
  return new Uint8Array(viewNative(address, byteLength)).slice();
}

/** Reads a UTF-8 string of `byteLength` bytes. */
export function readString(address: bigint, byteLength: number): string {
  return Buffer.from(viewNative(address, byteLength)).toString('utf8');
}

/** Reads an array of `count` 8-byte words: pointers or sizes. */
export function readWords(address: bigint, count: number): bigint[] {
  return [...new BigUint64Array(viewNative(address, count * 8))];
}

/** The alignment from which XLA uses host memory in place. */
export const ALIGNMENT = 64;

/** Allocates zeroed memory that XLA can use in place. */
export function alignedBytes(byteLength: number): Uint8Array<ArrayBuffer> {
  const buffer = new ArrayBuffer(byteLength + ALIGNMENT);
  const offset = Number(-addressOf(buffer) & BigInt(ALIGNMENT - 1));
  return new Uint8Array(buffer, offset, byteLength);
}

/**
 * Gives memory that native code has freed back to the system, where the C library is glibc. By itself glibc does so only at the end of an
 * arena, and what freed programs leave lies between what is still in use: 150 MiB after thirty picture sizes of a small model.
 */
export function returnFreedMemory(): void {
  attempt(() => koffi.load(null).func('int malloc_trim(size_t pad)')(0), 0);
}

/** What owns the native memory behind a view, and must outlive every native use of it. */
export interface MemoryOwner {
  /** Counts one more user; the returned function counts it off again. */
  retain(): () => void;
}

const owners = new WeakMap<ArrayBufferLike, MemoryOwner>();

/** Names the owner of the native memory that `buffer` is a view of. */
export function setOwner(buffer: ArrayBufferLike, owner: MemoryOwner): void {
  owners.set(buffer, owner);
}

/** Returns the owner of the native memory that `bytes` view; undefined for JavaScript's own. */
export function ownerOf(bytes: Uint8Array): MemoryOwner | undefined {
  return owners.get(bytes.buffer);
}

/** Keeps the memory under `bytes` valid until the returned function is called: the mapping it views, or else the JavaScript buffer itself. */
export function retain(bytes: Uint8Array): () => void {
  return ownerOf(bytes)?.retain() ?? (() => void bytes);
}

const DELETER = koffi.proto('PjrtDeleter', 'void', ['void *']);

/** Frees plugin memory through the deleter that came with it. */
export function freeThrough(deleter: bigint, memory: bigint): void {
  koffi.call(deleter, DELETER, memory);
}
