/** What a command is, and how it ends. */

import { FluxionError } from '../support/errors.ts';
import { printableJson } from '../support/quote.ts';

/** What the process around a command gives it. */
export interface Session {
  /** Fires on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** One command of the program: the default export of its file. */
export interface Command {
  /** The text of `fluxion help NAME`. */
  help(): string | Promise<string>;
  /** Does the work and returns the exit status. */
  run(argv: readonly string[], session: Session): Promise<number>;
}

export const OK = 0;
export const FAILURE = 1;
export const USAGE = 2;

/** An error in what was typed or configured, found before any work; the process exits with 2 whatever the code. */
export class UsageError extends FluxionError {}

/** Runs what reads a command line or configuration; its errors count as the user's. */
export function readingUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FluxionError)) throw error;
    throw new UsageError(error.code, error.message.split('\n'), { hint: error.hint, cause: error });
  }
}

/** Returns the exit status an error stands for. */
export function statusOf(error: unknown): number {
  if (error instanceof UsageError) return USAGE;
  return error instanceof FluxionError && ['bad_config', 'bad_request'].includes(error.code) ? USAGE : FAILURE;
}

/** Writes one JSON object on standard output; whole numbers beyond 2⁵³, which seeds can be, become strings. */
export function printJson(value: unknown): void {
  const text = JSON.stringify(
    value,
    (_key, item: unknown) => {
      if (typeof item !== 'bigint') return item;
      return Number.isSafeInteger(Number(item)) ? Number(item) : String(item);
    },
    2,
  );
  process.stdout.write(`${printableJson(text)}\n`);
}
