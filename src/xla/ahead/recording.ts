/**
 * Records what runs on a runtime's devices, and when. Every program is timed whole. Its operations are timed by the plugin's profiler; if
 * there is none, they run one at a time (replay.ts), on request, before the program's first run.
 *
 * Notable: nothing is recorded, and nothing costs time, while a runtime has no recording.
 */

import { FluxionError } from '../../support/errors.ts';
import { getOrMake } from '../../support/get-or-make.ts';
import type { DeviceArray } from '../pjrt/array.ts';
import type { Api } from '../pjrt/call.ts';
import type { Executable } from '../pjrt/executable.ts';
import { Profiler } from '../pjrt/profiler.ts';
import { readHloProgram } from './hlo-program.ts';
import { type Operation, operationsOf } from './operations.ts';
import { type Compiler, Replay, type ReplayTimes } from './replay.ts';
import { type Plane, readXSpace, type TraceLine } from './xspace.ts';

/** A timed interval, in milliseconds of `performance.now()`. */
export interface Span {
  /** The row that shows it. */
  readonly track: string;
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Seconds of one operation in one run of its program. */
export interface OperationTime {
  readonly operation: Operation;
  readonly seconds: number;
}

/** Where the time of one program goes. */
export interface ProgramProfile {
  readonly name: string;
  /** How often it ran during the recording. */
  readonly runs: number;
  /** Seconds of all these runs. */
  readonly total: number;
  /** Seconds of one run: timed together with its operations, or the mean of the recorded runs. */
  readonly seconds: number;
  /** In the order of the program; empty where `note` says why. */
  readonly operations: readonly OperationTime[];
  readonly note?: string;
}

/** What was recorded. */
export interface Profile {
  /** The source of the operations' times; `none` if the plugin has no profiler and nobody asked for operations. */
  readonly source: 'profiler' | 'one by one' | 'none';
  /** Why the plugin's profiler recorded nothing, if it has one. */
  readonly note?: string;
  readonly programs: readonly ProgramProfile[];
  readonly spans: readonly Span[];
  /** What the plugin's profiler recorded. */
  readonly planes: readonly Plane[];
  /** Events that were left out because there were too many. */
  readonly dropped: number;
}

/** What a recording times, and what stops it. */
export interface RecordingOptions {
  /** Times operations one at a time where the plugin has no profiler: a program's first run then takes some seconds longer. */
  readonly operations?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

const MOST_SPANS = 500_000;

interface Seen {
  runs: number;
  total: number;
  times: ReplayTimes | undefined;
  note: string | undefined;
}

/** What a recording observes: a runtime, which reports every run to its recording. */
export interface Recorded {
  readonly client: { readonly api: Api } & Compiler;
  recording: Recording | undefined;
}

/** A recording of what runs on the devices and when, from its construction to `stop`. */
export class Recording {
  readonly #runtime: Recorded;
  readonly #options: RecordingOptions;
  readonly #profiler: Profiler | undefined;
  /** Why the plugin's profiler records nothing. */
  readonly #refused: string | undefined;
  readonly #programs = new Map<Executable, Seen>();
  readonly #spans: Span[] = [];
  #dropped = 0;
  /** When the last program ended. The next one waited for it, so its own time counts from here. */
  #free = 0;

  /** Begins to record; throws `bad_request` if a recording is under way. */
  constructor(runtime: Recorded, options: RecordingOptions = {}) {
    if (runtime.recording)
      throw new FluxionError('bad_request', 'this model is already being recorded: stop that recording first');
    this.#runtime = runtime;
    this.#options = options;
    try {
      this.#profiler = Profiler.of(runtime.client.api);
      this.#profiler?.start();
    } catch (error) {
      if (!(error instanceof FluxionError)) throw error;
      this.#profiler?.[Symbol.dispose]();
      this.#profiler = undefined;
      this.#refused = [error.message, error.hint].join(': ');
    }
    runtime.recording = this;
  }

