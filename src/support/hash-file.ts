/** Hashing files of any size, a piece at a time. */

import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Adds a file's bytes to a hash. */
export async function updateFrom(hash: Hash, path: string, signal?: AbortSignal): Promise<void> {
  const pieces = createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) });
  for await (const piece of pieces) hash.update(piece as Buffer);
}
