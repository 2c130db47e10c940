/** How a picture's recipe is written down when it is made, read from its file, and asked for again. */

import { type SeedNumber, seedNumber } from '../api/kinds.ts';
import { byKey, type Knob } from '../api/knobs.ts';
import { BESIDE_FIELDS, LOAD_KNOBS } from '../api/load.ts';
import {
  type BesideFiles,
  PARAMETERS_TEXT,
  type PartFiles,
  parseRecipe,
  RECIPE_TEXT,
  type Recipe,
  type RecipeLora,
} from '../api/recipe.ts';
import { type BatchSlot, REQUEST_KNOBS, STEERED, type Steering } from '../api/request.ts';
import type { Config } from '../config/schema.ts';
import { PART_NAMES } from '../families/flux1/flux1.ts';
import { type PictureFile, readPictureFile } from '../picture/picture-file.ts';
import type { SchedulerConfig } from '../sampling/schedule.ts';
import { FluxionError } from '../support/errors.ts';
import { packageVersion } from '../support/version.ts';
import { BUNDLED_LORA } from '../weights/lora/locate.ts';
import type { Applied } from '../weights/lora/overlay.ts';
import type { ModelTypes } from './model-types.ts';
import { type DecidedRequest, mixes, type Prompt, type SeededPrompt } from './request.ts';
import { recipeName, travellingName } from './travelling.ts';

/** The opened model, as a recipe records it. */
export interface Identity {
  readonly name: string;
  readonly fingerprint?: string | undefined;
  readonly weights?: 'random' | undefined;
  readonly base?: string | undefined;
  readonly parts?: PartFiles | undefined;
  readonly beside?: BesideFiles | undefined;
  readonly types: ModelTypes;
  readonly scheduler: SchedulerConfig;
  readonly device: string;
  readonly precision?: Recipe['precision'];
  /** The LoRAs applied to the prompt. */
  readonly loras?: readonly RecipeLora[];
}

/** A prompt whose picture is finished. */
export interface FinishedPrompt extends SeededPrompt {
  /** The picture's index among those of the prompt. */
  readonly picture: number;
  /** Steps, from 1, that the first-block cache cut short. */
  readonly cachedSteps?: readonly number[];
}

/** Writes down how a picture is made, `slot` being the one that it was made in. */
export function makeRecipe(
  model: Identity,
  decided: DecidedRequest,
  finished: FinishedPrompt,
  slot: BatchSlot,
): Recipe {
  const { cacheThreshold: threshold } = decided;
  const { useDynamicShifting: dynamic, baseShift: base, maxShift: max, shift } = model.scheduler;
  return {
    software: 'fluxion',
    version: packageVersion(),
    model: {
      name: recipeName(model.name),
      ...(model.fingerprint !== undefined && { fingerprint: model.fingerprint }),
      ...(model.weights && { weights: model.weights }),
      ...(model.parts && { base: model.base, parts: model.parts }),
      ...besideOf(model.beside, decided),
    },
    prompt: finished.prompt,
    ...(finished.prompt2 !== finished.prompt && { prompt2: finished.prompt2 }),
    ...(finished.negative && negativeOf(finished.negative, decided)),
    width: decided.width,
    height: decided.height,
    steps: decided.steps,
    guidance: decided.guidance,
    seed: seedNumber(decided.noise === 'jax' ? finished.seed : seedAt(finished.seed, finished.picture)),
    noise: decided.noise,
    ...batchOf(decided, finished, slot),
    ...(decided.sampler !== 'euler' && { sampler: decided.sampler }),
    ...(decided.spacing !== 'default' && { schedule: decided.spacing }),
    ...(decided.sigmas && { sigmas: decided.sigmas }),
    ...(decided.inputs && {
      inputs: decided.inputs,
      ...Object.fromEntries(STEERED.flatMap((field) => unusual(field, decided.steering[field]))),
    }),
    ...(threshold !== undefined && { cache: { kind: 'fbcache', threshold, cachedSteps: finished.cachedSteps ?? [] } }),
    ...(model.loras?.length && { loras: model.loras }),
    maxSequenceLength: decided.maxSequenceLength,
    weights: model.types.storage,
    activations: model.types.compute,
    ...(model.types.form && { quantization: model.types.form }),
    ...(model.precision !== undefined && { precision: model.precision }),
    shift: { dynamic, base, max, ...(!dynamic && shift !== 1 && { fixed: shift }) },
    device: model.device,
  };
}

/** A field with its value, unless it has its default. */
function unusual(field: keyof Steering, value: unknown): [string, unknown][] {
  const { default: usual }: Knob = REQUEST_KNOBS[field];
  return value === undefined || value === usual ? [] : [[field, value]];
}

/** The networks beside the model that took part. */
function besideOf(beside: BesideFiles | undefined, { conditions }: DecidedRequest) {
  if (!beside) return undefined;
  const { controlnet, ...redux } = beside;
  const used = { ...(controlnet && { controlnet }), ...(conditions.some(({ prompt }) => prompt) && redux) };
  return Object.keys(used).length > 0 && { beside: used };
}

