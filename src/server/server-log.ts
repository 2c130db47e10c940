/** The log of a server: one JSON object a line, of answers and of jobs that ended. Prompts are in it only where that is asked for. */

import type { Job, JobEvent } from './job.ts';

/** Where a log goes, and what is in it. */
export interface ServerLogOptions {
  readonly write: (line: string) => void;
  /** Whether requests are in it, with their prompts. */
  readonly prompts?: boolean | undefined;
}

/** Writes what happened. */
export class ServerLog {
  readonly #options: ServerLogOptions;

  constructor(options: ServerLogOptions) {
    this.#options = options;
  }

  /** Writes a line of what happened. */
  write(event: string, fields: Readonly<Record<string, unknown>>): void {
    this.#options.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
  }

  /** Tells of a job that ended. */
  onEvent(job: Job, { type }: JobEvent): void {
    if (!job.hasEnded) return;
    const { created, ended, request, error } = job.state;
    this.write('job', {
      id: job.id,
      api: job.api,
      ...(job.caller !== undefined && { caller: job.caller }),
      status: type,
      seconds: (Date.parse(ended!) - Date.parse(created)) / 1000,
      pictures: job.pictures.length,
      // Messages may quote what was asked.
      ...(error && { error: this.#options.prompts ? error : { code: error.code } }),
      ...(this.#options.prompts && { request }),
    });
  }
}
