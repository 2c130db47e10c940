/** What a command is, and how it ends. */

import type { CommandFlags } from '../config/overrides.ts';
import { FluxionError } from '../support/errors.ts';
import { printableJson } from '../support/quote.ts';

/** What the process around a command gives it. */
export interface Session {
  /** Fires on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  readonly commands: Commands;
}

/** The table of commands. */
export type Commands = Readonly<Record<string, Entry>>;

/** What is known of a command before its code is loaded. */
export interface Entry {
  readonly section: 'Pictures' | 'Models' | 'Machine';
  /** The words after its name. */
  readonly usage: string;
  readonly summary: string;
  /** What other programs call this; suggested instead, never run. */
  readonly alike: readonly string[];
  readonly load: () => Promise<{ readonly default: Command }>;
}

/** One command of the program: the default export of its file. */
export interface Command {
  /** Its own flags: name → whether a value follows. */
  readonly flags: CommandFlags;
  /** Whether configuration keys may be given, as `key=value` and as flags. */
  readonly takesKeys?: true;
  /** The words that may stand after the name of the command, or as the value of a flag (`--type`), where they are a few; else they are files. */
  readonly choices?: Readonly<Partial<Record<'words' | `--${string}`, readonly string[]>>>;
  /** The text of `fluxion help NAME`. */
  help(): string | Promise<string>;
  /** Does the work and returns the exit status. */
  run(argv: readonly string[], session: Session): Promise<number>;
}

export const OK = 0;
export const FAILURE = 1;
const USAGE = 2;

/** An error in what was typed or configured, found before any work; the process exits with 2 whatever the code. */
export class UsageError extends FluxionError {}

/** Runs what reads a command line or configuration; its errors count as the user's. */
export function readingUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw asUsage(error);
  }
}

/** Counts an error in what was typed or configured as the user's; any other is returned as it is. */
export function asUsage(error: unknown): unknown {
  if (!(error instanceof FluxionError) || error.code === 'aborted') return error;
  return new UsageError(error.code, error.message.split('\n'), { hint: error.hint, cause: error });
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
