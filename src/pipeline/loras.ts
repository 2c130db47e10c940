/**
 * The LoRAs of an opened model: those for all requests, those that a request or a prompt names, and the files that were read for them. A
 * set that cannot be loaded changes nothing.
 */

import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { checked } from '../api/check.ts';
import type { LoraReport } from '../api/events.ts';
import type { LoraTag } from '../api/lora-tags.ts';
import { LORA, LORAS, type LoraUse } from '../api/request.ts';
import { FLUX1 } from '../families/flux1/flux1.ts';
import { FluxionError } from '../support/errors.ts';
import { userPath } from '../support/user-path.ts';
import { kindOf, type OpenFile } from '../weights/files/file-bytes.ts';
import type { OnPullProgress } from '../weights/hub/hub.ts';
import {
  type Adapter,
  describeLora as describeSource,
  type LoraModel,
  type LoraSource,
  loadAdapter,
  loraHash,
  modulesText as textOfModules,
  unmatchedText,
} from '../weights/lora/adapter.ts';
import { BUNDLED_LORA, fetchLora, locateByName, locateLora, pathByName } from '../weights/lora/locate.ts';
import type { Applied, ApplyMode } from '../weights/lora/overlay.ts';
import { modelClosed } from './closed.ts';
import { type Event, warning } from './events.ts';

export { BUNDLED_LORA, type LoraSource, loraHash };

/** Reads what a LoRA file is and would change, without a model. Throws `bad_request`, `not_found`, `bad_file`. */
export function describeLora(source: LoraSource): LoraReport {
  return describeSource(FLUX1, checked(LORA, source, 'source'));
}

/** Lists how many modules a LoRA changes in each component, such as `304 of the transformer`; unchanged components are omitted. */
export function modulesText(lora: LoraReport): string[] {
  return textOfModules(FLUX1, lora);
}

/**
 * How LoRAs are applied. `beside`: as inputs of the programs, at a small cost in a step where layers are wide; exchanging or re-weighting them
 * neither compiles nor loads. `merged`: added to the weights as these are placed, at no cost in a step; a change places the changed weights
 * again. The text encoders' part, which runs once a prompt, is always merged, as is everything that is not a low-rank product (LoKr, DoRA,
 * differences).
 */
export type LoraMode = ApplyMode;

export interface LorasOptions {
  readonly mode: LoraMode;
  /** Makes keys that match nothing an error instead of a warning. */
  readonly strict: boolean;
  /** The folder of LoRAs that are given by name only, as in prompts. */
  readonly folder: string | undefined;
  readonly openFile: OpenFile;
  /** Called with the progress of a LoRA's download from a repository. */
  readonly onProgress?: OnPullProgress | undefined;
}

/** How many files stay in memory beyond the current ones, and their bytes: a server's requests alternate between a few. */
const KEPT = 4;
const KEPT_BYTES = 2 * 2 ** 30;
const MAX_LORAS = 64;

export class Loras {
  readonly #model: LoraModel;
  readonly #options: LorasOptions;
  /** Read files, in order of use. */
  readonly #read = new Map<string, { readonly adapter: Promise<Adapter>; readonly bytes: number }>();
  #evicted = 0;
  #current: readonly Applied[] = [];
  #closed = false;

  constructor(model: LoraModel, options: LorasOptions) {
    this.#model = model;
    this.#options = options;
  }

  get mode(): LoraMode {
    return this.#options.mode;
  }

