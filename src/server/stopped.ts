/** Why a job is stopped: it was cancelled, or the server is. */

import { FluxionError } from '../support/errors.ts';
import type { JobEvent } from './job.ts';

/** The reason of a job's signal where it is the job's last event too. */
export class Stopped extends FluxionError {
  readonly event: JobEvent & { readonly type: 'cancelled' | 'interrupted' };

  constructor(event: JobEvent & { readonly type: 'cancelled' | 'interrupted' }) {
    super('aborted', event.type === 'cancelled' ? event.reason : 'the server was stopped');
    this.event = event;
  }

  /** Whether the server leaves a job that is still wanted. */
  get leaves(): boolean {
    return this.event.type === 'interrupted';
  }
}
