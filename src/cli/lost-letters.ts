/** Arguments that are not UTF-8: Node replaces their letters with U+FFFD, which would change a prompt or path. */

import { readFileSync } from 'node:fs';
import { attempt } from '../support/attempt.ts';
import { decodeText } from '../support/text.ts';
import { UsageError } from './command.ts';

const LOST = '\ufffd';

/** Refuses arguments that lost letters in decoding; quotes the original bytes if the system provides them. */
export function requireWholeArguments(argv: readonly string[]): void {
  if (!argv.some((word) => word.includes(LOST))) return;
  const bytes = originalArguments(argv.length);
  for (const [i, word] of argv.entries()) {
    if (!word.includes(LOST)) continue;
    const original = bytes?.[i];
    try {
      // The user may have typed U+FFFD itself.
      if (original && decodeText(original, `argument ${i + 1}`) === word) continue;
    } catch (cause) {
      throw lost((cause as Error).message.replace(/ at line 1, byte (\d+) of it/, ' at byte $1'), cause);
    }
    throw lost(`argument ${i + 1}: expected UTF-8 text, found '${word}', whose invalid bytes were replaced`);
  }
}

function lost(message: string, cause?: unknown): UsageError {
  return new UsageError('bad_config', message, {
    hint: 'type it in a terminal that is set to UTF-8 (locale says so), or put it into a UTF-8 file: prompt=@FILE, or a configuration',
    cause,
  });
}

/** The last `count` arguments of this process as bytes, if the system keeps them. */
function originalArguments(count: number): Uint8Array[] | undefined {
  // Only Linux has this file.
  const all = attempt(() => readFileSync('/proc/self/cmdline'), Buffer.alloc(0));
  const words: Uint8Array[] = [];
  for (let start = 0, end = all.indexOf(0); end >= 0; start = end + 1, end = all.indexOf(0, start))
    words.push(all.subarray(start, end));
  return words.length >= count ? words.slice(-count) : undefined;
}
