/** Runs a batch on the device: encodes its prompts and pictures, denoises and decodes its latents, and tells each request of its pictures. */

import { setImmediate } from 'node:timers/promises';
import type { Batch } from '../engine/engine.ts';
import type { RunPlan } from '../engine/run-plan.ts';
import { Image, type Pixels } from '../picture/image.ts';
import { Overlay, rankBucket } from '../weights/lora/overlay.ts';
import type { AdaptedPrompt } from './adapted-prompt.ts';
import { type BatchLayout, batchSizes } from './batch-layout.ts';
import type { Clock } from './clock.ts';
import type { SignedPicture, SizedPicture } from './conditions/condition.ts';
import { makeGiven } from './conditions/making.ts';
import type { EncodedPictures } from './encoded-pictures.ts';
import { type EncodedPrompts, promptPicturesOf } from './encoded-prompts.ts';
import type { Event } from './events.ts';
import type { OpenModel } from './open-model.ts';
import { type Identity, makeRecipe } from './recipe.ts';
import type { DecidedRequest } from './request.ts';
import type { RequestTicket, Slot } from './slot.ts';

/** An opened model, with the prompts and pictures that it encoded for this batch or earlier ones. */
export interface BatchModel extends OpenModel {
  readonly prompts: EncodedPrompts;
  /** Input pictures as encoded by the autoencoder. */
  readonly pictures: EncodedPictures<SizedPicture>;
  /** Pictures of prompts as encoded by Redux. */
  readonly images: EncodedPictures<SignedPicture>;
  /** The model's identity in recipes, with the LoRAs of a prompt. */
  readonly identity: (prompt: AdaptedPrompt) => Identity;
}

/** How a batch is made. */
export interface BatchPlan {
  readonly layout: BatchLayout;
  /** Prompts that are encoded at a time. */
  readonly pass: number;
  readonly run: RunPlan;
}

/** Values by the keys of the pictures that they were encoded from. */
type ByKey = ReadonlyMap<string, Float32Array>;

/** A batch after its steps. */
interface Denoised {
  /** The latents of this process's pictures, concatenated. */
  readonly final: Float32Array;
  readonly cachedSteps: readonly number[];
}

export class BatchRun {
  readonly #model: BatchModel;
  readonly #batch: Batch<Slot, RequestTicket>;
  readonly #plan: BatchPlan;
  readonly #clock: Clock;

  constructor(
    model: BatchModel,
    batch: Batch<Slot, RequestTicket>,
    { plan, clock }: { readonly plan: BatchPlan; readonly clock: Clock },
  ) {
    this.#model = model;
    this.#batch = batch;
    this.#plan = plan;
    this.#clock = clock;
  }

