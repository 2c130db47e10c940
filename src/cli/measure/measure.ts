/**
 * Measures a configuration for `fluxion bench`: opens the model twice, once with nothing compiled and once with everything in the
 * cache, makes pictures and throws them away. Every figure is a median over the pictures after the first, which places weights.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { Flux, type LoadOptions, type MemoryPlan, type Recipe, type Report, type Request } from '../../index.ts';
import { type StageFlops, stageFlops, weightCounts } from '../../models.ts';
import { median } from '../../support/median.ts';
import { deviceModelOf, type Profile } from '../../xla.ts';
import { loadOptions, modelOf, requestOf } from '../settings.ts';
import { type BestMatmul, bestMatmul } from './matmul.ts';
import { Timeline } from './profile.ts';

/** A value for each stage whose arithmetic is counted; those of a step and of decoding are for a whole batch. */
export type ByStage = Readonly<Record<'encode' | 'step' | 'decode', number>>;

/** What was measured: seconds, bytes, FLOPs. */
export interface Figures {
  readonly model: string;
  readonly weights: Config['weights'];
  readonly device: string;
  /** Devices that work together. */
  readonly devices: number;
  readonly recipe: Picture['recipe'];
  readonly batch: number;
  readonly runs: number;
  /** Opening the model with its plugin loaded and its files in the page cache. */
  readonly load: number;
  /** All programs: from the compiler, and from the cache on disk. */
  readonly compile: { readonly cold: number; readonly cached: number };
  /** The first picture, which places the weights. */
  readonly first: ByStage;
  readonly median: ByStage;
  /** Work done once a batch before the steps, mostly modulations; `undefined` for a single step, which then includes it. */
  readonly prepare: number | undefined;
  /** From the prompt to the last pixel of a batch. */
  readonly picture: number;
  /** Seconds for one picture of each of several prompts, sequentially and all at once, if asked for. */
  readonly together: { readonly prompts: number; readonly apart: number; readonly together: number } | undefined;
  /** Steps of a batch that the first-block cache cut short, at their median; they count in `picture` alone. */
  readonly cachedSteps: number;
  readonly flops: StageFlops;
  /** FLOP/s. */
  readonly rate: ByStage;
  /** Peak FLOP/s of all devices together. */
  readonly peak: {
    readonly rate: number;
    readonly source: 'data sheet' | 'best matrix multiply';
    /** Measured beside the run, of one device. */
    readonly bestMatmul: number;
  };
  readonly share: ByStage;
  readonly peakMemory: number;
  readonly peakDeviceMemory: number | undefined;
  /** What was decided about weights before they were placed. */
  readonly memory: MemoryPlan;
  /** Number of weights by component; for the autoencoder, its decoder only. */
  readonly parameters: ReturnType<typeof weightCounts>;
  readonly warnings: readonly string[];
  /** How the time of a further picture is divided, if asked for. */
  readonly profile: Profile | undefined;
}

export interface MeasureOptions {
  readonly sources: LoadedConfig['sources'];
  /** Pictures after the first. */
  readonly runs: number;
  /** How many different prompts are measured sequentially and together; 1 for none. */
  readonly prompts?: number;
  /** Whether to make a further picture to see where its time goes. */
  readonly profile?: boolean;
  readonly signal: AbortSignal;
  /** Called with the current activity; text after a comma is its progress. */
  readonly onProgress: (text: string) => void;
}

