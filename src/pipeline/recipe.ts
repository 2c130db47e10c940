/**
 * The recipe of a picture: everything that makes the same bytes again. It travels in the file twice: as JSON for
 * `fluxion redo`, and in the `parameters` form that A1111, Forge and many galleries read.
 */

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Config } from '../config/schema.ts';
import { PART_NAMES } from '../families/flux1/flux1.ts';
import { type PictureFile, readPictureFile } from '../picture/picture-file.ts';
import type { SchedulerConfig } from '../sampling/schedule.ts';
import type { DType } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import { BUNDLED_LORA } from '../weights/lora/locate.ts';
import type { Applied } from '../weights/lora/overlay.ts';
import type { ModelTypes, QuantisedForm } from './model-types.ts';
import type { Job, Plan } from './request.ts';
import { type PartFiles, recipeName, travellingName } from './travelling.ts';

/** A LoRA as a recipe records it: by name, since where a file lies does not travel. */
export interface RecipeLora {
  readonly name: string;
  readonly hash: string;
  readonly scale: number;
  /** The file's name where `name` is another, and `ORG/NAME/FILE` where it is of the hub. */
  readonly file?: string | undefined;
}

export interface RecipeCache {
  readonly kind: 'fbcache';
  readonly threshold: number;
  readonly cachedSteps: readonly number[];
}

/** Everything that makes one picture again. */
export interface Recipe {
  readonly software: 'fluxion';
  readonly version: string;
  readonly model: {
    readonly name: string;
    /** A short hash of the model's files, where it was taken. */
    readonly fingerprint?: string | undefined;
    /** `random` where a rule made the weights. */
    readonly weights?: 'random' | undefined;
    /** The model that single parts were put in place of, where some were, and those parts. */
    readonly base?: string | undefined;
    readonly parts?: PartFiles | undefined;
  };
  readonly prompt: string;
  /** Text for T5 where it differs from `prompt`. */
  readonly prompt2?: string | undefined;
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidance: number;
  /** Seed of this picture; with `jax` noise, that of its whole batch. */
  readonly seed: bigint;
  readonly noise: 'torch' | 'jax' | 'philox';
  /** The batch the picture was made in, where it was not alone: with `jax` the noise of all is one draw, and with any noise the last bits may depend on it. */
  readonly batch?: { readonly seed: bigint; readonly size: number; readonly index: number } | undefined;
  readonly sigmas?: readonly number[] | undefined;
  /** The first-block cache, where it was on: its threshold, and the steps (from 1) that it cut short. */
  readonly cache?: RecipeCache | undefined;
  /** The LoRAs applied, with a short hash of each file. */
  readonly loras?: readonly RecipeLora[] | undefined;
  readonly maxSequenceLength: number;
  readonly weights: DType;
  readonly activations: DType;
  /** The form of matrices, where they were quantised. */
  readonly quantization?: QuantisedForm | undefined;
  readonly precision?: 'DEFAULT' | 'HIGH' | 'HIGHEST' | undefined;
  readonly shift: { readonly dynamic: boolean; readonly base: number; readonly max: number };
  /** The platform it was made on; others give the same picture, not the same bytes. */
  readonly device: string;
}

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

