/** Why a job is stopped: the job was cancelled, or the server is being stopped. */

import type { JobEnd } from '../api/jobs.ts';
import { FluxionError } from '../support/errors.ts';

/** The reason of a job's signal; it carries the job's last event. */
export class Stopped extends FluxionError {
  readonly event: JobEnd & { readonly type: 'cancelled' | 'interrupted' };

  constructor(event: JobEnd & { readonly type: 'cancelled' | 'interrupted' }) {
    super('aborted', event.type === 'cancelled' ? event.reason : 'the server was stopped');
    this.event = event;
  }

  /** Whether only the server stops, and the job is still wanted. */
  get leaves(): boolean {
    return this.event.type === 'interrupted';
  }
}
