/** Writes weight files, run by run; a file appears whole or not at all. */

import { FluxionError } from '../../support/errors.ts';
import { explained, explaining } from '../../support/system-error.ts';
import { PartialFile } from '../../support/write-file.ts';

/** Writes byte runs in order, letting other work happen in between; throws `io`, or the signal's reason. */
export async function streamRuns(path: string, runs: Iterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
  const subject = `${path}: cannot write`;
  using file = explaining(subject, () => new PartialFile(path));
  const failed = (error: unknown): never => {
    throw explained(error, subject);
  };
  for (const run of runs) {
    await file.append(run).catch(failed);
    signal?.throwIfAborted();
  }
  // After a conversion the user may delete the originals: the new file must be on the disk by then.
  await file.replaceDurably().catch(failed);
}

/** A tensor whose bytes are made when it is its turn to be written. */
export interface MadeTensor {
  readonly name: string;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
  bytes(): Uint8Array;
}

/** Makes the bytes of a tensor; throws `bad_shape` unless there are `size` of them. */
export function exactBytes(tensor: MadeTensor, type: string, size: number): Uint8Array {
  const bytes = tensor.bytes();
  if (bytes.length === size) return bytes;
  const { name, shape } = tensor;
  throw new FluxionError('bad_shape', `${name}: ${bytes.length} bytes do not hold ${type} [${shape.join(', ')}]`);
}