/** Measures what a configuration asks for; of several prompts or seeds, the first. Rejects with the signal's reason once it has aborted. */
export async function measure(
  config: Config,
  { sources, runs, prompts = 1, profile, signal, onProgress }: MeasureOptions,
): Promise<Figures> {
  using cache = new TemporaryCache(signal);
  const options: LoadOptions = { ...loadOptions(config, sources), cacheDir: cache.path, signal, onProgress };
  const model = modelOf(config);
  const requestFor = (flux: Flux): Request => ({
    ...requestOf(single(config), flux.deviceCount),
    preview: 'off',
    signal,
  });

  onProgress('matrix multiply');
  const dtype = config.activations_dtype === 'f32' ? 'f32' : 'bf16';
  const multiply = async (): Promise<BestMatmul> => {
    const asked = await bestMatmul(deviceOf(options), dtype, { signal });
    if (asked.platform.memory === 'device' || dtype === 'f32') return asked;
    // Without instructions for bf16 a processor multiplies f32 faster, and bf16 by way of it.
    const widened = await bestMatmul(deviceOf(options), 'f32', { signal });
    return widened.rate > asked.rate ? widened : asked;
  };
  const before = await multiply();

  onProgress('compile, with nothing in the cache');
  const cold = await coldCompile(model, options, requestFor);

  onProgress('load');
  const opened = performance.now();
  const pictures: Picture[] = [];
  let outcome: Omit<Figures, 'rate' | 'peak' | 'share' | 'median' | 'first' | 'prepare' | 'picture' | 'cachedSteps'>;
  {
    await using flux = await Flux.load(model, options);
    const load = (performance.now() - opened) / 1000;
    for (let run = 0; run <= runs; run++) {
      const name = run === 0 ? 'the first picture' : `picture ${run} of ${runs}`;
      pictures.push(await makePicture(flux, requestFor(flux), (text) => onProgress(`measure, ${name}${text}`)));
    }
    const { recipe, report, memory, warnings } = pictures[0]!;
    const batch = report.images;
    const { peakMemory, peakDeviceMemory } = pictures.at(-1)!.report;
    outcome = {
      model: flux.name,
      weights: config.weights,
      device: flux.device,
      devices: flux.deviceCount,
      recipe,
      batch,
      runs,
      load,
      compile: { cold, cached: report.timings.compile },
      flops: stageFlops(flux.sizes, { ...recipe, batch, textTokens: recipe.maxSequenceLength }),
      peakMemory,
      peakDeviceMemory,
      memory,
      parameters: weightCounts(flux.sizes),
      warnings,
      together: prompts > 1 ? await compareTogether(flux, requestFor(flux), { prompts, runs, onProgress }) : undefined,
      profile: profile ? await profilePicture(flux, requestFor(flux), { signal, onProgress }) : undefined,
    };
  }
  onProgress('matrix multiply');
  const after = await multiply();
  const measured = summarise(pictures.slice(1));
  const peak = peakOf(before.rate > after.rate ? before : after, dtype, outcome.devices);
  const each = (value: (stage: keyof ByStage) => number): ByStage => ({
    encode: value('encode'),
    step: value('step'),
    decode: value('decode'),
  });
  const rate = each((stage) => outcome.flops[stage].total / measured.median[stage]);
  const { median: first } = summarise(pictures.slice(0, 1));
  return { ...outcome, first, ...measured, rate, peak, share: each((stage) => rate[stage] / peak.rate) };
}

/** Makes a picture of each of several prompts, alternating between sequentially and all at once. */
async function compareTogether(
  flux: Flux,
  request: Request,
  {
    prompts,
    runs,
    onProgress,
  }: { readonly prompts: number; readonly runs: number; readonly onProgress: (text: string) => void },
): Promise<Figures['together']> {
  const different = Array.from({ length: prompts }, (_, i) => `${request.prompt}, ${i + 1}`);
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await work();
    return (performance.now() - start) / 1000;
  };
  const apart: number[] = [];
  const together: number[] = [];
  // The first turn, which compiles, does not count.
  for (let run = 0; run <= runs; run++) {
    onProgress(`measure, ${prompts} prompts, turn ${run} of ${runs}`);
    apart.push(
      await timed(async () => {
        for (const prompt of different) await flux.generate({ ...request, prompt });
      }),
    );
    together.push(await timed(() => flux.generate({ ...request, prompt: different })));
  }
  return { prompts, apart: median(apart.slice(1)), together: median(together.slice(1)) };
}

/** One finished batch of pictures. */
export interface Picture {
  readonly recipe: Pick<
    Recipe,
    'width' | 'height' | 'steps' | 'sampler' | 'maxSequenceLength' | 'weights' | 'activations'
  >;
  readonly report: Report;
  readonly memory: MemoryPlan;
  readonly warnings: readonly string[];
  /** Seconds of each step that was computed in full, without the first if there are others. */
  readonly steps: readonly number[];
  /** Seconds of the first step, which includes the work before the steps. */
  readonly firstStep: number;
  readonly seconds: number;
}

/** Makes a picture and records where its time goes. */
async function profilePicture(
  flux: Flux,
  request: Request,
  { signal, onProgress }: Pick<MeasureOptions, 'signal' | 'onProgress'>,
): Promise<Profile> {
  let stage = '';
  const told = (text: string): void => onProgress(`profile${stage}, ${text}`);
  const recording = flux.record({ operations: true, signal, onProgress: told });
  const timeline = new Timeline(recording);
  try {
    for await (const event of flux.stream(request)) {
      timeline.on(event);
      if (event.type === 'stage') stage = `, ${event.stage}`;
    }
  } catch (error) {
    recording.stop();
    throw error;
  }
  return recording.stop();
}

