/** Diagnostics on standard error, quiet by default: `FLUXION_LOG=debug|info|warn` chooses how much. */

const LEVELS = { debug: 0, info: 1, warn: 2 } as const;
export type LogLevel = keyof typeof LEVELS;

const asked = process.env['FLUXION_LOG'];
const threshold = LEVELS[asked !== undefined && asked in LEVELS ? (asked as LogLevel) : 'warn'];

/** Writes one line to standard error when `level` is at or above the chosen one. */
export function log(level: LogLevel, message: string): void {
  if (LEVELS[level] >= threshold) process.stderr.write(`fluxion: ${message}\n`);
}
