/** Makes batches: plans, encodes the prompts that wait, denoises, decodes, and tells each request what happens to its pictures. */

import { setImmediate } from 'node:timers/promises';
import { BatchShare } from '../engine/batch-share.ts';
import type { Batch } from '../engine/engine.ts';
import { type BudgetOptions, requireFit } from '../engine/memory-plan.ts';
import { AdapterRanks, planRun, type RunPlan } from '../engine/run-plan.ts';
import type { Group } from '../engine/waiting.ts';
import { sizesOf as configsOf, type Flux1Source } from '../families/flux1/flux1.ts';
import { stageFlops } from '../models/programs.ts';
import { Image, type Pixels } from '../picture/image.ts';
import { totalTokens } from '../sampling/latents.ts';
import { Recent } from '../support/recent.ts';
import { type ApplyMode, Overlay, rankBucket } from '../weights/lora/overlay.ts';
import type { Runtime } from '../xla/runtime/runtime.ts';
import { type AdaptedPrompt, runText } from './adapted-prompt.ts';
import { type BatchLayout, layoutOf } from './batch-layout.ts';
import { Clock } from './clock.ts';
import type { Moments, SizedPicture, SquarePicture } from './conditions/condition.ts';
import { makeGiven } from './conditions/making.ts';
import type { ControlNets } from './controlnets.ts';
import type { Autoencoder } from './decode.ts';
import { denoiseSizes, type Transformer } from './denoise.ts';
import type { TextEncoders } from './encode.ts';
import { EncodedPictures } from './encoded-pictures.ts';
import { EncodedPrompts, promptPicturesOf } from './encoded-prompts.ts';
import type { Event } from './events.ts';
import type { ImagePrompts } from './image-prompts.ts';
import type { ModelTypes } from './model-types.ts';
import { type Identity, makeRecipe } from './recipe.ts';
import type { DecidedRequest } from './request.ts';
import type { RequestTicket, Slot } from './slot.ts';

/** The parts of an opened model. */
export interface Components {
  readonly encoders: TextEncoders;
  readonly transformer: Transformer;
  readonly controlnets: ControlNets;
  /** Undefined without FLUX.1 Redux. */
  readonly imagePrompts: ImagePrompts | undefined;
  readonly autoencoder: Autoencoder;
}

/** An opened model, as far as its batches go. */
export interface OpenModel {
  readonly runtime: Runtime;
  readonly source: Flux1Source;
  readonly parts: Components;
  readonly types: ModelTypes;
  readonly loraMode: ApplyMode;
  /** What may be used of the memory, as it was before anything was placed. */
  readonly memory: Pick<BudgetOptions, 'budget' | 'hostBudget' | 'offload' | 'residency'>;
  /** Pictures of different prompts that a batch holds at most; what suits the device, by default. */
  readonly maxBatch: number | undefined;
  /** The model's identity in recipes, for a prompt. */
  readonly identity: (prompt: AdaptedPrompt) => Identity;
}

/** Pictures of different prompts in a batch. */
const MOST = { host: 8, device: 32 } as const;
/** Operations of a step that saturate a processor: beyond them, more pictures at a time take proportionally longer. */
const FILLS_PROCESSOR = 2e11;

export class BatchMaker implements Disposable {
  readonly #model: OpenModel;
  readonly #prompts: EncodedPrompts;
  /** Input pictures as encoded by the autoencoder, and pictures of prompts as encoded by Redux. */
  readonly #pictures: EncodedPictures<SizedPicture>;
  readonly #images: EncodedPictures<SquarePicture>;
  readonly #ranks = new AdapterRanks();
  readonly #fills = new Recent<string, number>();