async function makePicture(flux: Flux, request: Request, onProgress: (text: string) => void): Promise<Picture> {
  const warnings: string[] = [];
  const whole: number[] = [];
  let recipe: Picture['recipe'] | undefined;
  let memory: MemoryPlan | undefined;
  let firstStep = 0;
  const start = performance.now();
  for await (const event of flux.stream(request)) {
    if (event.type === 'warning') warnings.push(event.message);
    if (event.type === 'memory') memory = event.plan;
    if (event.type === 'stage') onProgress(`, ${event.stage}`);
    if (event.type === 'step') {
      onProgress(`, step ${event.step} of ${event.steps}`);
      if (event.step === 1) firstStep = event.seconds;
      else if (!event.cached) whole.push(event.seconds);
    }
    if (event.type === 'image') recipe = event.image.recipe;
    if (event.type !== 'done') continue;
    const { report } = event;
    // All programs are compiled by now: the rest is the time of a picture.
    const seconds = (performance.now() - start) / 1000 - report.timings.compile;
    const steps = whole.length > 0 ? whole : [firstStep];
    return { recipe: recipe!, report, memory: memory!, warnings, steps, firstStep, seconds };
  }
  throw new Error('the run ended without its report');
}

/** Medians over pictures. */
export function summarise(
  pictures: readonly Picture[],
): Pick<Figures, 'median' | 'prepare' | 'picture' | 'cachedSteps'> {
  const step = median(pictures.flatMap(({ steps }) => steps));
  const first = median(pictures.map(({ firstStep }) => firstStep));
  const alone = pictures.every(({ steps, firstStep }) => steps.length === 1 && steps[0] === firstStep);
  return {
    median: {
      encode: median(pictures.map(({ report }) => report.timings.encode)),
      step,
      decode: median(pictures.map(({ report }) => report.timings.decode)),
    },
    prepare: alone ? undefined : Math.max(0, first - step),
    picture: median(pictures.map(({ seconds }) => seconds)),
    cachedSteps: median(pictures.map(({ report }) => report.steps.cached)),
  };
}

/** Seconds until every program is compiled; the model is closed again without a weight having been placed. */
async function coldCompile(model: string, options: LoadOptions, requestFor: (flux: Flux) => Request): Promise<number> {
  await using flux = await Flux.load(model, options);
  const start = performance.now();
  await flux.plan(requestFor(flux));
  return (performance.now() - start) / 1000;
}

/** The data sheet's peak of all devices for bf16, if known; otherwise the rate of this machine's own matrix products. */
function peakOf({ rate: best, kind, platform }: BestMatmul, dtype: 'f32' | 'bf16', devices: number): Figures['peak'] {
  const known = dtype === 'bf16' ? deviceModelOf(kind) : undefined;
  // The CPU's devices share the processor.
  const count = platform.deviceCountOption ? 1 : devices;
  return {
    rate: (known?.flops ?? best) * count,
    source: known ? 'data sheet' : 'best matrix multiply',
    bestMatmul: best,
  };
}

/** The options that choose the device, without how many work together. */
function deviceOf({ device, cpuDevices, precision, onProgress }: LoadOptions) {
  return { ...(device && { device }), cpuDevices, ...(precision && { precision }), ...(onProgress && { onProgress }) };
}

/** One prompt and one seed: each further one would only be the same work again. */
function single(config: Config): Config {
  const first = <T>(value: T | readonly T[]): T => (Array.isArray(value) ? value[0]! : (value as T));
  const { prompt, prompt_2: prompt2, seed } = config;
  return {
    ...config,
    prompt: first(prompt),
    prompt_2: prompt2 === undefined ? undefined : first(prompt2),
    seed: first(seed),
  };
}

/**
 * An empty folder for compiled programs. It is removed on disposal, or as soon as the signal fires, because an interrupted run may never
 * reach its end.
 */
class TemporaryCache implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'fluxion-bench-'));
  readonly #signal: AbortSignal;
  readonly #remove = (): void => rmSync(this.path, { recursive: true, force: true });

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#remove, { once: true });
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener('abort', this.#remove);
    this.#remove();
  }
}
