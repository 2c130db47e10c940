/**
 * The LoRAs of an opened model: those in force for every request, those a request or a prompt names itself, and the files read
 * for them. A set that cannot be loaded changes nothing.
 */

import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { checked } from '../api/check.ts';
import type { LoraReport } from '../api/events.ts';
import type { LoraTag } from '../api/lora-tags.ts';
import { LORA, LORAS, type LoraUse } from '../api/request.ts';
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
  modulesText,
  unmatchedText,
} from '../weights/lora/adapter.ts';
import { BUNDLED_LORA, fetchLora, locateByName, locateLora, pathByName } from '../weights/lora/locate.ts';
import type { Applied, ApplyMode } from '../weights/lora/overlay.ts';
import { type Event, warning } from './events.ts';

export { type LoraSource, loraHash, modulesText };

/** Reads what a LoRA file is and would change, without a model. Throws `bad_request`, `not_found`, `bad_file`. */
export function describeLora(source: LoraSource): LoraReport {
  return describeSource(checked(LORA, source, 'source'));
}

/**
 * How LoRAs are applied. `beside`: as inputs of the programs, little of a step where layers are wide; exchanging or re-weighting them neither
 * compiles nor loads. `merged`: into the weights as these are placed, at no cost in a step; a change places the changed weights anew.
 * The text encoders' part, which runs once a prompt, is always merged, and so is what is no low-rank product (LoKr, DoRA, differences).
 */
export type LoraMode = ApplyMode;

export interface LorasOptions {
  readonly mode: LoraMode;
  /** Makes keys that match nothing an error instead of a warning. */
  readonly strict: boolean;
  /** Where LoRAs lie that are given by name alone, as in prompts. */
  readonly folder: string | undefined;
  readonly openFile: OpenFile;
  /** Told how far the download of a LoRA is that is given by its repository. */
  readonly onProgress?: OnPullProgress | undefined;
}

/** Files kept in memory beyond those in force: a server's requests take turns with a few. */
const KEPT = 4;
const MAX_LORAS = 64;

export class Loras {
  readonly #model: LoraModel;
  readonly #options: LorasOptions;
  /** Read files, in order of use. */
  readonly #read = new Map<string, Promise<Adapter>>();
  #current: readonly Applied[] = [];

  constructor(model: LoraModel, options: LorasOptions) {
    this.#model = model;
    this.#options = options;
  }

  get mode(): LoraMode {
    return this.#options.mode;
  }

  /** What is in force for requests that name no LoRAs of their own. */
  get current(): readonly { readonly lora: LoraReport; readonly scale: number }[] {
    return this.#current.map(({ adapter, scale }) => ({ lora: adapter.report, scale }));
  }

  /**
   * Puts LoRAs in force, in place of those before, for all requests that begin from now on; an empty list takes them away.
   * Rejects when one cannot be loaded, and then those before stay. Resolves to what was matched in each file.
   */
  async set(loras: readonly LoraUse[]): Promise<readonly LoraReport[]> {
    this.#current = await this.resolve(checked(LORAS, loras, 'loras'), []);
    return this.#current.map(({ adapter }) => adapter.report);
  }

  /** Loads what a request and a prompt ask for; undefined stands for what is in force. */
  async resolve(
    loras: readonly LoraUse[] | undefined,
    tags: readonly LoraTag[],
    signal?: AbortSignal,
  ): Promise<readonly Applied[]> {
    const named = tags.map(({ name, scale }): LoraUse => ({ path: this.#named(name), scale }));
    const uses = [...(loras ?? []), ...named];
    if (uses.length > MAX_LORAS)
      throw new FluxionError('bad_request', `loras: ${uses.length} are more than the ${MAX_LORAS} allowed`);
    const asked = await Promise.all(uses.map((use) => this.#apply(use, signal)));
    return loras === undefined ? [...this.#current, ...asked] : asked;
  }

  async #apply(use: LoraUse, signal: AbortSignal | undefined): Promise<Applied> {
    return { adapter: await this.#load(use, signal), scale: use.scale ?? 1 };
  }

  #named(name: string): string {
    const { folder } = this.#options;
    if (name === BUNDLED_LORA) return name;
    if (folder !== undefined) return locateByName(folder, name);
    throw new FluxionError('bad_request', `<lora:${name}:…> names a LoRA, and there is no folder of them`, {
      hint: 'lora_dir (loraDir in the library) says where they lie',
    });
  }

  async #load(use: LoraUse, signal: AbortSignal | undefined): Promise<Adapter> {
    const source = { ...use, path: this.#pathOf(use) };
    const { strict, openFile, onProgress } = this.#options;
    await fetchLora(source, { signal, onProgress });
    const { path, config, name } = locateLora(source);
    const files = [path, ...(config === undefined ? [] : [config])].map((file) => [file, statSync(file)] as const);
    const state = files.map(([file, { size, mtimeMs }]) => [file, size, mtimeMs]);
    const key = JSON.stringify([state, use.name ?? name]);
    const adapter = this.#read.get(key) ?? loadAdapter(source, this.#model, { strict, openFile });
    this.#read.delete(key);
    this.#read.set(key, adapter);
    for (const old of [...this.#read.keys()].slice(0, -(KEPT + this.#current.length))) this.#read.delete(old);
    try {
      return await adapter;
    } catch (error) {
      this.#read.delete(key);
      throw error;
    }
  }

  /** A name that is no path here is looked for in the folder of LoRAs, where a path may also be of the hub. */
  #pathOf(use: LoraUse): string {
    const { folder } = this.#options;
    const path = userPath(use.path);
    if (folder === undefined || path === BUNDLED_LORA || isAbsolute(path) || kindOf(path) !== 'missing') return path;
    return /[/\\]/.test(path) ? (pathByName(folder, path) ?? path) : locateByName(folder, path);
  }
}

/** What the user should know of LoRAs in use: keys that match nothing, settings that are not applied. */
function loraWarnings(applied: readonly Applied[]): string[] {
  return applied.flatMap(({ adapter: { report } }) => [
    ...(report.unmatched.count > 0 ? [unmatchedText(report)] : []),
    ...report.warnings,
  ]);
}

/** One event for every different use of a LoRA by a run's jobs, and warnings of what is not applied of its file. */
export function* loraEvents(jobs: readonly { readonly loras: readonly Applied[] }[]): Generator<Event> {
  const told = new Set<string>();
  for (const { loras } of jobs) {
    // Files of equal content are different LoRAs, and a job may use one twice.
    const uses = Map.groupBy(loras, ({ adapter: { report }, scale }) =>
      JSON.stringify([report.path, report.name, scale]),
    );
    for (const [key, same] of uses) {
      for (const [i, applied] of same.entries()) {
        if (told.has(`${key} ${i}`)) continue;
        told.add(`${key} ${i}`);
        yield { type: 'lora', lora: applied.adapter.report, scale: applied.scale };
        if (i === 0) for (const message of loraWarnings([applied])) yield warning(message);
      }
    }
  }
}
