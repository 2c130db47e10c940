/**
 * Flux: a model opened on a device. Making pictures with it is a stream of events: `generate` drains it,
 * the command line draws it, a server sends it on.
 */

import { checked } from '../api/check.ts';
import type { MemoryPlan, Report } from '../api/events.ts';
import type { LoadOptions } from '../api/load.ts';
import type { NetworksBeside, PictureUse } from '../api/picture-use.ts';
import { REQUEST, type Request } from '../api/request.ts';
import { BatchShare } from '../engine/batch-share.ts';
import { Engine, type EngineStats } from '../engine/engine.ts';
import type { SlotGroup } from '../engine/waiting.ts';
import { type ModelSizes, sizesOf } from '../families/flux1/flux1.ts';
import { pictureUse } from '../families/flux1/picture-use.ts';
import { BUNDLED } from '../families/flux1/published.ts';
import type { Image } from '../picture/image.ts';
import { Recording, type RecordingOptions } from '../xla/ahead/recording.ts';
import type { AdaptedPrompt } from './adapted-prompt.ts';
import { BatchMaker } from './batch-maker.ts';
import { modelClosed } from './closed.ts';
import { type DecidingModel, decideUnread, decideWhole } from './conditions/steered.ts';
import type { Event } from './events.ts';
import { type Loras, loraEvents } from './loras.ts';
import { outsideScope } from './model-scope.ts';
import { type OpenModel, openModel } from './open-model.ts';
import { type DecidedRequest, type RequestDefaults, requestDefaults, requestWarnings } from './request.ts';
import { groupsOf, type RequestAndDecisions, RequestTicket, type Slot } from './slot.ts';
import { travellingName } from './travelling.ts';

/** A model that is opened on a device and makes pictures, one batch at a time; a batch may hold pictures of several waiting requests. */
export class Flux implements AsyncDisposable {
  /** What reports and recipes call the model. */
  readonly name: string;
  /** The folder or file it was read from. */
  readonly path: string;
  readonly defaults: RequestDefaults;
  readonly #opened: OpenModel;
  readonly #deciding: DecidingModel;
  readonly #maker: BatchMaker;
  readonly #engine: Engine<Slot, RequestTicket>;
  #closing: Promise<void> | undefined;

