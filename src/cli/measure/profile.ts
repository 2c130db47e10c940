/** The output of `bench --profile` and `enable_profiler`: a table with the time of each program, and a trace for Perfetto. */

import { join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { type Event, type Flux, writeAtomically } from '../../index.ts';
import { type Operation, type Profile, type ProgramProfile, type Recording, traceLines } from '../../xla.ts';
import { columns, flop, percent } from '../terminal/render.ts';

/** Shows the stages and steps of a run beside its programs. */
export class Timeline {
  readonly #recording: Recording;
  #stage: { readonly name: string; readonly start: number } | undefined;
  #step = performance.now();

  /** Begins in the middle of `stage`, if one is given. */
  constructor(recording: Recording, stage?: string) {
    this.#recording = recording;
    if (stage !== undefined) this.#stage = { name: stage, start: this.#step };
  }

  on(event: Event): void {
    const now = performance.now();
    if (event.type === 'step') this.#recording.span('steps', `step ${event.step}`, this.#step, now);
    if (event.type === 'stage' || event.type === 'step') this.#step = now;
    if (event.type !== 'stage' && event.type !== 'done') return;
    this.end();
    this.#stage = event.type === 'stage' ? { name: event.stage, start: now } : undefined;
  }

  end(): void {
    if (this.#stage) this.#recording.span('stages', this.#stage.name, this.#stage.start, performance.now());
    this.#stage = undefined;
  }
}

/** The default path of a trace; with several processes it contains the process number. */
export function tracePath({ output_dir: folder, node_id: id }: Pick<Config, 'output_dir' | 'node_id'>): string {
  return join(folder || '.', id ? `flux_trace_${id}.json` : 'flux_trace.json');
}

/** Writes a trace that Perfetto opens, in place of an earlier one. Returns the path. */
export function writeTrace(path: string, profile: Profile): Promise<string> {
  return writeAtomically(path, Buffer.from([...traceLines(profile)].join('\n')));
}

/**
 * Records the denoising steps of the first batch that `enable_profiler`, `skip_first_n_steps_for_profiler` and `profiler_steps` select. A
 * run with too few steps has its last step recorded.
 */
export class StepTrace {
  readonly #flux: Flux;
  readonly #path: string;
  /** Steps, counted from 1. */
  readonly #first: number;
  readonly #last: number;
  #running: { readonly recording: Recording; readonly timeline: Timeline } | undefined;
  #written = false;

  constructor(flux: Flux, config: Config) {
    const steps = config.num_inference_steps ?? flux.defaults.steps;
    this.#flux = flux;
    this.#path = tracePath(config);
    this.#first = Math.min(config.skip_first_n_steps_for_profiler, steps - 1) + 1;
    this.#last = Math.min(this.#first + config.profiler_steps - 1, steps);
  }

  /** The trace, once it is written. */
  get path(): string | undefined {
    return this.#written ? this.#path : undefined;
  }

  /** Takes an event of the run, and returns any messages for the user. */
  async on(event: Event): Promise<string | undefined> {
    if (this.#written) return undefined;
    const done =
      event.type === 'step' ? event.step : event.type === 'stage' && event.stage === 'denoise' ? 0 : undefined;
    this.#running?.timeline.on(event);
    if (done === this.#first - 1) {
      const recording = this.#flux.record();
      this.#running = { recording, timeline: new Timeline(recording, 'denoise') };
    }
    if (done !== this.#last || !this.#running) return undefined;
    const { recording, timeline } = this.#running;
    timeline.end();
    const profile = recording.stop();
    await writeTrace(this.#path, profile);
    this.#written = true;
    const steps = this.#first === this.#last ? `step ${this.#last}` : `steps ${this.#first} to ${this.#last}`;
    const without = profile.note
      ? `; ${profile.note}`
      : profile.source === 'none'
        ? "; 'fluxion bench --profile' times the operations of each program"
        : '';
    return `trace of ${steps} in ${this.#path}, for ui.perfetto.dev${without}`;
  }
}

/** Equal operations, summed up. */
interface Row {
  readonly operation: Operation;
  readonly count: number;
  /** Seconds in one run of the program. */
  readonly seconds: number;
}

/** Rows below this share of a program's time, and programs below this share of a picture's, are summed up in one row. */
const SMALL = 0.01;
const MOST_ROWS = 10;

function rowsOf({ operations }: ProgramProfile): Row[] {
  const alike = Map.groupBy(operations, ({ operation }) => `${operation.kind}\n${operation.shape}\n${operation.flops}`);
  return [...alike.values()]
    .map((list) => ({
      operation: list[0]!.operation,
      count: list.length,
      seconds: list.reduce((sum, one) => sum + one.seconds, 0),
    }))
    .sort((a, b) => b.seconds - a.seconds);
}

const SOURCES: Readonly<Record<Profile['source'], string>> = {
  profiler: "operations as the plugin's profiler timed them in the run",
  'one by one': 'operations timed one at a time, on the arguments of a real run: the plugin has no profiler',
  none: 'operations were not timed',
};

/** The profile as lines for people; `peak` is the best matrix multiply of one device, in FLOP/s. */
export function profileTable(profile: Profile, peak: number): string[] {
  const all = profile.programs.reduce((sum, { total }) => sum + total, 0);
  const shown = profile.programs.filter(({ total }) => total >= SMALL * all);
  const rest = profile.programs.length - shown.length;
  const left = all - shown.reduce((sum, { total }) => sum + total, 0);
  return [
    `programs of one picture: ${duration(all)}; ${profile.note ?? SOURCES[profile.source]}`,
    ...shown.flatMap((program) => ['', ...programLines(program, all, peak)]),
    ...(rest > 0 ? ['', `${rest} more programs: ${duration(left)}, ${percent(left / all)}`] : []),
  ];
}

function programLines(program: ProgramProfile, all: number, peak: number): string[] {
  const { name, runs, total, note } = program;
  const head = `${name}: ${runs} × ${duration(program.seconds)}, ${percent(total / all)} of the picture`;
  if (program.operations.length === 0) return [note === undefined ? head : `${head}; ${note}`];
  const rows = rowsOf(program);
  const sum = rows.reduce((total, row) => total + row.seconds, 0);
  const large = rows.filter((row) => row.seconds >= SMALL * sum).slice(0, MOST_ROWS);
  const small = rows.slice(large.length);
  const cells = [
    ['operation', 'count', 'time', 'share', 'rate', 'of best product', 'largest product, or result'],
    ...large.map((row) => cellsOf(row, sum, peak)),
    ...(small.length > 0 ? [restOf(small, sum)] : []),
    [
      'together',
      `${program.operations.length}`,
      duration(sum),
      '',
      '',
      '',
      `the program takes ${duration(program.seconds)}`,
    ],
  ];
  return [head, ...columns(cells, [0, 6])];
}

function cellsOf({ operation, count, seconds: time }: Row, sum: number, peak: number): string[] {
  const { kind, shape, flops, bytes: moved } = operation;
  const work = flops === undefined ? undefined : (flops * count) / time;
  const rate =
    work === undefined || time === 0
      ? ''
      : work > 0
        ? `${flop(work)}/s`
        : `${Math.round((moved * count) / time / 1e8) / 10} GB/s`;
  return [
    kind,
    `${count}`,
    duration(time),
    percent(time / sum),
    rate,
    work && time > 0 ? percent(work / peak) : '',
    shape,
  ];
}

function restOf(rows: readonly Row[], sum: number): string[] {
  const time = rows.reduce((total, row) => total + row.seconds, 0);
  const operations = rows.reduce((total, row) => total + row.count, 0);
  return ['the rest', `${operations}`, duration(time), percent(time / sum), '', '', `${rows.length} kinds`];
}

/** Formats seconds in the unit that suits them: `2.41 ms`. */
function duration(value: number): string {
  const [unit, name] = value >= 1 ? [1, 's'] : value >= 1e-3 ? [1e-3, 'ms'] : [1e-6, 'µs'];
  return `${Number((value / unit).toPrecision(3))} ${name}`;
}

/** The profile as data: times in seconds, work in FLOPs; operations of one run of their program. */
export function profileData({ source, programs, dropped }: Profile, peak: number): Record<string, unknown> {
  return {
    source,
    best_matrix_multiply: peak,
    ...(dropped > 0 && { dropped_events: dropped }),
    programs: programs.map((program) => ({
      name: program.name,
      runs: program.runs,
      total: program.total,
      seconds: program.seconds,
      ...(program.note !== undefined && { note: program.note }),
      operations: rowsOf(program).map(({ operation, count, seconds }) => ({
        kind: operation.kind,
        shape: operation.shape,
        count,
        seconds,
        flop: operation.flops === undefined ? undefined : operation.flops * count,
        bytes: operation.bytes * count,
        ...(operation.flops && seconds > 0 && { share_of_best: (operation.flops * count) / seconds / peak }),
      })),
    })),
  };
}