function negativeOf({ prompt, prompt2 }: Prompt, { trueCfgScale }: DecidedRequest) {
  return { negativePrompt: prompt, ...(prompt2 !== prompt && { negativePrompt2: prompt2 }), trueCfgScale };
}

/** The batch in a recipe: all of it if its pictures depend on each other, else the slot of this picture. */
function batchOf(decided: DecidedRequest, { seed, picture }: FinishedPrompt, slot: BatchSlot) {
  if (!mixes(decided))
    return decided.batch > 1 && { batch: { seed: seedNumber(seed), size: decided.batch, index: picture } };
  const { size, index: _, ...odd } = slot;
  return (size > 1 || Object.keys(odd).length > 0) && { batch: slot };
}

/** Writes down a LoRA that was applied. */
export function recipeLora({ adapter: { report, hash }, scale }: Applied): RecipeLora {
  const name = recipeName(report.name).replaceAll(/[/\\]/g, '-');
  const file = travellingName(report.path);
  return { name, hash, scale, ...(name !== BUNDLED_LORA && file !== `${name}.safetensors` && { file }) };
}

/** The seed of a picture of a batch; 2⁶⁴ - 1 is followed by 0. */
function seedAt(first: bigint, index: number): bigint {
  const seed = first + BigInt(index);
  return seed < 2n ** 64n ? seed : seed - 2n ** 64n;
}

/** A generator's seed as a request writes it: generators read -1 as 2⁶⁴ - 1, requests as a random seed. */
function askedSeed(seed: SeedNumber): SeedNumber {
  return seed === -1 ? seedNumber(2n ** 64n - 1n) : seed;
}

/** The slot of a recipe's picture in a batch whose other slots may be empty; `undefined` if it was alone or depends on the other pictures. */
export function recipeSlot({ batch, noise, cache }: Recipe): BatchSlot | undefined {
  if (!batch || noise === 'jax' || cache) return undefined;
  const { seed: _, ...slot } = batch;
  return slot;
}

/** The configuration that makes a recipe's picture again, or the whole batch that the picture depends on; `batch.index` then says which picture. */
export function recipeConfig(recipe: Recipe): Partial<Record<keyof Config, unknown>> {
  const { model, cache, batch, shift } = recipe;
  const whole = batch !== undefined && recipeSlot(recipe) === undefined;
  const fields: Readonly<Record<string, unknown>> = {
    ...recipe,
    // The device is left out: the picture is made again on the one that is here.
    device: undefined,
    ...Object.fromEntries(PART_NAMES.map((part) => [part, model.parts?.[part]?.name])),
    ...Object.fromEntries(BESIDE_FIELDS.map((field) => [field, oneOrAll(model.beside?.[field])])),
    name: model.name,
    weights: model.weights,
    weightsDtype: recipe.weights,
    activationsDtype: recipe.activations,
    seed: askedSeed((whole ? batch?.seed : undefined) ?? recipe.seed),
    batch: whole ? batch?.size : 1,
    embedInputs:
      Object.values(recipe.inputs ?? {}).some((inputs) => inputs.some(({ data }) => data !== undefined)) || undefined,
    cache: cache?.kind,
    threshold: cache?.threshold,
    // A fixed shift is the model's own; timeShift=false would set it to 1.
    timeShift: shift.fixed === undefined ? shift.dynamic : undefined,
    baseShift: shift.base,
    maxShift: shift.max,
  };
  return {
    // A recipe has the model's name, not its path; if the name is not found here, the user is asked for the path.
    pretrained_model_name_or_path: model.base ?? model.name,
    lora: recipe.loras?.map(({ name, scale }) => `${name}:${scale}`),
    ...byKey({ ...REQUEST_KNOBS, ...LOAD_KNOBS }, fields),
  };
}

/** File names: a plain string if there is only one. */
function oneOrAll(files: readonly { readonly name: string }[] | undefined): string | readonly string[] | undefined {
  const names = files?.map(({ name }) => name);
  return names?.length === 1 ? names[0] : names;
}

/** How a picture was made, as its file tells. */
export interface PictureInfo extends Omit<PictureFile, 'texts'> {
  readonly recipe?: Recipe;
  /** The text that A1111, Forge and we write. */
  readonly parameters?: string;
}

/** Reads what a PNG, JPEG or WebP carries; `where` names it in messages. Throws `bad_file` for a broken file or a recipe with a wrong field. */
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

/** Reads a picture's recipe. Throws `not_found` saying what was found instead. */
export function requireRecipe(bytes: Uint8Array, where: string): Recipe {
  const { recipe, parameters } = readRecipe(bytes, where);
  if (recipe) return recipe;
  if (parameters === undefined)
    throw new FluxionError('not_found', `${where}: no Fluxion recipe inside, nor A1111 parameters`, {
      hint: 'programs that re-encode a picture drop its text; use the original file',
    });
  const found = `found A1111 parameters: ${parameters.slice(0, 400)}`;
  throw new FluxionError('not_found', `${where}: no Fluxion recipe inside; ${found}`, {
    hint: 'it was made by another program; pass its prompt, seed, size and steps to `fluxion generate`',
  });
}
