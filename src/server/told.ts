/** Errors and events as clients see them: without the server's internals, and without folders of its machine. */

import { basename } from 'node:path';
import type { JobError } from '../api/jobs.ts';
import { FluxionError } from '../support/errors.ts';
import { log } from '../support/log.ts';
import { explained } from '../support/system-error.ts';
import type { JobEvent } from './job.ts';

/**
 * An absolute path of Unix or Windows up to its last name; names may have spaces. It ends at a quote, or where the message goes on.
 * Paths of the server's own API stay.
 */
const FOLDERS =
  /(?<![\w.…/\\:])(?:\/(?!(?:v1|sdapi)\/)|[A-Za-z]:[\\/]|\\\\|file:\/\/)(?:(?![:,;)] | [/(]| [A-Za-z]:[\\/])[^'"`\n])*[/\\]/g;

/** Text without the folders of absolute paths: `/data/loras/a.safetensors` becomes `…/a.safetensors`. */
export function withoutFolders(text: string): string {
  return text.replaceAll(FOLDERS, '…/');
}

/** An error as clients see it. An unexpected error is logged under `subject`; clients only learn that the log has it. */
export function toldError(error: unknown, subject?: string): JobError {
  const known = explained(error);
  if (!(known instanceof FluxionError)) {
    const text = known instanceof Error ? `${known.stack}` : String(known);
    log('warn', subject === undefined ? text : `${subject}: ${text}`);
    return { code: 'internal', message: "an error of the server's own: its log says more" };
  }
  const { code, message, hint, field } = known;
  return {
    code,
    message: withoutFolders(message),
    ...(hint !== undefined && { hint: withoutFolders(hint) }),
    ...(field !== undefined && { field }),
  };
}

/** An event as clients see it. */
export function toldEvent(event: JobEvent): JobEvent {
  if (event.type === 'warning' || event.type === 'loading') return { ...event, message: withoutFolders(event.message) };
  if (event.type !== 'lora') return event;
  const { path, warnings, ...lora } = event.lora;
  return { ...event, lora: { ...lora, path: basename(path), warnings: warnings.map(withoutFolders) } };
}
