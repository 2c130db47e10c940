/**
 * The model of a server: opened in the background, lent to those who make pictures, and closed while nobody needs it, if that is asked
 * for. What fails is told to those who wait, and tried again by the next.
 */

import type { PullProgress } from '../api/load.ts';
import type { ServerLora } from '../api/served.ts';
import type { Event } from '../pipeline/events.ts';
import type { Flux, FluxStats } from '../pipeline/flux.ts';
import { namedLora } from '../pipeline/loras.ts';
import { FluxionError } from '../support/errors.ts';
import { log } from '../support/log.ts';
import { untilAborted } from '../support/until-aborted.ts';
import type { Backend, LoadingProgress, ModelStatus, ServedModel, Task } from './backend.ts';
import { listLoras } from './lora-list.ts';
import { meansModel, noModel } from './model-names.ts';
import { type NetworkRequest, withLoras } from './network-request.ts';
import { toldError } from './told.ts';

/** How a model is opened and kept. */
export interface ModelHostOptions {
  /** What the model is called until it is open and tells its name. */
  readonly name?: string | undefined;
  /** Opens the model. */
  readonly open: (options: {
    readonly signal: AbortSignal;
    readonly onProgress: (message: string, download?: PullProgress) => void;
  }) => Promise<Flux>;
  /** Milliseconds without work after which the model leaves the device; it never does by default. */
  readonly idleRelease?: number | undefined;
  /** Folder of the LoRAs that requests may name. */
  readonly loraDir?: string | undefined;
}

/** A model that is lent; disposing gives it back. */
export interface Lease extends Disposable {
  readonly flux: Flux;
}

const OPENING: LoadingProgress = { message: 'opening the model' };
/** Jobs that are in the engine at the same time: enough for its batches; the pictures that go into the others wait unread. */
const IN_ENGINE = 32;
/** Milliseconds between two reports of a download. */
const BETWEEN = 250;

/** Holds one model. */
export class ModelHost implements Backend {
  /** Jobs end with the process. */
  readonly keepsJobs = false;
  readonly #options: ModelHostOptions;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(progress: LoadingProgress) => void>();
  #opening: Promise<Flux> | undefined;
  #flux: Flux | undefined;
  #name: string;
  #status: ModelStatus = { status: 'closed' };
  #progress = OPENING;
  #told = 0;
  #leases = 0;
  #idle: NodeJS.Timeout | undefined;
  /** The end of the closing that goes on. */
  #released: Promise<void> = Promise.resolve();

  constructor(options: ModelHostOptions) {
    this.#options = options;
    this.#name = options.name ?? 'fluxion';
  }

  /** What the model is called. */
  get name(): string {
    return this.#name;
  }

  get status(): ModelStatus {
    return this.#opening && !this.#flux ? { status: 'loading', progress: this.#progress } : this.#status;
  }

  /** The model, where it is open now. */
  get flux(): Flux | undefined {
    return this.#flux;
  }

  get models(): readonly ServedModel[] {
    const served = this.served();
    return served ? [served] : [];
  }

  modelFor(wanted: string | undefined): undefined {
    if (wanted !== undefined && !meansModel(wanted, this.name)) throw noModel(wanted, [this.name]);
  }

  served(): ServedModel | undefined {
    return this.#flux && servedModel(this.#flux);
  }

  async described(_model: string | undefined, signal: AbortSignal): Promise<ServedModel> {
    using lease = await this.lease(signal, () => {});
    return servedModel(lease.flux);
  }

  loras(): Promise<readonly ServerLora[]> {
    return listLoras(this.#options.loraDir);
  }

  requireLora(name: string): void {
    namedLora(this.#options.loraDir, name);
  }

  requirePossible(request: NetworkRequest): void {
    this.#flux?.indices(request);
  }

  room(): number {
    return IN_ENGINE;
  }

  async *make({ request, caller, signal, onLoading }: Task): AsyncGenerator<Event, void, undefined> {
    using lease = await this.lease(signal, onLoading);
    const { model: _, ...located } = withLoras(request, this.#options.loraDir);
    yield* lease.flux.stream({ ...located, ...(caller !== undefined && { caller }), signal });
  }

  stats(): FluxStats | undefined {
    return this.#flux?.stats();
  }

  /** Begins to open the model, unless it is open or being opened. Rejects where it cannot be opened. */
  start(): Promise<Flux> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Borrows the model, which is opened if it is not; `onProgress` is told of that. Rejects with the signal's reason, and where it cannot be opened. */
  async lease(signal: AbortSignal, onProgress: (progress: LoadingProgress) => void): Promise<Lease> {
    using lending = new DisposableStack();
    this.#leases++;
    clearTimeout(this.#idle);
    lending.defer(() => this.#giveBack());
    const opening = this.start();
    if (!this.#flux) onProgress(this.#progress);
    this.#listeners.add(onProgress);
    const flux = await untilAborted(opening, signal).finally(() => this.#listeners.delete(onProgress));
    const lent = lending.move();
    return { flux, [Symbol.dispose]: () => lent.dispose() };
  }

  async #open(): Promise<Flux> {
    this.#progress = OPENING;
    await this.#released;
    try {
      const flux = await this.#options.open({
        signal: this.#closing.signal,
        onProgress: (message, download) => this.#tell({ message, download }),
      });
      if (this.#closing.signal.aborted) await flux.close();
      this.#closing.signal.throwIfAborted();
      this.#flux = flux;
      this.#name = flux.name;
      this.#status = { status: 'ready', model: flux.name, device: flux.device };
      this.#rest();
      return flux;
    } catch (error) {
      this.#opening = undefined;
      this.#status = { status: 'failed', error: toldError(error, 'the model') };
      throw error;
    }
  }

  #tell(progress: LoadingProgress): void {
    const now = performance.now();
    if (progress.message === this.#progress.message && now - this.#told < BETWEEN) return;
    this.#told = now;
    this.#progress = progress;
    for (const listener of this.#listeners) listener(progress);
  }

  #giveBack(): void {
    this.#leases--;
    this.#rest();
  }

  /** Begins the idle time, if nobody has the model. */
  #rest(): void {
    const { idleRelease } = this.#options;
    if (this.#leases > 0 || idleRelease === undefined) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#release(), idleRelease);
    this.#idle.unref();
  }

  /** Closes the model; the next lease opens it again. */
  #release(): void {
    const flux = this.#flux;
    if (!flux || this.#leases > 0) return;
    this.#flux = undefined;
    this.#opening = undefined;
    this.#status = { status: 'released' };
    this.#released = flux.close().catch((error) => log('warn', `the idle model could not be closed: ${error}`));
  }

  /** Closes the model for good; what is made with it ends in `disposed`. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle);
    this.#closing.abort(new FluxionError('disposed', 'the server is closed'));
    await this.#opening?.catch(() => {});
    await this.#flux?.close();
    await this.#released;
    this.#flux = undefined;
    this.#opening = undefined;
    this.#status = { status: 'closed' };
  }
}

function servedModel({ name, device, defaults, sizes, pictureUse, beside }: Flux): ServedModel {
  return { name, device, defaults, guidance: sizes.transformer.guidanceEmbeds, pictureUse, beside };
}
