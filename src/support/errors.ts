/** One error class for the whole program: a stable code to branch on, a message that says what and where, a hint that says what to do. */

import { oneLine, safeLines } from './quote.ts';

/** Stable identifiers of errors; programs branch on these, never on message text. */
export type ErrorCode =
  | 'aborted' // the caller's AbortSignal fired
  | 'bad_config' // a config file, override or flag that cannot be honoured
  | 'bad_file' // a file whose content breaks its format
  | 'bad_request' // a generation request that cannot be honoured
  | 'bad_shape' // shapes or dtypes that an operation refuses
  | 'bad_weights' // a checkpoint that does not fit the model
  | 'busy' // a server whose queue is full, or that is being stopped
  | 'denied' // a key that is missing or wrong, or a place that may not be asked from
  | 'disposed' // a device resource used after it was disposed
  | 'io' // the file system or a process said no
  | 'not_found' // a file, folder or name that does not exist
  | 'plugin' // a PJRT plugin that is missing, broken or cannot be installed
  | 'pjrt' // an error returned by a PJRT call
  | 'unsupported'; // something this platform, plugin or model cannot do

/**
 * An error raised by Fluxion, with a hint where a remedy is known. Message and hint are safe to print, even if they
 * quote untrusted names: a string is one line, an array has one line for each element.
 */
export class FluxionError extends Error {
  override readonly name: string = 'FluxionError';
  readonly code: ErrorCode;
  /** One sentence on what to do next. */
  readonly hint: string | undefined;
  /** The field of a request that is wrong, with the place inside it: `loras[0].scale`. The message begins with it. */
  readonly field: string | undefined;

  constructor(
    code: ErrorCode,
    message: string | readonly string[],
    { hint, field, cause }: { hint?: string | undefined; field?: string | undefined; cause?: unknown } = {},
  ) {
    const [first = '', ...lines] = [message].flat();
    const prefix = field === undefined || first.startsWith(`${field}: `) ? '' : `${field}: `;
    super(safeLines([prefix + first, ...lines]), cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint === undefined ? undefined : oneLine(hint);
    this.field = field === undefined ? undefined : oneLine(field);
  }
}

/** Says of a Fluxion error which field of a request it is about; returns other errors unchanged. */
export function ofField(field: string, error: unknown): unknown {
  if (!(error instanceof FluxionError) || error.field !== undefined) return error;
  return new FluxionError(error.code, error.message.split('\n'), { field, hint: error.hint, cause: error.cause });
}

/** Runs a function; its Fluxion errors begin with `subject`. */
export function about<T>(subject: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof FluxionError)) throw error;
    throw new FluxionError(error.code, `${subject}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

/** Longest name to compare, since the time grows with the square. */
const LONGEST_NAME = 200;

/** Returns the known names closest to `name` (case-insensitive edit distance up to `limit`), best first, at most `count`; empty when nothing is near. */
export function nearest(
  name: string,
  known: Iterable<string>,
  count = 3,
  limit: number = Math.max(2, Math.floor(name.length / 3)),
): string[] {
  if (name === '' || name.length > LONGEST_NAME) return [];
  return [...known]
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase(), limit) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** A hint that suggests the known name nearest to `name`, followed by `more`; `undefined` without either. */
export function didYouMean(name: string, known: Iterable<string>, more?: string): string | undefined {
  const [near] = nearest(name, known, 1);
  return [near && `did you mean '${near}'?`, more].filter(Boolean).join(' ') || undefined;
}

/** Letters to insert, delete, replace or swap with the next one; cut off at `limit + 1`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: readonly number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : limit + 1;
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, replaced, swapped));
    }
    [before, previous] = [previous, row];
  }
  return previous[b.length]!;
}
