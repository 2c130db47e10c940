/** Files of weights, written run by run, which appear whole or not at all. */

import { explained, explaining } from '../../support/system-error.ts';
import { PartialFile } from '../../support/write-file.ts';

/** Writes byte runs one after the other; throws `io`. */
export function writeRuns(path: string, runs: Iterable<Uint8Array>): void {
  const subject = subjectOf(path);
  using file = explaining(subject, () => new PartialFile(path));
  for (const run of runs) explaining(subject, () => file.write(run));
  finish(file, subject);
}

/** Writes byte runs one after the other, letting other work happen in between; throws `io`, or what the signal was aborted with. */
export async function streamRuns(path: string, runs: Iterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
  const subject = subjectOf(path);
  using file = explaining(subject, () => new PartialFile(path));
  for (const run of runs) {
    await file.append(run).catch((error) => {
      throw explained(error, subject);
    });
    signal?.throwIfAborted();
  }
  finish(file, subject);
}

const subjectOf = (path: string): string => `${path}: cannot write`;

/** A conversion may be followed by the removal of what it was made from: the disk has it first. */
function finish(file: PartialFile, subject: string): void {
  explaining(subject, () => {
    file.sync();
    file.replace();
  });
}
