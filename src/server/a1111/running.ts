/** Unfinished jobs of A1111's API: its clients ask for progress, and interrupt, without naming a job. */

import type { Preview } from '../../picture/preview.ts';
import { previewFile } from '../../picture/preview-file.ts';
import { base64Text } from '../base64.ts';
import type { Job, JobEvent } from '../job.ts';

/** The progress of an idle server. */
const IDLE = {
  /** 0 to 1. */
  progress: 0,
  eta_relative: 0,
  state: {
    skipped: false, interrupted: false, stopping_generation: false, job: '', job_count: 0, job_no: 0, job_timestamp: '0',
    sampling_step: 0, sampling_steps: 0,
  }, // biome-ignore format: a list
  /** The newest preview as a PNG in base64. */
  current_image: null as string | null,
  textinfo: null as string | null,
};

interface Running {
  readonly job: Job;
  readonly began: number;
  step: number;
  steps: number;
  /** Finished steps, summed over all pictures. */
  done: number;
  preview: Preview | undefined;
  text: string | null;
  stopped: boolean;
}

export class RunningJobs {
  /** By caller, oldest first. */
  readonly #running = new Map<string, Running[]>();

  /** Follows a job until disposed. */
  follow(job: Job): Disposable & { readonly see: (event: JobEvent) => void } {
    const running: Running = {
      job, began: performance.now(), step: 0, steps: 0, done: 0, preview: undefined, text: 'waiting', stopped: false,
    }; // biome-ignore format: a list
    const caller = job.caller ?? '';
    this.#running.set(caller, [...this.#of(caller), running]);
    return {
      see: (event) => see(running, event),
      [Symbol.dispose]: () => {
        const others = this.#of(caller).filter((one) => one !== running);
        if (others.length > 0) this.#running.set(caller, others);
        else this.#running.delete(caller);
      },
    };
  }

  /** The progress of a caller's oldest job. */
  async progress(caller: string | undefined, withImage: boolean): Promise<typeof IDLE> {
    const [running, ...others] = this.#of(caller ?? '');
    if (!running) return IDLE;
    const { job, step, steps, preview, began, stopped } = running;
    const progress = steps === 0 ? 0 : Math.min(0.99, running.done / (steps * job.total));
    const elapsed = (performance.now() - began) / 1000;
    return {
      progress,
      eta_relative: progress === 0 ? 0 : (elapsed * (1 - progress)) / progress,
      state: {
        ...IDLE.state,
        interrupted: stopped,
        stopping_generation: stopped,
        job: job.id,
        job_count: 1 + others.length,
        job_timestamp: timestamp(job.state.created),
        sampling_step: step,
        sampling_steps: steps,
      },
      current_image: withImage && preview ? base64Text(await previewFile(preview, 'png')) : null,
      textinfo: running.text,
    };
  }

  /** Cancels a caller's jobs. */
  async interrupt(caller: string | undefined): Promise<void> {
    const all = this.#of(caller ?? '');
    for (const running of all) running.stopped = true;
    await Promise.all(all.map(({ job }) => job.cancel('interrupted by its client')));
  }

  #of(caller: string): readonly Running[] {
    return this.#running.get(caller) ?? [];
  }
}

function see(running: Running, event: JobEvent): void {
  if (event.type === 'loading') running.text = event.message;
  if (event.type === 'stage') running.text = null;
  if (event.type !== 'step') return;
  running.step = event.step;
  running.steps = event.steps;
  running.done += event.pictures.length;
  running.preview = event.previews?.at(-1) ?? running.preview;
}

/** A time as A1111 writes it: 20260130154500. */
function timestamp(iso: string): string {
  return iso.replaceAll(/\D/g, '').slice(0, 14);
}