  /** Adds a span; times are milliseconds of `performance.now()`. */
  span(track: string, name: string, start: number, end: number): void {
    if (this.#spans.length < MOST_SPANS) this.#spans.push({ track, name, start, end });
    else this.#dropped++;
  }

  /** Takes a program apart before its first run. */
  async before(executable: Executable, args: readonly DeviceArray[]): Promise<void> {
    if (this.#programs.has(executable)) return;
    const program: Seen = { runs: 0, total: 0, times: undefined, note: this.#refused };
    this.#programs.set(executable, program);
    const { operations, signal, onProgress } = this.#options;
    if (!operations || this.#profiler || this.#refused !== undefined) return;
    onProgress?.(executable.name);
    try {
      using replay = await Replay.of(this.#runtime.client, executable, signal);
      const onOperation = ({ name }: Operation, start: number, end: number): void =>
        this.span(`operations of ${executable.name}, one at a time`, name, start, end);
      program.times = await replay.time(args, { onOperation, signal });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof FluxionError)) throw error;
      program.note = error.message;
    }
  }

  /** Runs a stage of a program alone and records it. */
  async run(executable: Executable, args: readonly DeviceArray[], name: string): Promise<DeviceArray[]> {
    await this.before(executable, args);
    const started = performance.now();
    using made = new DisposableStack();
    const outputs = executable.run(args).map((output) => made.use(output));
    await outputs[0]!.ready();
    this.ran(executable, name, started);
    made.move();
    return outputs;
  }

  /** Notes a finished run that started at `start`. */
  ran(executable: Executable, name: string, start: number): void {
    const end = performance.now();
    const begin = Math.max(start, Math.min(this.#free, end));
    this.#free = end;
    this.span('programs', name, begin, end);
    const program = this.#programs.get(executable);
    if (!program) return;
    program.runs++;
    program.total += (end - begin) / 1000;
  }

  /** Ends the recording and returns it. */
  stop(): Profile {
    this.#runtime.recording = undefined;
    using profiler = this.#profiler;
    profiler?.stop();
    const { planes, dropped } = profiler ? readXSpace(profiler.collect()) : { planes: [], dropped: 0 };
    const found = profiler && operationSeconds(planes);
    const programs = [...this.#programs].map(([executable, program]) => profileOf(executable, program, found));
    return {
      source: profiler ? 'profiler' : this.#options.operations && this.#refused === undefined ? 'one by one' : 'none',
      ...(this.#refused !== undefined && { note: this.#refused }),
      programs: programs.sort((a, b) => b.total - a.total),
      spans: this.#spans,
      planes,
      dropped: dropped + this.#dropped,
    };
  }
}

function profileOf(
  executable: Executable,
  { runs, total, times, note }: Seen,
  found: ReadonlyMap<string, ReadonlyMap<string, number>> | undefined,
): ProgramProfile {
  const { name } = executable;
  const own = { name, runs, total, ...(note !== undefined && { note }) };
  if (times) return { ...own, seconds: times.program, operations: times.operations };
  const mean = { ...own, seconds: runs === 0 ? 0 : total / runs };
  if (!found) return { ...mean, operations: [] };
  const seconds = found.get(name);
  const shown = executable.optimizedProgram();
  if (!seconds || shown?.format !== 'hlo_with_config' || runs === 0)
    return { ...mean, operations: [], note: 'the profiler recorded nothing of its operations' };
  const operations = operationsOf(readHloProgram(shown.bytes)).map((operation) => ({
    operation,
    seconds: (seconds.get(operation.name) ?? 0) / runs,
  }));
  return { ...mean, operations };
}

/** Seconds of every operation by module and name, from a profiler's recording: the mean over the devices. */
export function operationSeconds(planes: readonly Plane[]): Map<string, Map<string, number>> {
  const found = new Map<string, Map<string, number>>();
  let devices = 0;
  for (const { lines } of planes) {
    const modules = lines.find(({ name }) => name === 'XLA Modules');
    let seen = false;
    for (const line of lines) {
      // TPUs name operations in a line of their own, GPUs and CPUs in a property of each event.
      const own = line.name === 'XLA Ops';
      for (const { name, start, duration, stats } of line.events) {
        const operation = stats.get('hlo_op') ?? (own ? name : undefined);
        const module = stats.get('hlo_module') ?? (own ? moduleAt(modules, start) : undefined);
        if (operation === undefined || module === undefined) continue;
        seen = true;
        const seconds = getOrMake(found, String(module), () => new Map<string, number>());
        // What runs inside a loop is named after it: `while.3/fusion.5`.
        const [outer] = String(operation).split('/');
        seconds.set(outer!, (seconds.get(outer!) ?? 0) + duration / 1e6);
      }
    }
    if (seen) devices++;
  }
  for (const seconds of found.values())
    for (const [name, value] of seconds) seconds.set(name, value / Math.max(1, devices));
  return found;
}

/** The module that a device was running at time `at`; its event is called `NAME(NUMBER)`. Modules run one after the other, in order. */
function moduleAt(modules: TraceLine | undefined, at: number): string | undefined {
  if (!modules) return undefined;
  let [low, high] = [0, modules.events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (modules.events[middle]!.start <= at) low = middle + 1;
    else high = middle;
  }
  const found = modules.events[low - 1];
  return found && at < found.start + found.duration ? found.name.replace(/\(\d+\)$/, '') : undefined;
}
