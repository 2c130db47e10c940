/** Makes batches: decides how many pictures share one, plans them, and has them made. */

import { BatchShare } from '../engine/batch-share.ts';
import type { Batch } from '../engine/engine.ts';
import { requireFit } from '../engine/memory-plan.ts';
import { AdapterRanks, planRun, type RunPlan } from '../engine/run-plan.ts';
import type { SlotGroup } from '../engine/waiting.ts';
import { sizesOf as configsOf } from '../families/flux1/flux1.ts';
import { stageFlops } from '../models/programs.ts';
import { totalTokens } from '../sampling/latents.ts';
import { Recent } from '../support/recent.ts';
import { runText } from './adapted-prompt.ts';
import { batchLoras, batchSizes, layoutOf } from './batch-layout.ts';
import { type BatchModel, type BatchPlan, BatchRun, tell } from './batch-run.ts';
import { Clock } from './clock.ts';
import { EncodedPictures } from './encoded-pictures.ts';
import { EncodedPrompts } from './encoded-prompts.ts';
import { identityOf } from './identity.ts';
import type { OpenModel } from './open-model.ts';
import type { RequestTicket, Slot } from './slot.ts';

/** Most pictures of different prompts in a batch, by the kind of memory that programs use. */
const MOST = { host: 8, device: 32 } as const;
/** Operations of a step that saturate a processor: beyond them, more pictures at a time take proportionally longer. */
const FILLS_PROCESSOR = 2e11;

export class BatchMaker implements Disposable {
  readonly #model: BatchModel;
  readonly #ranks = new AdapterRanks();
  readonly #fills = new Recent<string, number>();

  constructor(model: OpenModel) {
    const { runtime, parts } = model;
    this.#model = {
      ...model,
      prompts: new EncodedPrompts(runtime, parts.encoders),
      pictures: new EncodedPictures(({ values, size }, signal) =>
        parts.autoencoder.encode(runtime, values, size, signal),
      ),
      images: new EncodedPictures(({ values }, signal) => parts.imagePrompts!.encode(runtime, values, signal)),
      identity: identityOf(model),
    };
  }

  /** The most pictures in a batch with this group: as many as its request wants together, or more where that is faster. */
  most({ key, slots, together }: SlotGroup<Slot>): number {
    if (key === undefined) return slots.length;
    const { runtime, options } = this.#model;
    return Math.max(together, runtime.batchOf(1), options.maxBatch ?? this.#gainful(slots[0]!));
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

  /** Compiles the programs of the batch of these pictures, and decides what stays in memory; places nothing. */
  async #plan(slots: readonly Slot[], first: SlotGroup<Slot>, signal: AbortSignal | undefined): Promise<BatchPlan> {
    const { runtime, source, parts, memory, loras, prompts } = this.#model;
    const { encoders, transformer, controlnets, autoencoder } = parts;
    const { decided } = slots[0]!.ticket;
    const layout = layoutOf(slots, { most: this.most(first), oneDevice: runtime.devices.length === 1 });
    const pass = prompts.passOf(slots) || 1;
    const share = new BatchShare(runtime, layout.pictures.length);
    const encoded = decided.conditions.flatMap(({ pictures }) => pictures.map(({ size }) => size));
    const run = await planRun(runtime, {
      share,
      models: source,
      programs: (adapterRank) => ({
        ...encoders.programs({ pass, maxSequenceLength: decided.maxSequenceLength }),
        ...transformer.programs({ ...batchSizes(layout, share, decided), adapterRank }),
        encode: encoded.flatMap((size) => autoencoder.encodePrograms(runtime, size)),
        ...autoencoder.programs(runtime, decided.size, layout.decoded),
        beside: [
          ...controlnets.uses(batchSizes(layout, share, decided)),
          ...(decided.conditions.some(({ prompt }) => prompt) ? parts.imagePrompts!.uses : []),
        ],
      }),
      loras: batchLoras(layout, share.slots),
      loraMode: loras.mode,
      ranks: this.#ranks,
      adapterRank: layout.rank,
      memory,
      transformerFileBytes: () => transformer.weights.fileBytes,
      signal,
    });
    return { layout, pass, run };
  }

  /** Plans the first batch that these groups would make. */
  async planFirst(groups: readonly SlotGroup<Slot>[], signal: AbortSignal | undefined): Promise<RunPlan> {
    const [first] = groups as [SlotGroup<Slot>];
    const count = first.key === undefined ? 1 : this.most(first);
    const slots = groups
      .filter(({ key }, i) => i === 0 || key === first.key)
      .slice(0, count)
      .flatMap(({ slots }) => slots);
    return (await this.#plan(slots, first, signal)).run;
  }

  /** Makes a batch. Prompts of `waiting` pictures may be encoded along with it; `giveBack` takes the groups that memory has no room for. */
  async make(
    batch: Batch<Slot, RequestTicket>,
    waiting: readonly Slot[],
    giveBack: (groups: readonly SlotGroup<Slot>[]) => void,
  ): Promise<void> {
    const { runtime, source, types, memory: usable } = this.#model;
    using _programs = runtime.lease();
    const clock = new Clock();
    const counted = { ...runtime.compiled };
    const { decided } = batch.slots[0]!.ticket;
    const prompts = batch.slots.map(({ prompt }) => prompt);
    await runtime.requireSame(runText(decided, prompts, [configsOf(source), types, usable]));
    tell(batch, (at) => ({ type: 'stage', stage: 'compile', ...at }));
    const plan = await clock.time('compile', () => this.#fit(batch, giveBack));
    const { memory } = plan.run;
    for (const ticket of batch.tickets) ticket.tell({ type: 'memory', plan: memory });
    requireFit(memory);
    await new BatchRun(this.#model, batch, { plan, clock }).make(waiting);

    const { programs, fromCache } = runtime.compiled;
    for (const ticket of batch.tickets) {
      ticket.clock.add(clock);
      ticket.programs.compiled += programs - counted.programs;
      ticket.programs.fromCache += fromCache - counted.fromCache;
    }
  }

  /** Frees all encoded prompts except those of waiting pictures. */
  settle(waiting: readonly Slot[]): void {
    this.#model.prompts.keep(waiting);
  }

  /** Plans a batch, with fewer pictures if memory does not suffice for all. */
  async #fit(
    batch: Batch<Slot, RequestTicket>,
    giveBack: (groups: readonly SlotGroup<Slot>[]) => void,
  ): Promise<BatchPlan> {
    for (;;) {
      const { slots, groups, signal } = batch;
      const plan = await this.#plan(slots, groups[0]!, signal);
      if (plan.run.memory.fits || groups.length === 1) return plan;
      giveBack(batch.keep(Math.ceil(groups.length / 2)));
    }
  }

  [Symbol.dispose](): void {
    this.#model.prompts[Symbol.dispose]();
  }
}