  private constructor(opened: OpenModel) {
    const { source, parts, options, scheduler, extras } = opened;
    this.#opened = opened;
    this.path = source.path;
    this.name = opened.name;
    this.defaults = requestDefaults(source, parts.encoders.longestPrompt);
    this.#deciding = { ...sizesOf(source), scheduler, defaults: this.defaults, extras };
    this.#maker = new BatchMaker(opened);
    this.#engine = new Engine({
      make: (batch, waiting) => this.#maker.make(batch, waiting, (groups) => this.#engine.giveBack(groups)),
      most: (group) => this.#maker.most(group),
      finish: (ticket) => this.#finish(ticket),
      settle: (waiting) => this.#maker.settle(waiting),
      window: options.batchWindow ?? 0,
    });
  }

  /**
   * Opens a model: a folder in the diffusers layout, a file with weights, `ORG/NAME` on the Hugging Face hub (downloaded on first use), or
   * the bundled `tiny`. Reads configs and tokenizers and checks every weight's name and shape; weights are placed when first used.
   */
  static async load(from: string = BUNDLED, given: LoadOptions = {}): Promise<Flux> {
    return new Flux(await openModel(from, given));
  }

  /** The vendor's name of the device, with the number of devices if there are several. */
  get device(): string {
    return this.#opened.runtime.deviceName;
  }

  /** The LoRAs for all requests: `await flux.loras.set([{ path, scale: 0.8 }])`. Throws `disposed` once the model is closed. */
  get loras(): Loras {
    if (this.#closing) throw modelClosed();
    return this.#opened.loras;
  }

  /** Configs of the model's parts. */
  get sizes(): ModelSizes {
    return sizesOf(this.#opened.source);
  }

  /** What the model uses a single input picture without a mask for. */
  get pictureUse(): PictureUse {
    return pictureUse(this.#opened.source, this.name);
  }

  /** The networks that were opened with the model. */
  get beside(): NetworksBeside {
    const { controlnets, paths, redux } = this.#opened.extras;
    return {
      controlnets: controlnets.map(({ config: { modes } }, i) => ({
        name: travellingName(paths.controlnet[i]!),
        ...(modes !== undefined && { modes }),
      })),
      redux: redux !== undefined,
    };
  }

  /** How many devices work together, including those of other processes. */
  get deviceCount(): number {
    return this.#opened.runtime.devices.length * this.#opened.runtime.apart.count;
  }

  /** This process's number among those that make pictures together, and how many there are. */
  get nodes(): { readonly id: number; readonly count: number } {
    return this.#opened.runtime.nodes;
  }

  /** Records what runs on the devices, and when, until it is stopped; begin and stop between the events of a stream. Throws `disposed`, `bad_request`. */
  record(options: RecordingOptions = {}): Recording {
    if (this.#closing) throw modelClosed();
    return new Recording(this.#opened.runtime, options);
  }

  /** The indices of a request's pictures that this process makes, counted over all prompts and seeds from 0; all of them if it works alone. */
  indices(request: Request): number[] {
    const { prompts, batch } = this.#decide(request).decided;
    const { own } = new BatchShare(this.#opened.runtime, batch);
    return prompts.flatMap((_, i) => own.map((picture) => i * batch + picture));
  }

  /** Makes pictures and returns them all. */
  async generate(request: Request): Promise<Image[]> {
    const images: Image[] = [];
    for await (const event of this.stream(request)) if (event.type === 'image') images.push(event.image);
    return images;
  }

  /**
   * Makes pictures, reporting on the way; begins when the first event is asked for. Pictures of several requests that wait are made in
   * one batch where they can be. Leaving the loop, or the request's signal, stops the work within a block, unless others share the batch.
   * A slow reader holds up nobody else: it misses previews, and nothing more is begun for it while 16 of its pictures are unread.
   * Rejects a request that cannot be honoured with `bad_request`, before any work.
   */
  stream(request: Request): AsyncGenerator<Event, void, undefined> {
    try {
      const asked = this.#decide(request);
      const ticket: RequestTicket = new RequestTicket(asked, {
        start: () => this.#start(ticket),
        leave: (reason) => this.#engine.leave(ticket, reason),
        read: () => this.#engine.wake(),
      });
      return ticket.events;
    } catch (error) {
      return failing(error);
    }
  }

  /** What waits, what was made since the model was opened, and what is in memory. Throws `disposed`. */
  stats(): FluxStats {
    if (this.#closing) throw modelClosed();
    const { executables, compiled, client } = this.#opened.runtime;
    const { size: loaded, ...kept } = executables;
    const device = client.defaultDevice.memoryStats()?.bytesInUse;
    return {
      ...this.#engine.stats,
      loras: this.#opened.loras.stats,
      programs: { loaded, ...kept, compiled: compiled.programs, fromCache: compiled.fromCache },
      memory: { process: process.memoryUsage.rss(), ...(device !== undefined && { device }) },
    };
  }

  /** Checks a request and decides all about it that needs no device. */
  #decide(wanted: Request): RequestAndDecisions {
    if (this.#closing) throw modelClosed();
    const request = checked(REQUEST, wanted, 'request');
    return { request, decided: decideUnread(request, this.#deciding) };
  }

  /** Reads the pictures and LoRAs of a request, reports what is already known, and queues it for the device. */
  async #start(ticket: RequestTicket): Promise<void> {
    const { request } = ticket;
    request.signal?.throwIfAborted();
    const { decided, prompts } = await this.#read(ticket);
    ticket.decided = decided;
    const { apart, warnings } = this.#opened.runtime;
    const groups = this.#groupsOf(ticket, prompts);
    const together =
      groups[0]!.key === undefined ? decided.batch : Math.min(this.#maker.most(groups[0]!), ticket.total);
    const share = new BatchShare(this.#opened.runtime, together);
    for (const message of warnings) ticket.warn(message);
    for (const message of requestWarnings(request, decided, this.defaults, {
      together,
      slots: share.slots * apart.count,
    }))
      ticket.warn(message);
    const { transformer, weights } = this.#opened.options;
    // A model's scope is that of its own transformer.
    const isTrained = transformer === undefined && weights !== 'random';
    const outside = isTrained ? outsideScope(this.path, this.name, decided) : undefined;
    if (outside !== undefined) ticket.warn(outside);
    for (const event of loraEvents(prompts)) ticket.tell(event);
    if (apart.count > 1 && share.own.length === 0) {
      ticket.warn(`process ${apart.id} has nothing to do: the processes before it make all pictures of the batch`);
      return this.#finish(ticket);
    }
    ticket.groups.push(...groups);
    this.#engine.submit(ticket);
  }

  #groupsOf(ticket: RequestTicket, prompts: readonly AdaptedPrompt[]): SlotGroup<Slot>[] {
    return groupsOf(ticket, prompts, {
      loraMode: this.#opened.loras.mode,
      alone: this.#opened.runtime.nodes.count > 1,
    });
  }

  /** Compiles the programs of a request's first batch and returns its memory plan; places nothing. */
  async plan(wanted: Request): Promise<MemoryPlan> {
    const asked = this.#decide(wanted);
    const { signal } = asked.request;
    signal?.throwIfAborted();
    try {
      const { decided, prompts } = await this.#read(asked);
      using _turn = await this.#engine.enter(signal);
      if (this.#closing) throw modelClosed();
      using _programs = this.#opened.runtime.lease();
      const none = async (): Promise<void> => {};
      const ticket = new RequestTicket({ ...asked, decided }, { start: none, leave: none, read: () => {} });
      return (await this.#maker.planFirst(this.#groupsOf(ticket, prompts), signal)).memory;
    } catch (error) {
      // Closing a model makes all running work fail.
      throw this.#closing && !signal?.aborted ? modelClosed({ cause: error }) : error;
    }
  }

  /** Reads the LoRAs and pictures of a request now, so that later changes do not matter and an unreadable file delays nobody. */
  async #read({
    request,
    decided: unread,
  }: RequestAndDecisions): Promise<{ decided: DecidedRequest; prompts: AdaptedPrompt[] }> {
    const loras = await Promise.all(
      unread.prompts.map(({ loraTags }) => this.#opened.loras.resolve(request.loras, loraTags, request.signal)),
    );
    const reports = loras.map((applied) => applied.map(({ adapter }) => adapter.report));
    const decided = await decideWhole(request, this.#deciding, reports);
    if (this.#closing) throw modelClosed();
    return { decided, prompts: decided.prompts.map((prompt, i) => ({ ...prompt, loras: loras[i]! })) };
  }

  /** Reports the figures of a finished request. */
  #finish(ticket: RequestTicket): void {
    const { clock, programs, images } = ticket;
    const peak = this.#opened.runtime.client.defaultDevice.memoryStats()?.peakBytesInUse;
    const report: Report = {
      timings: clock.timings(this.#opened.seconds),
      peakMemory: process.resourceUsage().maxRSS * 1024,
      ...(peak !== undefined && { peakDeviceMemory: peak }),
      programs,
      device: this.device,
      images,
      steps: clock.steps,
    };
    ticket.tell({ type: 'done', report });
    ticket.events.end();
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
    this.#opened.loras.close();
    await this.#engine.close(modelClosed());
    this.#maker[Symbol.dispose]();
    for (const part of Object.values<Disposable | undefined>({ ...this.#opened.parts })) part?.[Symbol.dispose]();
    await this.#opened.runtime[Symbol.asyncDispose]();
  }
}

/** What an opened model has done, and what it holds. */
export interface FluxStats extends EngineStats {
  /** Programs on the device and their bytes; how many were compiled, came from the cache, and were evicted. */
  readonly programs: Record<'loaded' | 'bytes' | 'compiled' | 'fromCache' | 'evicted', number>;
  /** LoRA files in memory, and how many were evicted. */
  readonly loras: Record<'files' | 'bytes' | 'evicted', number>;
  /** Bytes in use by the process, and on the first device if its plugin reports it. */
  readonly memory: { readonly process: number; readonly device?: number };
}

/** A stream that ends in an error. */
// biome-ignore lint/correctness/useYield: it only throws
async function* failing(error: unknown): AsyncGenerator<never, void, undefined> {
  throw error;
}
