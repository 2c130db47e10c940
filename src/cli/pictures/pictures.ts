/** Making pictures from a configuration with progress on standard error, and the figures at the end: for generate and redo. */

import { existsSync } from 'node:fs';
import type { LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import {
  type BatchSlot,
  type Event,
  Flux,
  type Image,
  type LoraReport,
  type MemoryPlan,
  modulesText,
  type PullProgress,
  type Report,
  type Request,
} from '../../index.ts';
import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import { reasonOf } from '../../support/system-error.ts';
import type { Session } from '../command.ts';
import { tryWriting } from '../folder.ts';
import { StepTrace } from '../measure/profile.ts';
import { loadOptions, modelOf, requestOf } from '../settings.ts';
import { isPlain, memoryLine } from '../terminal/memory.ts';
import { bytes, type Progress, paint, seconds } from '../terminal/render.ts';
import { pictureBytes, protocolFor } from '../terminal/terminal-picture.ts';
import { rememberFiles } from './known-files.ts';
import type { Output, WrittenFile } from './output.ts';

/** A LoRA that was applied, and how strongly. */
export type AppliedLora = LoraReport & { readonly scale: number };

/** The result of a run. */
export interface Outcome {
  /** This process's number among those that made the pictures, and how many there were. */
  readonly nodes: Flux['nodes'];
  readonly model: string;
  readonly report: Report;
  readonly loras: readonly AppliedLora[];
  readonly warnings: readonly string[];
  /** Seconds from start to end, opening the model included. */
  readonly total: number;
  /** The trace that `enable_profiler` asked for. */
  readonly trace?: string;
}

export interface MakeOptions {
  /** Where the configuration's values come from. */
  readonly sources: LoadedConfig['sources'];
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Called once every picture is made and only the model has to be closed. */
  readonly ending: Session['ending'];
  readonly output: Output;
  /** The slot that each picture is made in; the other slots run empty. */
  readonly slot?: BatchSlot | undefined;
  readonly onImage: (image: Image, index: number, nodes: Flux['nodes']) => Promise<void>;
  readonly onStep?: (event: Event & { readonly type: 'step' }) => void;
}

function openModel(
  config: Config,
  { sources, progress, signal }: Pick<MakeOptions, 'sources' | 'progress' | 'signal'>,
): Promise<Flux> {
  const model = modelOf(config);
  progress.activity('load');
  const onProgress = (message: string, download?: PullProgress) => progress.activity(message, download);
  return Flux.load(model, { ...loadOptions(config, sources), signal, onProgress });
}

/** Opens the configured model and returns the memory plan for its pictures. */
export async function planPictures(
  config: Config,
  options: Pick<MakeOptions, 'sources' | 'progress' | 'signal'>,
): Promise<MemoryPlan> {
  const { progress, signal } = options;
  using _shown = progress;
  await using flux = await openModel(config, options);
  progress.activity('compile');
  return await flux.plan({ ...requestOf(config, flux.deviceCount), signal });
}

/** Opens the configured model, makes the pictures and closes it again. */
export async function makePictures(config: Config, options: MakeOptions): Promise<Outcome> {
  const { progress, signal, ending, output, slot, onImage, onStep } = options;
  const start = performance.now();
  using _shown = progress;
  await using flux = await openModel(config, options);
  const { nodes } = flux;
  const request: Request = { ...requestOf(config, flux.deviceCount), ...(slot && { slot }) };
  if (nodes.count > 1 && !config.overwrite) requireFree(output, flux.indices(request));
  const warnings: string[] = [];
  const loras: AppliedLora[] = [];
  const trace = config.enable_profiler ? new StepTrace(flux, config) : undefined;
  for await (const event of flux.stream({ ...request, signal })) {
    progress.on(event);
    const traced = await trace?.on(event);
    if (traced !== undefined) progress.tell('profiler', traced);
    switch (event.type) {
      case 'warning':
        warnings.push(event.message);
        progress.tell('warning', event.message);
        break;
      case 'step':
        onStep?.(event);
        break;
      case 'image':
        rememberFiles(event.image.recipe, config, loras);
        await onImage(event.image, event.index, nodes);
        break;
      case 'done': {
        const total = (performance.now() - start) / 1000;
        // Other processes of the run notice how this one leaves.
        if (nodes.count === 1) ending?.();
        const made = { model: flux.name, nodes, report: event.report, loras, warnings, total };
        return trace?.path === undefined ? made : { ...made, trace: trace.path };
      }
      case 'lora':
        loras.push({ ...event.lora, scale: event.scale });
        progress.tell('LoRA', loraLine(event));
        break;
      case 'memory':
        if (!isPlain(event.plan)) progress.tell('memory', memoryLine(event.plan));
        break;
      case 'stage':
        break;
      default:
        event satisfies never;
    }
  }
  throw new Error('the run ended without its report');
}

/** Creates the output folder and tries to write there, so that a failure shows before the work. Throws `io`. */
export async function requireWritable(
  folder: string,
  what = 'pictures',
  hint = 'choose another folder with output_dir=…',
): Promise<void> {
  await tryWriting(folder).catch((cause) => {
    throw new FluxionError('io', `cannot write ${what} to ${folder}: ${reasonOf(cause)}`, { cause, hint });
  });
}

/** Throws `io` if a picture of one of several processes already exists, before any work is done. */
function requireFree({ pathOf }: Output, indices: readonly number[]): void {
  const taken = indices.map(pathOf).find((path) => existsSync(path));
  if (taken === undefined) return;
  throw new FluxionError('io', `${taken} already exists, and several processes number their pictures from 0`, {
    hint: 'choose another folder with output_dir=…, or overwrite=True',
  });
}

/** One line about a LoRA: what it is, and how much of the model it changes. */
function loraLine({ lora, scale }: Event & { readonly type: 'lora' }): string {
  const modules = modulesText(lora);
  const ranks = lora.ranks.length > 0 ? `, rank ${lora.ranks.join(', ')}` : '';
  return `${lora.name} × ${scale} (${lora.dialect}${ranks}): modules ${modules.join(', ')}`;
}

/** Pictures of one run that are shown in the terminal. */
const SHOWN = 8;

/** Prints the paths of pictures on standard output, and the first pictures too where that is a terminal that can show them. */
export async function printFiles(files: readonly WrittenFile[], { show }: Config): Promise<void> {
  const protocol = await protocolFor(show);
  for (const [i, { path }] of files.entries()) {
    process.stdout.write(`${path}\n`);
    if (protocol === undefined || i >= SHOWN) continue;
    try {
      process.stdout.write(await pictureBytes(protocol, path, process.stdout.columns || 80));
    } catch (error) {
      log('info', `${path} cannot be shown: ${reasonOf(error)}`);
    }
  }
}

/** The figures of a run as a table for people. */
export function reportTable({ report, total }: Outcome): string[] {
  const { timings, programs, peakMemory, peakDeviceMemory, device, steps } = report;
  const skipped = steps.cached > 0 ? `; first block alone in ${steps.cached} of ${steps.all}` : '';
  const sources = [
    programs.compiled > 0 && `${programs.compiled} compiled`,
    programs.fromCache > 0 && `${programs.fromCache} from the cache`,
  ].filter((part) => part !== false);
  const rows: [string, string, string?][] = [
    ['load', seconds(timings.load)],
    ['compile time', seconds(timings.compile), sources.length > 0 ? `programs: ${sources.join(', ')}` : ''],
    ['encode', seconds(timings.encode)],
    ['denoise', seconds(timings.denoise), `${seconds(timings.secondsPerStep)} a step${skipped}`],
    ['decode', seconds(timings.decode)],
    ['inference time', seconds(timings.inference), 'denoise and decode'],
    ['total', seconds(total)],
    [
      'peak memory',
      bytes(peakMemory),
      peakDeviceMemory === undefined ? '' : `${bytes(peakDeviceMemory)} on the device`,
    ],
    ['device', device],
  ];
  return rows.map(([name, value, note]) =>
    `  ${name.padEnd(16)}${value.padEnd(12)}${note ? paint('dim', note) : ''}`.trimEnd(),
  );
}

/** The figures of a run as data: times in seconds, memory in bytes. */
export function reportData(
  { model, nodes, report, loras, warnings, total, trace }: Outcome,
  config: Config,
): Record<string, unknown> {
  const { timings, programs, peakMemory, peakDeviceMemory, device, steps } = report;
  return {
    run_name: config.run_name,
    ...(nodes.count > 1 && { node_id: nodes.id, num_nodes: nodes.count }),
    model,
    device,
    compile_time: timings.compile,
    inference_time: timings.inference,
    load_time: timings.load,
    encode_time: timings.encode,
    denoise_time: timings.denoise,
    seconds_per_step: timings.secondsPerStep,
    steps: steps.all,
    cached_steps: steps.cached,
    decode_time: timings.decode,
    total_time: total,
    peak_memory_bytes: peakMemory,
    ...(peakDeviceMemory !== undefined && { peak_device_memory_bytes: peakDeviceMemory }),
    programs: { compiled: programs.compiled, from_cache: programs.fromCache },
    loras,
    warnings,
    ...(trace !== undefined && { trace }),
  };
}
