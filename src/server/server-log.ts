/** The log of a server: one JSON object a line, for each answer and each job that ended. Prompts are in it only on request. */

import type { Job, JobEvent } from './job.ts';

/** Where a log goes, and what it contains. */
export interface ServerLogOptions {
  readonly write: (line: string) => void;
  /** Whether it contains requests, with their prompts. */
  readonly prompts?: boolean | undefined;
}

/** Writes the lines of a server's log. */
export class ServerLog {
  readonly #options: ServerLogOptions;

  constructor(options: ServerLogOptions) {
    this.#options = options;
  }

  /** Writes one line. */
  write(event: string, fields: Readonly<Record<string, unknown>>): void {
    this.#options.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
  }

  /** Writes a line if the event ended the job. */
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
      // Messages may quote the request.
      ...(error && { error: this.#options.prompts ? error : { code: error.code } }),
      ...(this.#options.prompts && { request }),
    });
  }
}
