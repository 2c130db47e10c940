/** Making pictures from a configuration with progress on standard error, and the figures at the end: for generate and redo. */

import { constants, existsSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import {
  type Event,
  Flux,
  type Image,
  type LoraReport,
  type MemoryPlan,
  type PullProgress,
  type Report,
} from '../index.ts';
import { FluxionError } from '../support/errors.ts';
import { isPlain, memoryLine } from './memory.ts';
import { bytes, type Progress, paint, seconds } from './render.ts';
import { loadOptions, modelOf, requestOf } from './settings.ts';

/** A picture that was written. */
export interface WrittenFile {
  readonly path: string;
  readonly seed: bigint;
  readonly prompt: string;
  readonly width: number;
  readonly height: number;
}

/** A LoRA that was applied, and how strongly. */
export type AppliedLora = LoraReport & { readonly scale: number };

/** What a run came to. */
export interface Outcome {
  readonly model: string;
  readonly report: Report;
  readonly loras: readonly AppliedLora[];
  readonly warnings: readonly string[];
  /** Seconds from start to end, opening the model included. */
  readonly total: number;
}

export interface MakeOptions {
  /** Where the configuration's values come from. */
  readonly sources: LoadedConfig['sources'];
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly onImage: (image: Image, index: number) => Promise<void>;
  readonly onStep?: (event: Event & { readonly type: 'step' }) => void;
}

/** Opens the configured model and tells what making the pictures would hold in memory. */
export async function planPictures(
  config: Config,
  { sources, progress, signal }: Pick<MakeOptions, 'sources' | 'progress' | 'signal'>,
): Promise<MemoryPlan> {
  const model = modelOf(config);
  using _shown = progress;
  progress.activity('load');
  const onProgress = (message: string, download?: PullProgress) => progress.activity(message, download);
  await using flux = await Flux.load(model, { ...(await loadOptions(config, sources)), signal, onProgress });
  progress.activity('compile');
  return await flux.plan({ ...requestOf(config, flux.deviceCount), signal });
}

/** Opens the configured model, makes the pictures and closes it again. */
export async function makePictures(config: Config, options: MakeOptions): Promise<Outcome> {
  const { sources, progress, signal, onImage, onStep } = options;
  const start = performance.now();
  const model = modelOf(config);
  using _shown = progress;
  progress.activity('load');
  const onProgress = (message: string, download?: PullProgress) => progress.activity(message, download);
  await using flux = await Flux.load(model, { ...(await loadOptions(config, sources)), signal, onProgress });
  const warnings: string[] = [];
  const loras: AppliedLora[] = [];
  for await (const event of flux.stream({ ...requestOf(config, flux.deviceCount), signal })) {
    progress.on(event);
    switch (event.type) {
      case 'warning':
        warnings.push(event.message);
        progress.say(`${paint('yellow', 'warning:')} ${event.message}`);
        break;
      case 'step':
        onStep?.(event);
        break;
      case 'image':
        await onImage(event.image, event.index);
        break;
      case 'done':
        return { model: flux.name, report: event.report, loras, warnings, total: (performance.now() - start) / 1000 };
      case 'lora':
        loras.push({ ...event.lora, scale: event.scale });
        progress.say(`${paint('cyan', 'LoRA:')} ${loraLine(event)}`);
        break;
      case 'memory':
        if (!isPlain(event.plan)) progress.say(`${paint('cyan', 'memory:')} ${memoryLine(event.plan)}`);
        break;
      case 'stage':
        break;
      default:
        event satisfies never;
    }
  }
  throw new Error('the run ended without its report');
}

/** Throws `io` where no picture could be written to a folder, present or yet to be made: better told before the work than after it. */
export async function requireWritable(folder: string): Promise<void> {
  let place = resolve(folder);
  while (!existsSync(place) && place !== dirname(place)) place = dirname(place);
  try {
    if (!(await stat(place)).isDirectory()) throw new Error(`${place} is not a folder`);
    await access(place, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new FluxionError('io', `cannot write pictures to ${folder}: ${(cause as Error).message}`, {
      cause,
      hint: 'choose another folder with output_dir=…',
    });
  }
}

/** One line on a LoRA: what it is, and how much of the model it changes. */
function loraLine({ lora, scale }: Event & { readonly type: 'lora' }): string {
  const { transformer, clip, t5 } = lora.modules;
  const modules = [
    transformer > 0 && `${transformer} of the transformer`,
    clip > 0 && `${clip} of CLIP`,
    t5 > 0 && `${t5} of T5`,
  ].filter((part) => part !== false);
  const ranks = lora.ranks.length > 0 ? `, rank ${lora.ranks.join(', ')}` : '';
  return `${lora.name} × ${scale} (${lora.dialect}${ranks}): modules ${modules.join(', ')}`;
}

/** Writes a picture as the configuration wants it: at the next free number, or with `overwrite` in place of the file with its own. */
export async function writePicture(image: Image, index: number, config: Config): Promise<WrittenFile> {
  const folder = config.output_dir || '.';
  const { seed, prompt, width, height } = image;
  const path = config.overwrite
    ? await image.save(join(folder, `flux_${index}.png`))
    : await image.saveNumbered(folder);
  return { path, seed, prompt, width, height };
}

/** The figures of a run as a table for people. */
export function reportTable({ report, total }: Outcome): string {
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
  return rows
    .map(([name, value, note]) => `  ${name.padEnd(16)}${value.padEnd(12)}${note ? paint('dim', note) : ''}`.trimEnd())
    .join('\n');
}

/** The figures of a run as data: times in seconds, memory in bytes. */
export function reportData(
  { model, report, loras, warnings, total }: Outcome,
  config: Config,
): Record<string, unknown> {
  const { timings, programs, peakMemory, peakDeviceMemory, device, steps } = report;
  return {
    run_name: config.run_name,
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
  };
}
