/**
 * The model of a server: opened in the background, lent to jobs, and closed while idle if that is configured. If opening fails, all
 * waiting jobs get the error, and the next job tries again.
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
  /** The model's name until it is open and has its own. */
  readonly name?: string | undefined;
  /** Opens the model. */
  readonly open: (options: {
    readonly signal: AbortSignal;
    readonly onProgress: (message: string, download?: PullProgress) => void;
  }) => Promise<Flux>;
  /** Milliseconds without work after which the model leaves the device; by default, it stays. */
  readonly idleRelease?: number | undefined;
  /** Folder of the LoRAs that requests may name. */
  readonly loraDir?: string | undefined;
}

/** A borrowed model; disposing gives it back. */
export interface Lease extends Disposable {
  readonly flux: Flux;
}

const OPENING: LoadingProgress = { message: 'opening the model' };
/** Jobs in the engine at the same time: enough for its batches. The input pictures of other jobs are not decoded yet. */
const IN_ENGINE = 32;
/** Milliseconds between two reports of a download. */
const BETWEEN = 250;

/** Holds one model. */
export class ModelHost implements Backend {
  /** Jobs end when the process does. */
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
  /** Resolves when the model that was released last is closed. */
  #released: Promise<void> = Promise.resolve();

  constructor(options: ModelHostOptions) {
    this.#options = options;
    this.#name = options.name ?? 'fluxion';
  }

  /** The model's name. */
  get name(): string {
    return this.#name;
  }

  get status(): ModelStatus {
    return this.#opening && !this.#flux ? { status: 'loading', progress: this.#progress } : this.#status;
  }

  /** The model, if it is open now. */
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

  /** Begins to open the model, unless it is open or being opened. Rejects if it cannot be opened. */
  start(): Promise<Flux> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Borrows the model and opens it if needed, with reports to `onProgress`. Rejects with the signal's reason, or if opening fails. */
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

  /** Begins the idle time, if nobody borrows the model. */
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

  /** Closes the model for good; jobs that still use it fail with `disposed`. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle);
    this.#closing.abort(new FluxionError('disposed', 'the server is closed'));
    await this.#opening?.catch(() => {});
    const flux = this.#flux;
    this.#flux = undefined;
    await flux?.close();
    await this.#released;
    this.#opening = undefined;
    this.#status = { status: 'closed' };
  }
}

function servedModel({ name, device, defaults, sizes, pictureUse, beside }: Flux): ServedModel {
  return { name, device, defaults, guidance: sizes.transformer.guidanceEmbeds, pictureUse, beside };
}
