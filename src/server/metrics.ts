/** Figures of a server in Prometheus' text form: its queue, waits, steps, batches, pictures, memory and evictions. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Backend } from './backend.ts';
import type { Job, JobEvent } from './job.ts';
import type { Jobs } from './jobs.ts';

type Labels = Readonly<Record<string, string>>;

/** Bounds of histograms of seconds, and of pictures. */
const SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000];
const PICTURES = [1, 2, 4, 8, 16, 32, 64];

/** Milliseconds between two samples of the event loop's delay. Node includes them in the delay. */
const BETWEEN = 10;

class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  add(value: number): void {
    this.#sum += value;
    this.#count++;
    for (const [i, bound] of this.#bounds.entries()) if (value <= bound) this.#counts[i]!++;
  }

  lines(name: string): string[] {
    return [
      ...this.#bounds.map((bound, i) => line(`${name}_bucket`, this.#counts[i]!, { le: String(bound) })),
      line(`${name}_bucket`, this.#count, { le: '+Inf' }),
      line(`${name}_sum`, this.#sum),
      line(`${name}_count`, this.#count),
    ];
  }
}

/** Counts by labels. */
class Counter {
  readonly #counts = new Map<string, number>();

  add(labels: Labels): void {
    const text = labelled(labels);
    this.#counts.set(text, (this.#counts.get(text) ?? 0) + 1);
  }

  lines(name: string): string[] {
    return [...this.#counts].map(([labels, count]) => `${name}${labels} ${count}`);
  }
}

/** Collects the figures of jobs and answers. */
export class Metrics implements Disposable {
  readonly #ended = new Counter();
  readonly #answers = new Counter();
  readonly #begun = new Map<string, number>();
  readonly #wait = new Histogram(SECONDS);
  readonly #step = new Histogram(SECONDS);
  readonly #job = new Histogram(SECONDS);
  readonly #batch = new Histogram(PICTURES);
  readonly #lag = monitorEventLoopDelay({ resolution: BETWEEN });

  constructor() {
    this.#lag.enable();
  }

  /** Counts an event of a job. */
  onEvent(job: Job, event: JobEvent): void {
    const sinceCreated = (): number => (Date.now() - Date.parse(job.state.created)) / 1000;
    if (event.type === 'stage' && !this.#begun.has(job.id)) {
      this.#begun.set(job.id, performance.now());
      this.#wait.add(sinceCreated());
    }
    if (event.type === 'step') this.#step.add(event.seconds);
    if (event.type === 'image') this.#batch.add(event.picture.info.recipe.batch?.size ?? 1);
    if (!job.hasEnded) return;
    const began = this.#begun.get(job.id);
    if (began !== undefined) this.#job.add((performance.now() - began) / 1000);
    this.#begun.delete(job.id);
    this.#ended.add({ api: job.api, status: job.status });
  }

  /** Counts an answer by its status. */
  onAnswer(status: number): void {
    this.#answers.add({ status: String(status) });
  }

  /** All figures as text. */
  text(jobs: Jobs, host: Backend): string {
    const { queued, running } = jobs.counts;
    const stats = host.stats();
    const { rss, heapUsed, external } = process.memoryUsage();
    const gauge = (name: string, help: string, value: number) => block(name, 'gauge', help, [line(name, value)]);
    const counter = (name: string, help: string, value: number | Counter) =>
      block(name, 'counter', help, typeof value === 'number' ? [line(name, value)] : value.lines(name));
    const histogram = (name: string, help: string, values: Histogram) =>
      block(name, 'histogram', help, values.lines(name));
    const lag = 'fluxion_event_loop_lag_seconds';
    const { count, mean } = this.#lag;
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - BETWEEN / 1000);
    const quantile = (of: number) => line(lag, late(this.#lag.percentile(of * 100)), { quantile: String(of) });
    return [
      gauge('fluxion_queue_length', 'Jobs that wait.', queued),
      gauge('fluxion_jobs_running', 'Jobs that are being made.', running),
      gauge('fluxion_model_ready', '1 if the model is open.', host.status.status === 'ready' ? 1 : 0),
      ...(host.workers === undefined ? [] : [gauge('fluxion_workers', 'Workers of the queue.', host.workers)]),
      counter('fluxion_jobs_total', 'Jobs that ended.', this.#ended),
      histogram('fluxion_wait_seconds', 'Seconds from accepting a job to its first work.', this.#wait),
      histogram('fluxion_job_seconds', 'Seconds from the first work to the end of a job.', this.#job),
      histogram('fluxion_step_seconds', 'Seconds of a denoising step, as each job in its batch saw it.', this.#step),
      histogram('fluxion_batch_slots', 'Slots of the batch that each picture was made in.', this.#batch),
      counter('fluxion_http_answers_total', 'Answers by status.', this.#answers),
      ...(stats
        ? [
            counter('fluxion_batches_total', 'Batches begun since the model was opened.', stats.batches),
            counter('fluxion_pictures_total', 'Pictures made since the model was opened.', stats.pictures),
            gauge('fluxion_programs_loaded', 'Programs on the device.', stats.programs.loaded),
            gauge('fluxion_programs_bytes', 'Bytes of programs on the device.', stats.programs.bytes),
            counter('fluxion_programs_evicted_total', 'Programs that were evicted.', stats.programs.evicted),
            gauge('fluxion_loras_bytes', 'Bytes of LoRA files in memory.', stats.loras.bytes),
            counter('fluxion_loras_evicted_total', 'LoRA files that were evicted.', stats.loras.evicted),
          ]
        : []),
      ...(stats?.memory.device === undefined
        ? []
        : [gauge('fluxion_device_memory_bytes', 'Bytes in use on the first device.', stats.memory.device)]),
      gauge('process_resident_memory_bytes', 'Resident memory of the process.', rss),
      gauge('nodejs_heap_size_used_bytes', 'Bytes of JavaScript objects.', heapUsed),
      gauge(
        'nodejs_external_memory_bytes',
        'Bytes outside the heap that JavaScript objects hold, buffers included.',
        external,
      ),
      block(lag, 'summary', 'Delay of timers, since the start.', [
        quantile(0.5),
        quantile(0.99),
        line(`${lag}_sum`, count === 0 ? 0 : count * late(mean)),
        line(`${lag}_count`, count),
      ]),
    ].join('');
  }

  [Symbol.dispose](): void {
    this.#lag.disable();
  }
}

function block(name: string, type: string, help: string, lines: readonly string[]): string {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}

function line(name: string, value: number, labels: Labels = {}): string {
  return `${name}${labelled(labels)} ${value}`;
}

function labelled(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
