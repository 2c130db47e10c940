/** How a picture's recipe is written down when it is made, read from its file, and asked for again. */

import { readFileSync } from 'node:fs';
import { type SeedNumber, seedNumber } from '../api/kinds.ts';
import { byKey } from '../api/knobs.ts';
import { LOAD_KNOBS } from '../api/load.ts';
import {
  PARAMETERS_TEXT,
  type PartFiles,
  parseRecipe,
  RECIPE_TEXT,
  type Recipe,
  type RecipeLora,
} from '../api/recipe.ts';
import { REQUEST_KNOBS } from '../api/request.ts';
import type { Config } from '../config/schema.ts';
import { PART_NAMES } from '../families/flux1/flux1.ts';
import { type PictureFile, readPictureFile } from '../picture/picture-file.ts';
import type { SchedulerConfig } from '../sampling/schedule.ts';
import { FluxionError } from '../support/errors.ts';
import { BUNDLED_LORA } from '../weights/lora/locate.ts';
import type { Applied } from '../weights/lora/overlay.ts';
import type { ModelTypes } from './model-types.ts';
import type { DecidedRequest, Job } from './request.ts';
import { recipeName, travellingName } from './travelling.ts';

/** The opened model, as a recipe records it. */
export interface Identity {
  readonly name: string;
  readonly fingerprint?: string | undefined;
  readonly weights?: 'random' | undefined;
  readonly base?: string | undefined;
  readonly parts?: PartFiles | undefined;
  readonly types: ModelTypes;
  readonly scheduler: SchedulerConfig;
  readonly device: string;
  readonly precision?: Recipe['precision'];
  /** Those applied to the job. */
  readonly loras?: readonly RecipeLora[];
}

let ownVersion: string | undefined;
function version(): string {
  ownVersion ??= JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version as string;
  return ownVersion;
}

/** A job that is done. */
export interface FinishedJob extends Job {
  /** Steps, from 1, that the first-block cache cut short. */
  readonly cachedSteps?: readonly number[];
}

/** Writes down how picture `index` of a job is made. */
export function makeRecipe(model: Identity, decided: DecidedRequest, job: FinishedJob, index: number): Recipe {
  const { cacheThreshold: threshold } = decided;
  const { useDynamicShifting: dynamic, baseShift: base, maxShift: max } = model.scheduler;
  return {
    software: 'fluxion',
    version: version(),
    model: {
      name: recipeName(model.name),
      ...(model.fingerprint !== undefined && { fingerprint: model.fingerprint }),
      ...(model.weights && { weights: model.weights }),
      ...(model.parts && { base: model.base, parts: model.parts }),
    },
    prompt: job.prompt,
    ...(job.prompt2 !== job.prompt && { prompt2: job.prompt2 }),
    width: decided.width,
    height: decided.height,
    steps: decided.schedule.timesteps.length,
    guidance: decided.guidance,
    seed: seedNumber(decided.noise === 'jax' ? job.seed : seedAt(job.seed, index)),
    noise: decided.noise,
    ...(decided.batch > 1 && { batch: { seed: seedNumber(job.seed), size: decided.batch, index } }),
    ...(decided.sigmas && { sigmas: decided.sigmas }),
    ...(threshold !== undefined && { cache: { kind: 'fbcache', threshold, cachedSteps: job.cachedSteps ?? [] } }),
    ...(model.loras?.length && { loras: model.loras }),
    maxSequenceLength: decided.maxSequenceLength,
    weights: model.types.storage,
    activations: model.types.compute,
    ...(model.types.form && { quantization: model.types.form }),
    ...(model.precision !== undefined && { precision: model.precision }),
    shift: { dynamic, base, max },
    device: model.device,
  };
}

/** Writes down a LoRA that was applied. */
export function recipeLora({ adapter: { report, hash }, scale }: Applied): RecipeLora {
  const name = recipeName(report.name).replaceAll(/[/\\]/g, '-');
  const file = travellingName(report.path);
  return { name, hash, scale, ...(name !== BUNDLED_LORA && file !== `${name}.safetensors` && { file }) };
}

/** The seed of a picture of a batch; after the last one, 2⁶⁴ - 1, comes 0. */
function seedAt(first: bigint, index: number): bigint {
  const seed = first + BigInt(index);
  return seed < 2n ** 64n ? seed : seed - 2n ** 64n;
}

/** The same seed as a request says it: -1 is the number 2⁶⁴ - 1 to generators, and a random one to requests. */
function askedSeed(seed: SeedNumber): SeedNumber {
  return seed === -1 ? seedNumber(2n ** 64n - 1n) : seed;
}

/** The configuration that makes a recipe's picture again (with its whole batch, of which `batch.index` tells it). */
export function recipeConfig(recipe: Recipe): Partial<Record<keyof Config, unknown>> {
  const { model, cache, batch, shift } = recipe;
  const fields: Readonly<Record<string, unknown>> = {
    ...recipe,
    // It is made again on the device that is here.
    device: undefined,
    ...Object.fromEntries(PART_NAMES.map((part) => [part, model.parts?.[part]?.name])),
    name: model.name,
    weights: model.weights,
    weightsDtype: recipe.weights,
    activationsDtype: recipe.activations,
    seed: askedSeed(batch?.seed ?? recipe.seed),
    batch: batch?.size ?? 1,
    cache: cache?.kind,
    threshold: cache?.threshold,
    timeShift: shift.dynamic,
    baseShift: shift.base,
    maxShift: shift.max,
  };
  return {
    // Names alone travel, not where a model lies: for one that is not at hand by its name, the path is asked for.
    pretrained_model_name_or_path: model.base ?? model.name,
    lora: recipe.loras?.map(({ name, scale }) => `${name}:${scale}`),
    ...byKey({ ...REQUEST_KNOBS, ...LOAD_KNOBS }, fields),
  };
}

/** What a picture file tells of how it was made. */
export interface PictureInfo extends Omit<PictureFile, 'texts'> {
  readonly recipe?: Recipe;
  /** The text that A1111, Forge and we write. */
  readonly parameters?: string;
}

/** Reads what a PNG, JPEG or WebP carries; `where` names it in messages. Throws `bad_file` for a broken file or a recipe that breaks its form. */
export function readRecipe(bytes: Uint8Array, where: string): PictureInfo {
  const { texts, ...file } = readPictureFile(bytes, where);
  const json = texts.get(RECIPE_TEXT);
  const parameters = texts.get(PARAMETERS_TEXT);
  return {
    ...file,
    ...(json !== undefined && { recipe: parseRecipe(json, where) }),
    ...(parameters !== undefined && { parameters }),
  };
}

/** Reads a picture's recipe, and throws `not_found` where it has none, telling what else was found. */
export function requireRecipe(bytes: Uint8Array, where: string): Recipe {
  const { recipe, parameters } = readRecipe(bytes, where);
  if (recipe) return recipe;
  const found =
    parameters === undefined ? 'nor A1111 parameters' : `found A1111 parameters: ${parameters.slice(0, 400)}`;
  throw new FluxionError(
    'not_found',
    `${where}: no Fluxion recipe inside${parameters === undefined ? ', ' : '; '}${found}`,
    {
      hint:
        parameters === undefined
          ? 'programs that re-encode a picture drop its text; use the original file'
          : 'it was made by another program; pass its prompt, seed, size and steps to `fluxion generate`',
    },
  );
}
