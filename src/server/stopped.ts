/** Why a job is stopped: it was cancelled, or the server is. */

import type { JobEnd } from '../api/jobs.ts';
import { FluxionError } from '../support/errors.ts';

/** The reason of a job's signal where it is the job's last event too. */
export class Stopped extends FluxionError {
  readonly event: JobEnd & { readonly type: 'cancelled' | 'interrupted' };

  constructor(event: JobEnd & { readonly type: 'cancelled' | 'interrupted' }) {
    super('aborted', event.type === 'cancelled' ? event.reason : 'the server was stopped');
    this.event = event;
  }

  /** Whether the server leaves a job that is still wanted. */
  get leaves(): boolean {
    return this.event.type === 'interrupted';
  }
}
