/** Diagnostics on standard error, quiet by default: `FLUXION_LOG=debug|info|warn` chooses how much. */

import { safeLines } from './quote.ts';

const LEVELS = { debug: 0, info: 1, warn: 2 } as const;
export type LogLevel = keyof typeof LEVELS;

const asked = process.env['FLUXION_LOG'];
const threshold = LEVELS[asked !== undefined && asked in LEVELS ? (asked as LogLevel) : 'warn'];

/** Tells whether lines of this level are written. */
export function isLogged(level: LogLevel): boolean {
  return LEVELS[level] >= threshold;
}

/** Writes to standard error when `level` is at or above the chosen one; lines after the first are indented. */
export function log(level: LogLevel, message: string): void {
  if (!isLogged(level)) return;
  process.stderr.write(`fluxion: ${safeLines(message.split('\n')).replaceAll('\n', '\n  ')}\n`);
}
