/** Writes weight files, run by run; a file appears whole or not at all. */

import { explained, explaining } from '../../support/system-error.ts';
import { PartialFile } from '../../support/write-file.ts';

/** Writes byte runs in order, letting other work happen in between; throws `io`, or the signal's reason. */
export async function streamRuns(path: string, runs: Iterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
  const subject = `${path}: cannot write`;
  using file = explaining(subject, () => new PartialFile(path));
  for (const run of runs) {
    await file.append(run).catch((error) => {
      throw explained(error, subject);
    });
    signal?.throwIfAborted();
  }
  explaining(subject, () => {
    // After a conversion the user may delete the originals: the new file must be on the disk by then.
    file.sync();
    file.replace();
  });
}
