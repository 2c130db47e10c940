/** The interface of a command, and its exit statuses. */

import type { CommandFlags } from '../config/overrides.ts';
import { FluxionError } from '../support/errors.ts';
import { printableJson } from '../support/quote.ts';

/** What the process passes to a command. */
export interface Session {
  /** Fires on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  readonly commands: Commands;
  /** Milliseconds the command has to end by itself after a signal, instead of a few seconds. */
  readonly endsWithin?: (milliseconds: number) => void;
  /** Starts the process again with more variables in its environment; absent where a command is not the whole process. */
  readonly restart?: ((variables: Readonly<Record<string, string>>) => void) | undefined;
  /** Called when a command has only memory left to free and results left to print; absent if the process goes on afterwards. */
  readonly ending?: () => void;
}

/** The table of commands. */
export type Commands = Readonly<Record<string, CommandEntry>>;

/** The part of a command that is known before its code is loaded. */
export interface CommandEntry {
  readonly section: 'Pictures' | 'Models' | 'Machine';
  /** The words after its name. */
  readonly usage: string;
  readonly summary: string;
  /** Names that other programs give this command; suggested as corrections, never run. */
  readonly alike: readonly string[];
  readonly load: () => Promise<{ readonly default: Command }>;
}

/** One command of the program: the default export of its file. */
export interface Command {
  /** Its own flags, in the order of its help. */
  readonly flags: CommandFlags;
  /** Whether configuration keys may be given, as `key=value` and as flags. */
  readonly takesKeys?: true;
  /** The words allowed after the command's name or as a flag's value (`--type`); absent if any file may follow. */
  readonly choices?: Readonly<Partial<Record<'words' | `--${string}`, readonly string[]>>>;
  /** The text of `fluxion help NAME`. */
  readonly help: string;
  /** Does the work and returns the exit status. */
  run(argv: readonly string[], session: Session): Promise<number>;
}

export const OK = 0;
export const FAILURE = 1;
const USAGE = 2;

/** An error in what was typed or configured, found before any work; the process exits with 2 whatever the code. */
export class UsageError extends FluxionError {}

/** Runs a function that reads a command line or configuration; its errors become usage errors. */
export function readingUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw asUsage(error);
  }
}

/** Turns a Fluxion error into a usage error; returns aborts and other errors unchanged. */
export function asUsage(error: unknown): unknown {
  if (!(error instanceof FluxionError) || error.code === 'aborted') return error;
  return new UsageError(error.code, error.message.split('\n'), { hint: error.hint, cause: error });
}

/** Returns the exit status an error stands for. */
export function statusOf(error: unknown): number {
  if (error instanceof UsageError) return USAGE;
  return error instanceof FluxionError && ['bad_config', 'bad_request'].includes(error.code) ? USAGE : FAILURE;
}

/** Throws a usage error for words that a command does not take. */
export function refuseWords([word]: readonly string[], hint?: string): void {
  if (word !== undefined) throw new UsageError('bad_config', `unexpected '${word}'`, { hint });
}

/** Writes a command's result on standard output: as one JSON object if `--json` was given, else as lines for people. */
export function answer(json: string | boolean | undefined, data: unknown, lines: readonly string[]): void {
  if (json) printJson(data);
  else for (const line of lines) process.stdout.write(`${line}\n`);
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