  /** Makes the pictures. Prompts of `waiting` pictures may be encoded along with the batch's own. */
  async make(waiting: readonly Slot[]): Promise<void> {
    const { parts, prompts, images, pictures } = this.#model;
    const { slots, signal } = this.#batch;
    const { pass, run } = this.#plan;
    const promptPictures = slots.flatMap((slot) => promptPicturesOf(slot)?.pictures ?? []);
    const inputs = slots.flatMap(({ ticket }) => ticket.decided.conditions.flatMap(({ pictures }) => pictures));
    // The transformer may still be on the device from an earlier run, and the autoencoder from an aborted one.
    this.#makeRoom(parts.autoencoder.weights);
    const hasPrompts = prompts.passOf(slots) === 0;
    if (!hasPrompts || !images.knows(promptPictures)) this.#makeRoom(parts.transformer.weights, parts.controlnets);
    if (!hasPrompts) {
      tell(this.#batch, (at) => ({ type: 'stage', stage: 'encode', ...at }));
      // Resident encoders can encode the prompts of waiting pictures later.
      const more = run.memory.encoders === 'kept' ? [] : waiting;
      const options = { streaming: run.streaming.t5, signal };
      await this.#encode(parts.encoders, () => prompts.encode(slots, more, pass, options));
    }
    for (const slot of slots) for (const message of prompts.warningsOf(slot)) slot.ticket.warn(message);
    const tokens = await this.#encode(parts.imagePrompts, () => images.encode(promptPictures, signal));
    const moments = await this.#clock.time('encode', () => pictures.encode(inputs, signal));
    this.#makeRoom(parts.autoencoder.weights);
    await this.#decode(await this.#denoise(moments, tokens));
    this.#makeRoom(parts.autoencoder.weights);
  }

  /** Frees parts, unless the transformer, and the autoencoder with it, is resident between batches. */
  #makeRoom(...parts: readonly { release(): void }[]): void {
    if (this.#plan.run.memory.transformer !== 'kept') for (const part of parts) part.release();
  }

  /** Encodes with encoders that are freed afterwards, unless they are resident. */
  #encode<T>(encoders: { release(): void } | undefined, work: () => Promise<T>): Promise<T> {
    return this.#clock.time('encode', async () => {
      using unused = new DisposableStack();
      if (this.#plan.run.memory.encoders !== 'kept') unused.defer(() => encoders?.release());
      return await work();
    });
  }

  get #decided(): DecidedRequest {
    return this.#batch.slots[0]!.ticket.decided;
  }

  /** Denoises. `moments` are encoded input pictures, `tokens` the text tokens of pictures in prompts. */
  async #denoise(moments: ByKey, tokens: ByKey): Promise<Denoised> {
    const { runtime, parts, types, source, prompts } = this.#model;
    const { transformer, controlnets, autoencoder } = parts;
    const { layout, run } = this.#plan;
    const { share, overlay, adapterRank, memory, streaming } = run;
    const { pictures } = layout;
    const batch = this.#batch;
    const { size, schedule } = this.#decided;
    const steps = schedule.timesteps.length;
    tell(batch, (at) => ({ type: 'stage', stage: 'denoise', ...at }));
    this.#clock.start('denoise');
    const sizes = { ...batchSizes(layout, share, this.#decided), adapterRank };
    const { transformer: programs, opposite } = transformer.programs(sizes);
    const inputs = { pooled: programs.conditioning, sequence: programs.textIn };
    const oppositeInputs = { ...inputs, ...(opposite && { sequence: opposite.transformer.textIn }) };
    using conditioning = await prompts.conditioning(layout, sizes.prompts, inputs, 'prompt', tokens);
    using away = sizes.negative
      ? await prompts.conditioning(layout, sizes.prompts, oppositeInputs, 'negative', tokens)
      : undefined;
    const asked = Array.from(
      { length: sizes.prompts },
      (_, i) => (layout.each ? pictures[i] : batch.slots[0])?.ticket.decided,
    );
    const guidance = asked.map((one) => one?.guidance ?? 0);
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
      const seconds = this.#clock.step(cached);
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
      // Lets readers run before the next step.
      await setImmediate();
    }
    this.#clock.stop('denoise');
    if (memory.transformer === 'released' || memory.transformer === 'streamed') {
      transformer.weights.release();
      controlnets.release();
    }
    return { final, cachedSteps };
  }

  async #decode({ final, cachedSteps }: Denoised): Promise<void> {
    const { runtime, parts, prompts, identity } = this.#model;
    const { layout, run } = this.#plan;
    const { share, adapterRank, overlay } = run;
    tell(this.#batch, (at) => ({ type: 'stage', stage: 'decode', ...at }));
    const each = final.length / share.held.length;
    const { pictures, decoded: pass } = layout;
    const isWanted = (slot: Slot | undefined): boolean => slot?.ticket.events.ended === false;
    /** The slots that one pass decodes together: a picture's last bits depend on its row in the pass. */
    const passOf = (at: number) => pictures.slice(at - (at % pass), at - (at % pass) + pass);
    // Processes that share a mesh must run the decoder equally often, even for pictures nobody wants any more.
    const wanted = [...share.held.entries()].filter(([, at]) => share.rounds > 0 || passOf(at).some(isWanted));
    const latents = new Float32Array(wanted.length * each);
    for (const [to, [from]] of wanted.entries()) latents.set(final.subarray(from * each, (from + 1) * each), to * each);
    const options = { signal: this.#batch.signal, rounds: share.rounds, pass };
    let decoded = 0;
    this.#clock.start('decode');
    for await (const pixels of parts.autoencoder.decode(runtime, latents, this.#decided.size, options)) {
      const [, at] = wanted[decoded++]!;
      const slot = pictures[at];
      if (!slot || !isWanted(slot) || !share.own.includes(at)) continue;
      this.#clock.stop('decode');
      const { prompt, ticket, index, picture } = slot;
      const needs = rankBucket(new Overlay([prompt.loras], overlay.mode).rank);
      const finished = { ...prompt, picture, cachedSteps };
      const encoded = prompts.passThatMade(slot);
      const recipe = makeRecipe(identity(prompt), ticket.decided, finished, {
        size: pictures.length,
        index: at,
        ...(layout.each && { prompts: 'each' }),
        ...(encoded > 1 && { encoded }),
        ...(pass > 1 && { decoded: pass }),
        ...(adapterRank !== needs && { rank: adapterRank }),
      });
      const image = afterConditions(Image.fromUnit(pixels, recipe), slot);
      slot.done = true;
      ticket.tell({ type: 'image', image, seed: image.seed, index });
      await setImmediate();
      this.#clock.start('decode');
    }
    this.#clock.stop('decode');
  }
}

/** The picture after the last changes of its conditions. */
function afterConditions(image: Image, { ticket: { decided } }: Slot): Image {
  const changes = decided.conditions.flatMap(({ finish }) => finish ?? []);
  if (changes.length === 0) return image;
  return new Image(
    changes.reduce<Pixels>((picture, finish) => finish(picture), image),
    image.recipe,
  );
}

/** Sends each request of a batch an event about its pictures in it. */
export function tell(
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