  constructor(model: OpenModel) {
    this.#model = model;
    this.#prompts = new EncodedPrompts(model.runtime, model.parts.encoders);
    const { runtime, parts } = model;
    this.#pictures = new EncodedPictures(({ values, size }, signal) =>
      parts.autoencoder.encode(runtime, values, size, signal),
    );
    this.#images = new EncodedPictures(({ values }, signal) => parts.imagePrompts!.encode(runtime, values, signal));
  }

  /** How many pictures may share a batch with a group: as many as its request wants together, or as many as are faster together. */
  most({ key, slots, together }: Group<Slot>): number {
    if (key === undefined) return slots.length;
    const { runtime, maxBatch } = this.#model;
    return Math.max(together, runtime.batchOf(1), maxBatch ?? this.#gainful(slots[0]!));
  }

  #gainful({ ticket: { decided } }: Slot): number {
    const { runtime, source } = this.#model;
    if (runtime.platform.memory === 'device') return MOST.device;
    const { height, width, maxSequenceLength: textTokens, schedule, conditions } = decided;
    const referenceTokens = totalTokens(conditions.flatMap(({ programs }) => programs.references ?? []));
    const shape = { height, width, batch: 1, textTokens, referenceTokens, steps: schedule.timesteps.length };
    const fills = this.#fills.get(JSON.stringify(shape), () =>
      Math.floor(FILLS_PROCESSOR / stageFlops(source, shape).step.total),
    );
    return Math.min(Math.max(1, fills), MOST.host);
  }

  /** Compiles the programs of a batch, and decides what stays in memory; places nothing. */
  plan(layout: BatchLayout, pass: number, { decided }: RequestTicket, signal?: AbortSignal): Promise<RunPlan> {
    const { runtime, source, parts, memory, loraMode } = this.#model;
    const { encoders, transformer, controlnets, autoencoder } = parts;
    const share = new BatchShare(runtime, layout.pictures.length);
    const encoded = decided.conditions.flatMap(({ pictures }) => pictures.map(({ size }) => size));
    return planRun(runtime, {
      share,
      models: source,
      programs: (adapterRank) => ({
        ...encoders.programs({ pass, maxSequenceLength: decided.maxSequenceLength }),
        ...transformer.programs({ ...sizesOf(layout, share, decided), adapterRank }),
        encode: encoded.flatMap((size) => autoencoder.encodePrograms(runtime, size)),
        ...autoencoder.programs(runtime, decided.size, layout.decoded),
        beside: [
          ...controlnets.uses(sizesOf(layout, share, decided)),
          ...(decided.conditions.some(({ prompt }) => prompt) ? parts.imagePrompts!.uses : []),
        ],
      }),
      loras: lorasOf(layout, share.slots),
      loraMode,
      ranks: this.#ranks,
      adapterRank: layout.rank,
      memory,
      transformerFileBytes: () => transformer.weights.fileBytes,
      signal,
    });
  }

  /** Plans the batch that would be made of these groups first. */
  async planFirst(groups: readonly Group<Slot>[], signal: AbortSignal | undefined): Promise<RunPlan> {
    const [first] = groups as [Group<Slot>];
    const count = first.key === undefined ? 1 : this.most(first);
    const slots = groups
      .filter(({ key }, i) => i === 0 || key === first.key)
      .slice(0, count)
      .flatMap(({ slots }) => slots);
    return this.plan(this.#layoutOf(slots, first), this.#prompts.passOf(slots) || 1, slots[0]!.ticket, signal);
  }

  /** Makes a batch. `waiting` are pictures whose prompts may be encoded along with it, and `giveBack` takes what memory has no room for. */
  async make(
    batch: Batch<Slot, RequestTicket>,
    waiting: readonly Slot[],
    giveBack: (groups: readonly Group<Slot>[]) => void,
  ): Promise<void> {
    const { runtime, parts, types, memory } = this.#model;
    using _programs = runtime.lease();
    const clock = new Clock();
    const counted = { ...runtime.compiled };
    const { decided } = batch.slots[0]!.ticket;
    const prompts = batch.slots.map(({ prompt }) => prompt);
    await runtime.requireSame(runText(decided, prompts, [configsOf(this.#model.source), types, memory]));
    tell(batch, (at) => ({ type: 'stage', stage: 'compile', ...at }));
    const { layout, pass, run } = await clock.time('compile', () => this.#fit(batch, giveBack));
    for (const ticket of batch.tickets) ticket.tell({ type: 'memory', plan: run.memory });
    requireFit(run.memory);

    const { slots } = batch;
    const promptPictures = slots.flatMap((slot) => promptPicturesOf(slot)?.pictures ?? []);
    const pictures = slots.flatMap(({ ticket }) => ticket.decided.conditions.flatMap(({ pictures }) => pictures));
    // The transformer may be there from an earlier run, and the autoencoder from one that was aborted.
    const makeRoom = (...parts: readonly { release(): void }[]): void => {
      if (run.memory.transformer !== 'kept') for (const part of parts) part.release();
    };
    makeRoom(parts.autoencoder.weights);
    const hasPrompts = this.#prompts.passOf(slots) === 0;
    if (!hasPrompts || !this.#images.knows(promptPictures)) makeRoom(parts.transformer.weights, parts.controlnets);
    if (!hasPrompts) {
      tell(batch, (at) => ({ type: 'stage', stage: 'encode', ...at }));
      await clock.time('encode', () => this.#encode(batch, waiting, pass, run));
    }
    for (const slot of slots) for (const message of this.#prompts.warningsOf(slot)) slot.ticket.warn(message);
    const images = await clock.time('encode', () => this.#encodeImages(promptPictures, run, batch.signal));
    const moments = await clock.time('encode', () => this.#pictures.encode(pictures, batch.signal));
    makeRoom(parts.autoencoder.weights);
    const denoised = await this.#denoise(batch, layout, run, { clock, moments, images });
    await this.#decode(batch, layout, run, denoised, clock);
    makeRoom(parts.autoencoder.weights);

    const { programs, fromCache } = runtime.compiled;
    for (const ticket of batch.tickets) {
      ticket.clock.add(clock);
      ticket.programs.compiled += programs - counted.programs;
      ticket.programs.fromCache += fromCache - counted.fromCache;
    }
  }

  #layoutOf(slots: readonly Slot[], first: Group<Slot>): BatchLayout {
    return layoutOf(slots, { most: this.most(first), oneDevice: this.#model.runtime.devices.length === 1 });
  }

  /** Frees all encoded prompts except those of waiting pictures. */
  settle(waiting: readonly Slot[]): void {
    this.#prompts.keep(waiting);
  }

  /** Plans a batch, with fewer pictures if memory does not suffice for all. */
  async #fit(batch: Batch<Slot, RequestTicket>, giveBack: (groups: readonly Group<Slot>[]) => void) {
    for (;;) {
      const { slots, groups, signal } = batch;
      const layout = this.#layoutOf(slots, groups[0]!);
      const pass = this.#prompts.passOf(slots) || 1;
      const run = await this.plan(layout, pass, slots[0]!.ticket, signal);
      if (run.memory.fits || groups.length === 1) return { layout, pass, run };
      giveBack(batch.keep(Math.ceil(groups.length / 2)));
    }
  }

  /** Encodes the prompts of a batch; if the encoders are freed afterwards, also those of waiting pictures. */
  async #encode(
    { slots, signal }: Batch<Slot, RequestTicket>,
    waiting: readonly Slot[],
    pass: number,
    { memory, streaming }: RunPlan,
  ): Promise<void> {
    const { encoders } = this.#model.parts;
    const keeps = memory.encoders === 'kept';
    using unused = new DisposableStack();
    if (!keeps) unused.defer(() => encoders.release());
    await this.#prompts.encode(slots, keeps ? [] : waiting, pass, { streaming: streaming.t5, signal });
  }

  /** Turns the pictures that are parts of prompts into text tokens. */
  async #encodeImages(
    pictures: readonly SquarePicture[],
    { memory }: RunPlan,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Float32Array>> {
    const { imagePrompts } = this.#model.parts;
    using unused = new DisposableStack();
    if (memory.encoders !== 'kept') unused.defer(() => imagePrompts?.release());
    return await this.#images.encode(pictures, signal);
  }

  async #denoise(
    batch: Batch<Slot, RequestTicket>,
    layout: BatchLayout,
    { share, overlay, adapterRank, memory, streaming }: RunPlan,
    { clock, moments, images }: Encoded,
  ): Promise<Denoised> {
    const { runtime, parts, types, source } = this.#model;
    const { transformer, controlnets, autoencoder } = parts;
    const { pictures } = layout;
    const { decided } = batch.slots[0]!.ticket;
    const { size, schedule } = decided;
    const steps = schedule.timesteps.length;
    tell(batch, (at) => ({ type: 'stage', stage: 'denoise', ...at }));
    clock.start('denoise');
    const sizes = { ...sizesOf(layout, share, decided), adapterRank };
    const { transformer: programs, opposite } = transformer.programs(sizes);
    const inputs = { pooled: programs.conditioning, sequence: programs.textIn };
    const oppositeInputs = { ...inputs, ...(opposite && { sequence: opposite.transformer.textIn }) };
    using conditioning = await this.#prompts.conditioning(layout, sizes.prompts, inputs, 'prompt', images);
    const asked = Array.from(
      { length: sizes.prompts },
      (_, i) => (layout.each ? pictures[i] : batch.slots[0])?.ticket.decided,
    );
    const guidance = asked.map((one) => one?.guidance ?? 0);
    using away = sizes.negative
      ? await this.#prompts.conditioning(layout, sizes.prompts, oppositeInputs, 'negative', images)
      : undefined;
    const negative = away && { conditioning: away, scale: asked.map((one) => one?.trueCfgScale ?? 0) };
    const made = makeGiven(share, pictures, { vae: source.vae, dtype: types.compute, moments });
    const steered = { ...made, beside: controlnets };
    const request = { ...sizes, guidance, negative, ...steered, overlay, streaming: streaming.transformer };
    let final: Float32Array = made.latents;
    const cachedSteps: number[] = [];
    for await (const state of transformer.denoise(runtime, conditioning, request, batch.signal)) {
      const { step, cached } = state;
      if (step === steps) final = await share.latentsOf(state.latents);
      if (cached) cachedSteps.push(step);
      const seconds = clock.step(cached);
      const previews =
        batch.tickets.some(({ decided: { preview } }) => preview === 'step') &&
        (await autoencoder.preview(runtime, await share.latentsOf(state.clean), size, batch.signal));
      const previewOf = (slot: Slot) => previews && previews[share.held.indexOf(pictures.indexOf(slot))]!;
      tell(batch, (at, { decided: { preview } }, slots) => ({
        type: 'step',
        step,
        steps,
        ...at,
        seconds,
        ...(cached && { cached }),
        ...(preview === 'step' && { previews: slots.flatMap((slot) => previewOf(slot) || []) }),
      }));
      // Readers have a turn before the next step.
      await setImmediate();
    }
    clock.stop('denoise');
    if (memory.transformer === 'released' || memory.transformer === 'streamed') {
      transformer.weights.release();
      controlnets.release();
    }
    return { final, cachedSteps };
  }

  async #decode(
    batch: Batch<Slot, RequestTicket>,
    layout: BatchLayout,
    { share, adapterRank, overlay }: RunPlan,
    { final, cachedSteps }: Denoised,
    clock: Clock,
  ): Promise<void> {
    const { runtime, parts, identity } = this.#model;
    tell(batch, (at) => ({ type: 'stage', stage: 'decode', ...at }));
    const { size } = batch.slots[0]!.ticket.decided;
    const each = final.length / share.held.length;
    const { pictures, decoded: pass } = layout;
    const isWanted = (slot: Slot | undefined): boolean => slot?.ticket.events.ended === false;
    /** The slots that are decoded along with one: the last bits of a picture depend on its row in the pass. */
    const passOf = (at: number) => pictures.slice(at - (at % pass), at - (at % pass) + pass);
    // Processes that share a mesh must run the decoder equally often, even for pictures nobody wants any more.
    const wanted = [...share.held.entries()].filter(([, at]) => share.rounds > 0 || passOf(at).some(isWanted));
    const latents = new Float32Array(wanted.length * each);
    for (const [to, [from]] of wanted.entries()) latents.set(final.subarray(from * each, (from + 1) * each), to * each);
    const options = { signal: batch.signal, rounds: share.rounds, pass };
    let decoded = 0;
    clock.start('decode');
    for await (const pixels of parts.autoencoder.decode(runtime, latents, size, options)) {
      const [, at] = wanted[decoded++]!;
      const slot = pictures[at];
      if (!slot || !isWanted(slot) || !share.own.includes(at)) continue;
      clock.stop('decode');
      const { prompt, ticket, index } = slot;
      const needs = rankBucket(new Overlay([prompt.loras], overlay.mode).rank);
      const made = {
        slot: at,
        size: pictures.length,
        each: layout.each,
        encoded: this.#prompts.passThatMade(slot),
        decoded: pass,
        rank: adapterRank === needs ? undefined : adapterRank,
      };
      const recipe = makeRecipe(
        identity(prompt),
        ticket.decided,
        { ...prompt, picture: slot.picture, cachedSteps },
        made,
      );
      const image = finished(Image.fromUnit(pixels, recipe), slot);
      slot.done = true;
      ticket.tell({ type: 'image', image, seed: image.seed, index });
      await setImmediate();
      clock.start('decode');
    }
    clock.stop('decode');
  }

  [Symbol.dispose](): void {
    this.#prompts[Symbol.dispose]();
  }
}

/** What a batch is made from. */
interface Encoded {
  readonly clock: Clock;
  readonly moments: ReadonlyMap<string, Moments>;
  /** Text tokens of pictures that are parts of prompts, by their keys. */
  readonly images: ReadonlyMap<string, Float32Array>;
}

/** A batch after its steps. */
interface Denoised {
  /** The latents of this process's pictures, concatenated. */
  readonly final: Float32Array;
  readonly cachedSteps: readonly number[];
}

/** A picture as its conditions leave it. */
function finished(image: Image, { ticket: { decided } }: Slot): Image {
  const changes = decided.conditions.flatMap(({ finish }) => finish ?? []);
  if (changes.length === 0) return image;
  return new Image(
    changes.reduce<Pixels>((picture, finish) => finish(picture), image),
    image.recipe,
  );
}

/** Sizes that the programs of the transformer are traced for. */
function sizesOf({ each }: BatchLayout, { slots: batch }: BatchShare, decided: DecidedRequest) {
  return denoiseSizes(decided, { batch, prompts: each ? batch : 1 });
}

/** The LoRAs of every slot, or one list for all pictures. Empty slots take any picture's. */
function lorasOf({ pictures, each }: BatchLayout, length: number) {
  const first = pictures.find((slot) => slot !== undefined)!.prompt.loras;
  return each ? Array.from({ length }, (_, i) => pictures[i]?.prompt.loras ?? first) : [first];
}

/** Tells each request of a batch something about its pictures in it. */
function tell(
  { slots, tickets }: Batch<Slot, RequestTicket>,
  eventOf: (
    at: { readonly pictures: readonly number[]; readonly total: number },
    ticket: RequestTicket,
    slots: readonly Slot[],
  ) => Event,
): void {
  for (const ticket of tickets) {
    const own = slots.filter((slot) => slot.ticket === ticket);
    ticket.tell(eventOf({ pictures: own.map(({ index }) => index), total: ticket.total }, ticket, own));
  }
}
