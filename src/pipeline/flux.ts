/**
 * Flux: a model opened on a device, and the stream of events that making pictures with it is.
 * `generate` is `stream` drained; the command line draws it; a server sends it on.
 */

import { checked } from '../api/check.ts';
import type { MemoryPlan, Report } from '../api/events.ts';
import { MODEL } from '../api/kinds.ts';
import { LOAD, type LoadOptions } from '../api/load.ts';
import { type CheckedRequest, REQUEST, type Request } from '../api/request.ts';
import { BatchShare } from '../engine/batch-share.ts';
import { type BudgetOptions, requireFit } from '../engine/memory-plan.ts';
import { Queue } from '../engine/queue.ts';
import { AdapterRanks, planRun, type RunPlan } from '../engine/run-plan.ts';
import { FLUX1, type Flux1Parts, type Flux1Source, type ModelSizes, sizesOf } from '../families/flux1/flux1.ts';
import { BUNDLED, randomModel } from '../families/flux1/published.ts';
import { Image } from '../picture/image.ts';
import { overrideShift, type SchedulerConfig } from '../sampling/schedule.ts';
import { FluxionError } from '../support/errors.ts';
import { userPath } from '../support/user-path.ts';
import { fingerprint } from '../weights/files/fingerprint.ts';
import { openModel } from '../weights/folders/model-source.ts';
import { LoraModel } from '../weights/lora/adapter.ts';
import { Overlay } from '../weights/lora/overlay.ts';
import { Recording, type RecordingOptions } from '../xla/ahead/recording.ts';
import { openMapped, Runtime } from '../xla/runtime/runtime.ts';
import { type AdaptedJob, keyOf, runText } from './adapted-job.ts';
import { Clock } from './clock.ts';
import { Autoencoder } from './decode.ts';
import { Transformer } from './denoise.ts';
import { type Conditioning, TextEncoders } from './encode.ts';
import { type Event, warning } from './events.ts';
import { Loras, loraEvents } from './loras.ts';
import { findModel, withUserPaths } from './model-path.ts';
import { outsideScope } from './model-scope.ts';
import { autoencoderTypes, type ModelTypes, modelTypes } from './model-types.ts';
import { type Identity, makeRecipe, recipeLora } from './recipe.ts';
import { type DecidedRequest, decide, type RequestDefaults, requestDefaults, requestWarnings } from './request.ts';
import { partFiles, travellingName } from './travelling.ts';

/** Of random weights; one will do. */
const RANDOM_SEED = 0;

/**
 * A model that is opened on a device and makes pictures. It makes one batch at a time; further requests wait in order.
 */
export class Flux implements AsyncDisposable {
  /** What reports and recipes call the model. */
  readonly name: string;
  /** The folder or file it was read from. */
  readonly path: string;
  readonly defaults: RequestDefaults;
  readonly #loras: Loras;
  readonly #runtime: Runtime;
  readonly #source: Flux1Source;
  readonly #parts: Components;
  readonly #scheduler: SchedulerConfig;
  readonly #types: ModelTypes;
  /** What may be used of the memory, as it was before anything was placed. */
  readonly #memory: Pick<BudgetOptions, 'budget' | 'hostBudget' | 'offload' | 'residency'>;
  readonly #loadSeconds: number;
  /** Whether the transformer is that of the model's folder, so that what it was trained for holds. */
  readonly #trained: boolean;
  #closing: Promise<void> | undefined;
  /** What stands in for parts of the model. */
  readonly #given: Flux1Parts;
  #files: Pick<Identity, 'fingerprint' | 'base' | 'parts'> | undefined;
  readonly #adapterRanks = new AdapterRanks();
  /** Runs wait for each other: a device makes one batch at a time. */
  readonly #queue = new Queue();