  /** Files in memory, their bytes, and how many were evicted so far. */
  get stats(): { readonly files: number; readonly bytes: number; readonly evicted: number } {
    const bytes = this.#read.values().reduce((sum, file) => sum + file.bytes, 0);
    return { files: this.#read.size, bytes, evicted: this.#evicted };
  }

  /** The LoRAs for requests that name none. */
  get current(): readonly { readonly lora: LoraReport; readonly scale: number }[] {
    return this.#current.map(({ adapter, scale }) => ({ lora: adapter.report, scale }));
  }

  /**
   * Replaces the LoRAs for all requests that begin from now on; an empty list removes them. Rejects if one cannot be loaded, leaving the
   * current ones, and with `disposed` if the model is closed. Resolves to what was matched in each file.
   */
  async set(loras: readonly LoraUse[]): Promise<readonly LoraReport[]> {
    if (this.#closed) throw modelClosed();
    const applied = await this.resolve(checked(LORAS, loras, 'loras'), []);
    if (this.#closed) throw modelClosed();
    this.#current = applied;
    return applied.map(({ adapter }) => adapter.report);
  }

  /** Frees the files that were read. No LoRA can be set any more. */
  close(): void {
    this.#closed = true;
    this.#current = [];
    this.#read.clear();
  }

  /** Loads the LoRAs of a request and a prompt; `undefined` means the current ones. */
  async resolve(
    loras: readonly LoraUse[] | undefined,
    tags: readonly LoraTag[],
    signal?: AbortSignal,
  ): Promise<readonly Applied[]> {
    const named = tags.map(({ name, scale }): LoraUse => ({ path: namedLora(this.#options.folder, name), scale }));
    const uses = [...(loras ?? []), ...named];
    if (uses.length > MAX_LORAS)
      throw new FluxionError('bad_request', `expected at most ${MAX_LORAS}, found ${uses.length}`, { field: 'loras' });
    const asked = await Promise.all(
      uses.map(async (use) => ({ adapter: await this.#load(use, signal), scale: use.scale ?? 1 })),
    );
    return loras === undefined ? [...this.#current, ...asked] : asked;
  }

  async #load(use: LoraUse, signal: AbortSignal | undefined): Promise<Adapter> {
    const { strict, folder, openFile, onProgress } = this.#options;
    const source = { ...use, path: loraPath(use, folder) };
    await fetchLora(source, { signal, onProgress });
    const { path, config, name } = locateLora(source);
    const files = [path, ...(config === undefined ? [] : [config])].map((file) => [file, statSync(file)] as const);
    const state = files.map(([file, { size, mtimeMs }]) => [file, size, mtimeMs]);
    const key = JSON.stringify([state, use.name ?? name]);
    const bytes = files.reduce((sum, [, { size }]) => sum + size, 0);
    const known = this.#read.get(key);
    const adapter = known?.adapter ?? loadAdapter(source, this.#model, { strict, openFile });
    this.#read.delete(key);
    this.#read.set(key, { adapter, bytes });
    for (const old of [...this.#read.keys()].slice(0, -1)) {
      const { files: count, bytes: total } = this.stats;
      if (count <= KEPT + this.#current.length && total <= KEPT_BYTES) break;
      this.#read.delete(old);
      this.#evicted++;
    }
    try {
      return await adapter;
    } catch (error) {
      this.#read.delete(key);
      throw error;
    }
  }
}

/** The path of a LoRA given by name only, as in prompts: in the folder of LoRAs, never elsewhere. Throws `bad_request`, `not_found`. */
export function namedLora(folder: string | undefined, name: string): string {
  if (name === BUNDLED_LORA) return name;
  if (folder !== undefined) return locateByName(folder, name);
  throw new FluxionError('bad_request', `<lora:${name}:…> names a LoRA, but lora_dir is not set`, {
    hint: 'set lora_dir (loraDir in the library) to the folder of LoRAs',
  });
}

/** The path of a LoRA. A name that is not a path here is looked up in the folder of LoRAs; a name with a slash may also be on the hub. */
export function loraPath(use: Pick<LoraUse, 'path'>, folder: string | undefined): string {
  const path = userPath(use.path);
  if (folder === undefined || path === BUNDLED_LORA || isAbsolute(path) || kindOf(path) !== 'missing') return path;
  return /[/\\]/.test(path) ? (pathByName(folder, path) ?? path) : locateByName(folder, path);
}

/** One event for each distinct use of a LoRA in a run's prompts, and warnings about the parts of its file that are not applied. */
export function* loraEvents(prompts: readonly { readonly loras: readonly Applied[] }[]): Generator<Event> {
  const told = new Set<string>();
  for (const { loras } of prompts) {
    // Files of equal content are different LoRAs, and a prompt may use one twice.
    const uses = Map.groupBy(loras, ({ adapter: { report }, scale }) =>
      JSON.stringify([report.path, report.name, scale]),
    );
    for (const [key, same] of uses) {
      for (const [i, { adapter, scale }] of same.entries()) {
        if (told.has(`${key} ${i}`)) continue;
        told.add(`${key} ${i}`);
        const { report: lora } = adapter;
        yield { type: 'lora', lora, scale };
        if (i > 0) continue;
        if (lora.unmatched.count > 0) yield warning(unmatchedText(lora));
        for (const message of lora.warnings) yield warning(message);
      }
    }
  }
}