/** Names of our text chunks. */
const RECIPE = 'fluxion';
const PARAMETERS = 'parameters';

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
export function makeRecipe(model: Identity, plan: Plan, job: FinishedJob, index: number): Recipe {
  const { cacheThreshold: threshold } = plan;
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
    width: plan.width,
    height: plan.height,
    steps: plan.schedule.timesteps.length,
    guidance: plan.guidance,
    seed: plan.noise === 'jax' ? job.seed : seedAt(job.seed, index),
    noise: plan.noise,
    ...(plan.batch > 1 && { batch: { seed: job.seed, size: plan.batch, index } }),
    ...(plan.sigmas && { sigmas: plan.sigmas }),
    ...(threshold !== undefined && { cache: { kind: 'fbcache', threshold, cachedSteps: job.cachedSteps ?? [] } }),
    ...(model.loras?.length && { loras: model.loras }),
    maxSequenceLength: plan.maxSequenceLength,
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
function askedSeed(seed: bigint): bigint {
  return seed === -1n ? 2n ** 64n - 1n : seed;
}

/** The configuration that makes a recipe's picture again (with its whole batch, of which `batch.index` tells it). */
export function recipeConfig(recipe: Recipe): Partial<Record<keyof Config, unknown>> {
  return {
    // Names alone travel, not where a model lies: for one that is not at hand by its name, the path is asked for.
    pretrained_model_name_or_path: recipe.model.base ?? recipe.model.name,
    ...Object.fromEntries(PART_NAMES.map((part) => [part, recipe.model.parts?.[part]?.name])),
    flux_name: recipe.model.name,
    weights: recipe.model.weights,
    prompt: recipe.prompt,
    prompt_2: recipe.prompt2,
    width: recipe.width,
    height: recipe.height,
    num_inference_steps: recipe.steps,
    guidance_scale: recipe.guidance,
    seed: askedSeed(recipe.batch?.seed ?? recipe.seed),
    batch: recipe.batch?.size ?? 1,
    noise: recipe.noise,
    sigmas: recipe.sigmas,
    cache: recipe.cache?.kind,
    threshold: recipe.cache?.threshold,
    lora: recipe.loras?.map(({ name, scale }) => `${name}:${scale}`),
    max_sequence_length: recipe.maxSequenceLength,
    weights_dtype: recipe.weights,
    activations_dtype: recipe.activations,
    quantization: recipe.quantization,
    precision: recipe.precision,
    time_shift: recipe.shift.dynamic,
    base_shift: recipe.shift.base,
    max_shift: recipe.shift.max,
  };
}

/** The text chunks that carry a recipe. */
export function recipeTexts(recipe: Recipe): Record<string, string> {
  return { [PARAMETERS]: parametersText(recipe), [RECIPE]: recipeJson(recipe) };
}

/** A recipe as JSON; seeds beyond 2⁵³ become strings. */
export function recipeJson(recipe: Recipe): string {
  return JSON.stringify(recipe, (_key, value: unknown) => {
    if (typeof value !== 'bigint') return value;
    return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  });
}

/** A recipe in A1111's form, with Forge's name for distilled guidance: the prompt, then one line of `Name: value` pairs. */
export function parametersText(recipe: Recipe): string {
  const { model, batch } = recipe;
  const pairs: [string, string | number | bigint | undefined][] = [
    ['Steps', recipe.steps],
    ['Sampler', 'Euler'],
    ['Schedule type', 'Simple'],
    ['CFG scale', 1],
    ['Distilled CFG Scale', recipe.guidance],
    ['Seed', recipe.seed],
    ['Size', `${recipe.width}x${recipe.height}`],
    ['Model hash', model.fingerprint],
    ['Model', model.name],
    ['RNG', { torch: 'CPU', jax: 'JAX', philox: 'NV' }[recipe.noise]],
    ['First block cache', recipe.cache?.threshold],
    ['T5 prompt', recipe.prompt2],
    ['Batch pos', batch && `${batch.index}`],
    ['Batch size', batch?.size],
    ['Lora hashes', recipe.loras?.map(({ name, hash }) => `${name}: ${hash}`).join(', ')],
    ['Version', `fluxion ${recipe.version}`],
  ];
  const line = pairs
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${quoted(String(value))}`]))
    .join(', ');
  return `${recipe.prompt}\n${line}`;
}

/** Quotes a value as A1111 does, where a reader would otherwise split it. */
function quoted(value: string): string {
  return /[,:\n]/.test(value) ? JSON.stringify(value) : value;
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
  const json = texts.get(RECIPE);
  const parameters = texts.get(PARAMETERS);
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

const text = z.string().max(100_000);
const name = z.string().max(1000);
/** A name that is looked up, and no path. */
const loraName = name.regex(/^[^/\\]+$/);
/** A file's name, or that of a file on the hub; never a way to another place. */
const fileName = name.regex(/^(?![/~])(?!.*(^|\/)\.\.(\/|$))[^\\\0]+$/);
const side = z.int().min(1).max(65_536);
const seed = z
  .union([z.int(), z.string().regex(/^-?\d{1,20}$/)])
  .transform(BigInt)
  .refine((value) => value >= -(2n ** 63n) && value < 2n ** 64n, 'is no seed');
const floats = z.enum(['f64', 'f32', 'f16', 'bf16', 'f8e4m3', 'f8e5m2']);

// Keys of later versions are let through: what matters is that those known today are sound.
const RECIPE_SCHEMA = z.object({
  software: z.literal('fluxion'),
  version: name,
  model: z.object({
    name,
    fingerprint: name.optional(),
    weights: z.literal('random').optional(),
    base: name.optional(),
    parts: z.partialRecord(z.enum(PART_NAMES), z.object({ name: fileName, hash: name })).optional(),
  }),
  prompt: text,
  prompt2: text.optional(),
  width: side,
  height: side,
  steps: z.int().min(1).max(10_000),
  guidance: z.number().min(0),
  seed,
  noise: z.enum(['torch', 'jax', 'philox']),
  batch: z
    .object({ seed, size: z.int().min(1).max(4096), index: z.int().min(0) })
    .refine(({ size, index }) => index < size, 'index is beyond its size')
    .optional(),
  sigmas: z.array(z.number()).max(10_000).optional(),
  cache: z
    .object({
      kind: z.literal('fbcache'),
      threshold: z.number().min(0),
      cachedSteps: z.array(z.int().min(1)).max(10_000),
    })
    .optional(),
  loras: z
    .array(z.object({ name: loraName, hash: name, scale: z.number(), file: fileName.optional() }))
    .max(64)
    .optional(),
  maxSequenceLength: z.int().min(1).max(4096),
  weights: floats,
  activations: floats,
  quantization: z.enum(['int8', 'fp8', 'int4']).optional(),
  precision: z.enum(['DEFAULT', 'HIGH', 'HIGHEST']).optional(),
  shift: z.object({ dynamic: z.boolean(), base: z.number(), max: z.number() }),
  device: name,
});

/** Parses a recipe's JSON. Throws `bad_file` naming the field that breaks it. */
export function parseRecipe(json: string, where: string): Recipe {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw new FluxionError('bad_file', `${where}: its recipe is no JSON: ${(cause as Error).message}`, { cause });
  }
  const result = RECIPE_SCHEMA.safeParse(parsed);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new FluxionError('bad_file', `${where}: its recipe breaks its form at '${path.join('.')}': ${message}`);
}
