/** Writes diagnostics to standard error, none below warnings by default; `FLUXION_LOG=debug|info|warn` sets the level. */

import { safeLines } from './quote.ts';

const LEVELS = { debug: 0, info: 1, warn: 2 } as const;
export type LogLevel = keyof typeof LEVELS;

const asked = process.env['FLUXION_LOG'];
const threshold = LEVELS[asked !== undefined && asked in LEVELS ? (asked as LogLevel) : 'warn'];

/** Tells whether messages of a level are written. */
export function isLogged(level: LogLevel): boolean {
  return LEVELS[level] >= threshold;
}

/** Writes a message if its level is high enough; indents lines after the first. */
export function log(level: LogLevel, message: string): void {
  if (!isLogged(level)) return;
  process.stderr.write(`fluxion: ${safeLines(message.split('\n')).replaceAll('\n', '\n  ')}\n`);
}