  private constructor(opened: Opened, options: LoadOptions) {
    this.#runtime = opened.runtime;
    this.#source = opened.source;
    this.#parts = opened.parts;
    this.#types = opened.types;
    this.#loadSeconds = opened.seconds;
    this.#scheduler = overrideShift(opened.source.scheduler, options);
    this.#memory = {
      budget: options.memoryLimit ?? opened.runtime.availableMemory,
      hostBudget: opened.runtime.streamsFrom === 'file' ? undefined : opened.runtime.hostMemory,
      offload: options.offloadEncoders ?? true,
      residency: options.residency ?? 'auto',
    };
    this.#trained = options.transformer === undefined && options.weights !== 'random';
    this.#given = options;
    this.#loras = opened.loras;
    this.path = opened.source.path;
    this.name = options.name ?? opened.name;
    this.defaults = requestDefaults(opened.source, opened.parts.encoders.longestPrompt);
  }

  /**
   * Opens a model: a folder in the diffusers layout, a file with weights, `ORG/NAME` on the Hugging Face hub, which is downloaded
   * the first time, or `tiny`, the model that comes with the program.
   * Reads configs and tokenizers and checks every weight's name and shape; weights are placed when first used.
   */
  static async load(from: string = BUNDLED, given: LoadOptions = {}): Promise<Flux> {
    const model = userPath(checked(MODEL, from, 'model'));
    const options = withUserPaths(checked(LOAD, given, 'options'));
    options.signal?.throwIfAborted();
    Runtime.check(options);
    const types = modelTypes(options);
    const reading = { openFile: openMapped, decoded: types.storage };
    const found = options.weights === 'random' ? undefined : await findModel(model, options);
    const start = performance.now();
    const { source, name } = found
      ? { source: openModel(FLUX1, found.path, options, reading), name: found.name }
      : randomModel(model, options, { ...reading, seed: RANDOM_SEED });
    await using opening = new AsyncDisposableStack();
    const runtime = opening.use(await Runtime.open(options));
    const parts: Components = {
      encoders: opening.use(new TextEncoders(source, types)),
      transformer: opening.use(new Transformer(source, types)),
      autoencoder: opening.use(new Autoencoder(source, autoencoderTypes(types, runtime.platform), options)),
    };
    const declared = [...parts.encoders.declared, ...parts.transformer.weights.declared];
    const loras = new Loras(new LoraModel(declared), {
      mode: options.loraMode ?? 'beside',
      strict: options.loraStrict ?? false,
      folder: options.loraDir,
      openFile: openMapped,
      onProgress: options.onProgress,
    });
    const seconds = (performance.now() - start) / 1000;
    const flux = new Flux({ source, runtime, parts, loras, types, seconds, name }, options);
    opening.move();
    return flux;
  }

  /** The device pictures are made on, as its vendor names it; with their number where there are several. */
  get device(): string {
    return this.#runtime.deviceName;
  }

  /** The LoRAs in force: `await flux.loras.set([{ path, scale: 0.8 }])`. Throws `disposed` where the model is closed. */
  get loras(): Loras {
    if (this.#closing) throw closed();
    return this.#loras;
  }

  /** Configs of the model's parts: what it is, but for its weights. */
  get sizes(): ModelSizes {
    return sizesOf(this.#source);
  }

  /** How many devices work together, those of other processes included. */
  get deviceCount(): number {
    return this.#runtime.devices.length * this.#runtime.apart.count;
  }

  /** Which of how many processes this one is that make pictures together. */
  get nodes(): { readonly id: number; readonly count: number } {
    return this.#runtime.nodes;
  }

  /** Records what runs on the devices, and when, until it is stopped; begin and stop between the events of a stream. Throws `disposed`, `bad_request`. */
  record(options: RecordingOptions = {}): Recording {
    if (this.#closing) throw closed();
    return new Recording(this.#runtime, options);
  }

  /** Which of a request's pictures this process makes, counted over all prompts and seeds from 0: all of them where it works alone. */
  indices(request: Request): number[] {
    const { jobs, batch } = this.#decide(request).decided;
    const { own } = new BatchShare(this.#runtime, batch);
    return jobs.flatMap((_, i) => own.map((picture) => i * batch + picture));
  }

  /** Makes pictures and returns them all. */
  async generate(request: Request): Promise<Image[]> {
    const images: Image[] = [];
    for await (const event of this.stream(request)) if (event.type === 'image') images.push(event.image);
    return images;
  }

  /**
   * Makes pictures, reporting on the way. Leaving the loop, or the request's signal, stops the work within a block.
   * Throws `bad_request` before any work for what cannot be honoured.
   */
  async *stream(request: Request): AsyncGenerator<Event, void, undefined> {
    const asked = this.#decide(request);
    asked.request.signal?.throwIfAborted();
    try {
      yield* this.#run(asked);
    } catch (error) {
      throw this.#reasonFor(error, asked);
    }
  }

  /** Closing a model makes its runs fail wherever they are; what they tell is why. */
  #reasonFor(error: unknown, { request: { signal } }: Asked): unknown {
    return this.#closing && !signal?.aborted ? closed({ cause: error }) : error;
  }

  /** Checks a request and decides all about it that needs no device. */
  #decide(wanted: Request): Asked {
    if (this.#closing) throw closed();
    const request = checked(REQUEST, wanted, 'request');
    return { request, decided: decide(request, this.defaults, this.#scheduler, this.#parts.autoencoder.scale) };
  }

  async *#run({ request, decided }: Asked): AsyncGenerator<Event, void, undefined> {
    const { signal } = request;
    const adapted = await this.#adapt(decided, request);
    using _turn = await this.#queue.enter(signal);
    using _programs = this.#runtime.lease();
    const clock = new Clock();
    const counted = { ...this.#runtime.compiled };
    for (const message of this.#runtime.warnings) yield warning(message);
    const { apart } = this.#runtime;
    const share = new BatchShare(this.#runtime, decided.batch);
    for (const message of requestWarnings(request, decided, this.defaults, share.places * apart.count))
      yield warning(message);
    const outside = this.#trained ? outsideScope(this.path, this.name, decided) : undefined;
    if (outside !== undefined) yield warning(outside);
    if (apart.count > 1 && share.own.length === 0) {
      const message = `process ${apart.id} has nothing to make: those before it make all pictures of the batch`;
      yield warning(message);
      return yield { type: 'done', report: this.#report(clock, { compiled: 0, fromCache: 0 }, 0) };
    }
    yield* loraEvents(adapted);
    await this.#runtime.requireSame(runText(decided, adapted, [this.sizes, this.#types, this.#memory]));

    yield { type: 'stage', stage: 'compile', job: 1, jobs: decided.jobs.length };
    const run = await clock.time('compile', () => this.#planRun(decided, adapted, signal));
    yield { type: 'memory', plan: run.memory };
    requireFit(run.memory);
    using encoded = new DisposableStack();
    yield { type: 'stage', stage: 'encode', job: 1, jobs: decided.jobs.length };
    // An earlier run may have had room to keep it.
    if (run.memory.transformer !== 'kept') this.#parts.transformer.weights.release();
    const conditionings = await clock.time('encode', () => this.#encode(decided, run, adapted, encoded, signal));
    for (const message of new Set([...conditionings.values()].flatMap((c) => c.warnings))) {
      yield warning(message);
    }
    let made = 0;
    for (const [i, job] of adapted.entries()) {
      const conditioning = conditionings.get(keyOf(job))!;
      for await (const event of this.#make(decided, job, i, { run, conditioning, clock, signal })) {
        if (event.type === 'image') made++;
        yield event;
      }
    }
    const { programs, fromCache } = this.#runtime.compiled;
    const used = { compiled: programs - counted.programs, fromCache: fromCache - counted.fromCache };
    yield { type: 'done', report: this.#report(clock, used, made) };
  }

  /** Compiles every program of a request, and decides what is made where, how adapters are applied and what stays in memory. */
  #planRun(
    { batch, size, schedule, maxSequenceLength: textTokens, cacheThreshold }: DecidedRequest,
    jobs: readonly AdaptedJob[],
    signal?: AbortSignal,
  ): Promise<RunPlan> {
    const { encoders, transformer, autoencoder } = this.#parts;
    const share = new BatchShare(this.#runtime, batch);
    const sizes = { batch: share.places, size, schedule, textTokens, cacheThreshold };
    return planRun(this.#runtime, {
      share,
      models: this.#source,
      programs: (adapterRank) => ({
        ...encoders.programs(textTokens),
        ...transformer.programs({ ...sizes, adapterRank }),
        ...autoencoder.programs(this.#runtime, size),
      }),
      loras: jobs.map(({ loras }) => loras),
      loraMode: this.#loras.mode,
      ranks: this.#adapterRanks,
      memory: this.#memory,
      transformerFileBytes: () => transformer.weights.fileBytes,
      signal,
    });
  }

  /** Compiles a request's programs and tells what it would hold in memory; places nothing. */
  async plan(wanted: Request): Promise<MemoryPlan> {
    const asked = this.#decide(wanted);
    const { request, decided } = asked;
    request.signal?.throwIfAborted();
    try {
      const jobs = await this.#adapt(decided, request);
      using _turn = await this.#queue.enter(request.signal);
      using _programs = this.#runtime.lease();
      return (await this.#planRun(decided, jobs, request.signal)).memory;
    } catch (error) {
      throw this.#reasonFor(error, asked);
    }
  }

  /** The LoRAs of every job. What is in force now counts, and a file that cannot be read holds nobody up. */
  #adapt({ jobs }: DecidedRequest, { loras, signal }: CheckedRequest): Promise<AdaptedJob[]> {
    return Promise.all(
      jobs.map(async (job) => ({ ...job, loras: await this.#loras.resolve(loras, job.loraTags, signal) })),
    );
  }

  /** Encodes every different prompt once. */
  async #encode(
    { maxSequenceLength }: DecidedRequest,
    { streaming, memory }: RunPlan,
    jobs: readonly AdaptedJob[],
    owner: DisposableStack,
    signal: AbortSignal | undefined,
  ) {
    const { encoders } = this.#parts;
    using unused = new DisposableStack();
    if (memory.encoders !== 'kept') unused.defer(() => encoders.release());
    const encoded = new Map<string, Conditioning>();
    for (const job of jobs) {
      if (encoded.has(keyOf(job))) continue;
      const options = { overlay: new Overlay([job.loras], 'merged'), streaming: streaming.t5, signal };
      encoded.set(keyOf(job), owner.use(await encoders.encode(this.#runtime, job, maxSequenceLength, options)));
    }
    return encoded;
  }

  /** Denoises and decodes one batch. */
  async *#make(
    decided: DecidedRequest,
    job: AdaptedJob,
    jobIndex: number,
    { run: { share, loraMode, adapterRank, memory, streaming }, conditioning, clock, signal }: Making,
  ): AsyncGenerator<Event, void, undefined> {
    const { size, schedule, guidance, cacheThreshold } = decided;
    const { transformer, autoencoder } = this.#parts;
    const at = { job: jobIndex + 1, jobs: decided.jobs.length };
    const steps = schedule.timesteps.length;
    const request = {
      batch: share.places,
      size,
      schedule,
      guidance,
      textTokens: decided.maxSequenceLength,
      cacheThreshold,
      adapterRank,
      overlay: new Overlay([job.loras], loraMode),
      streaming: streaming.transformer,
    };

    yield { type: 'stage', stage: 'denoise', ...at };
    clock.start('denoise');
    // MaxDiffusion draws in bf16 whatever the model computes in.
    const dtype = decided.noise === 'jax' ? 'bf16' : this.#types.compute;
    const latents = share.noise(decided, job.seed, { channels: this.#source.vae.latentChannels, dtype });
    let final: Float32Array = latents;
    const cachedSteps: number[] = [];
    for await (const state of transformer.denoise(this.#runtime, conditioning, { ...request, latents }, signal)) {
      if (state.step === steps) final = await share.latentsOf(state.latents);
      const { cached } = state;
      if (cached) cachedSteps.push(state.step);
      const seconds = clock.step(cached);
      const previews =
        decided.preview === 'step' &&
        (await autoencoder.preview(this.#runtime, await share.latentsOf(state.clean), size, signal));
      const step = { type: 'step', step: state.step, steps, ...at, seconds } as const;
      yield { ...step, ...(cached && { cached }), ...(previews && { previews }) };
    }
    clock.stop('denoise');
    if (memory.transformer === 'released' || memory.transformer === 'streamed') transformer.weights.release();

    yield { type: 'stage', stage: 'decode', ...at };
    clock.start('decode');
    let decoded = 0;
    for await (const pixels of autoencoder.decode(this.#runtime, final, size, signal, share.rounds)) {
      const picture = share.held[decoded++]!;
      if (!share.own.includes(picture)) continue;
      const image = Image.fromUnit(pixels, makeRecipe(this.#identity(job), decided, { ...job, cachedSteps }, picture));
      clock.stop('decode');
      yield { type: 'image', image, seed: image.seed, index: jobIndex * decided.batch + picture };
      clock.start('decode');
    }
    clock.stop('decode');
  }

  #identity({ loras }: AdaptedJob): Identity {
    const { random, places, path } = this.#source;
    this.#files ??= {
      ...(!random && { fingerprint: fingerprint(places) }),
      base: travellingName(path),
      parts: partFiles(this.#given),
    };
    return {
      name: this.name,
      ...this.#files,
      ...(random && { weights: 'random' }),
      types: this.#types,
      scheduler: this.#scheduler,
      device: this.#runtime.platform.name,
      precision: this.#runtime.precision,
      loras: loras.map(recipeLora),
    };
  }

  #report(clock: Clock, programs: Report['programs'], images: number): Report {
    const peak = this.#runtime.client.defaultDevice.memoryStats()?.peakBytesInUse;
    return {
      timings: clock.timings(this.#loadSeconds),
      peakMemory: process.resourceUsage().maxRSS * 1024,
      ...(peak !== undefined && { peakDeviceMemory: peak }),
      programs,
      device: this.device,
      images,
      steps: clock.steps,
    };
  }

  /** Frees the model and its device, as leaving the block of `await using` does; runs in progress end with `disposed`. Safe to repeat. */
  close(): Promise<void> {
    this.#closing ??= this.#free();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #free(): Promise<void> {
    const { encoders, transformer, autoencoder } = this.#parts;
    for (const part of [encoders, transformer, autoencoder]) part[Symbol.dispose]();
    await this.#runtime[Symbol.asyncDispose]();
  }
}

function closed(options: { readonly cause?: unknown } = {}): FluxionError {
  return new FluxionError('disposed', 'the model is closed', {
    ...options,
    hint: 'open it again with Flux.load, and close it after its last picture',
  });
}

/** A request that was checked, and what it comes to. */
interface Asked {
  readonly request: CheckedRequest;
  readonly decided: DecidedRequest;
}

interface Components {
  readonly encoders: TextEncoders;
  readonly transformer: Transformer;
  readonly autoencoder: Autoencoder;
}

interface Opened {
  readonly source: Flux1Source;
  readonly runtime: Runtime;
  readonly parts: Components;
  readonly loras: Loras;
  readonly types: ModelTypes;
  readonly seconds: number;
  readonly name: string;
}

/** What a batch is made with. */
interface Making {
  readonly run: RunPlan;
  readonly conditioning: Conditioning;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}
