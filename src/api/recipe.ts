/**
 * The recipe of a picture: everything needed to make the same bytes again. It is plain JSON, and a file contains it twice: as JSON for
 * `fluxion redo`, and in the `parameters` form that A1111, Forge and many galleries read.
 */

import { z } from 'zod';
import { DTYPES } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import { SEED_NUMBER } from './kinds.ts';
import type { Immutable } from './knobs.ts';
import { BESIDE_FIELDS, LOAD_KNOBS } from './load.ts';
import { INPUT_FIELDS, REQUEST_KNOBS, SLOT, STEERING } from './request.ts';

const text = z.string().max(100_000);
const name = z.string().max(1000);
/** A name that is looked up, never a path. */
const loraName = name.regex(/^[^/\\]+$/);
/** A file's name, here or on the hub; it can never be a path to somewhere else. */
const fileName = name.regex(/^(?![/~])(?!.*(^|\/)\.\.(\/|$))[^\\\0]+$/);
const side = z.int().min(1).max(65_536);
const steps = z.int().min(1).max(10_000);
const dtype = z.enum(DTYPES);

/** A LoRA in a recipe: by name, because its path may differ elsewhere. */
export type RecipeLora = Immutable<z.output<typeof LORA>>;
const LORA = z.object({
  name: loraName,
  hash: name,
  scale: z.number(),
  /** The file's name if `name` is a different one; `ORG/NAME/FILE` for a file on the hub. */
  file: fileName.optional(),
});

/** The parts that a model was given, by name and a short hash of their content. */
export type PartFiles = Immutable<z.output<typeof PARTS>>;
const PARTS = z.partialRecord(
  z.enum(['transformer', 'clip', 't5', 'vae', 'tokenizer']),
  z.object({ name: fileName, hash: name }),
);

/** Networks beside the model, by their options: the name and a short hash of each. */
export type BesideFiles = Immutable<z.output<typeof BESIDE>>;
const BESIDE = z.partialRecord(z.enum(BESIDE_FIELDS), z.array(z.object({ name: fileName, hash: name })).max(16));

/** An input picture: its file's name, a short hash of its content and, if it is stored, the content in base64. */
export type RecipeInput = Immutable<z.output<typeof INPUT>>;
const INPUT = z.object({ name: name.regex(/^[^/\\\0]+$/), hash: name, data: z.base64().max(400_000).optional() });

/** Input pictures, by the request field that held them. */
export type RecipeInputs = Immutable<z.output<typeof INPUTS>>;
const INPUTS = z.partialRecord(z.enum(INPUT_FIELDS), z.array(INPUT).max(64));

/** Everything that makes one picture again. Unknown fields, of later versions, are kept; known ones are checked. */
export type Recipe = Immutable<z.output<typeof RECIPE>>;
export const RECIPE = z.object({
  software: z.literal('fluxion'),
  version: name,
  model: z.object({
    name,
    /** A short hash of the model's files, if it was computed. */
    fingerprint: name.optional(),
    /** `random` if a rule generated the weights. */
    weights: z.literal('random').optional(),
    /** The model whose parts were replaced, and the replacements, if there were any. */
    base: name.optional(),
    parts: PARTS.optional(),
    /** ControlNets and Redux, if they took part. */
    beside: BESIDE.optional(),
  }),
  prompt: text,
  /** Text for T5, if it differs from `prompt`. */
  prompt2: text.optional(),
  /** The text that the picture was guided away from, and how strongly. */
  negativePrompt: text.optional(),
  negativePrompt2: text.optional(),
  trueCfgScale: REQUEST_KNOBS.trueCfgScale.kind.type.optional(),
  width: side,
  height: side,
  steps,
  guidance: z.number().min(0),
  /** The seed of this picture; with `jax` noise, the seed of its whole batch. */
  seed: SEED_NUMBER,
  noise: REQUEST_KNOBS.noise.kind.type,
  /**
   * The batch of the picture, unless it had one slot: the last bits depend on the batch's size and on the picture's slot. A batch has a
   * seed if all of it must be made again, because `jax` noise is a single draw and the first-block cache decides once for all pictures.
   */
  batch: z
    .object({ ...SLOT.shape, seed: SEED_NUMBER.optional() })
    .refine(({ size, index }) => index < size, 'index is beyond its size')
    .optional(),
  /** `euler` if absent. */
  sampler: REQUEST_KNOBS.sampler.kind.type.optional(),
  /** How the noise levels are spaced; `default` if absent. */
  schedule: REQUEST_KNOBS.schedule.kind.type.optional(),
  sigmas: z.array(z.number()).max(10_000).optional(),
  /** Input pictures, and what was done with them. */
  inputs: INPUTS.optional(),
  ...STEERING.shape,
  /** The first-block cache, if it was on: its threshold, and the steps (from 1) that it cut short. */
  cache: z
    .object({ kind: z.literal('fbcache'), threshold: z.number().min(0), cachedSteps: z.array(steps).max(10_000) })
    .optional(),
  /** The LoRAs applied, with a short hash of each file. */
  loras: z.array(LORA).max(64).optional(),
  maxSequenceLength: z.int().min(1).max(4096),
  weights: dtype,
  activations: dtype,
  /** The format of the matrices, if they were quantised. */
  quantization: z.enum(['int8', 'fp8', 'int4']).optional(),
  precision: LOAD_KNOBS.precision.kind.type.optional(),
  /** The shift of noise levels: by size, or `fixed`, the model's own if it is not 1. */
  shift: z.object({ dynamic: z.boolean(), base: z.number(), max: z.number(), fixed: z.number().optional() }),
  /** The platform. Others give the same picture, but not the same bytes. */
  device: name,
});

/** Names of our text chunks. */
export const RECIPE_TEXT = 'fluxion';
export const PARAMETERS_TEXT = 'parameters';

/** The text chunks that carry a recipe. */
export function recipeTexts(recipe: Recipe): Record<string, string> {
  return { [PARAMETERS_TEXT]: parametersText(recipe), [RECIPE_TEXT]: JSON.stringify(recipe) };
}

/** Samplers as A1111 and Forge call them, in the order in which they list them. */
export const SAMPLER_NAMES = {
  euler: 'Euler',
  euler_ancestral: 'Euler a',
  heun: 'Heun',
  dpmpp_2m: 'DPM++ 2M',
  lcm: 'LCM',
} as const;
/** Schedules as Forge calls them. */
export const SCHEDULE_NAMES = {
  default: 'Simple',
  karras: 'Karras',
  exponential: 'Exponential',
  beta: 'Beta',
} as const;

/** A recipe in A1111's form, with Forge's name for distilled guidance: the prompt, then one line of `Name: value` pairs. */
export function parametersText(recipe: Recipe): string {
  const { model, batch } = recipe;
  const pairs: [string, string | number | undefined][] = [
    ['Steps', recipe.steps],
    ['Sampler', SAMPLER_NAMES[recipe.sampler ?? 'euler']],
    ['Schedule type', SCHEDULE_NAMES[recipe.schedule ?? 'default']],
    ['CFG scale', recipe.trueCfgScale ?? 1],
    ['Distilled CFG Scale', recipe.guidance],
    ['Seed', recipe.seed],
    ['Size', `${recipe.width}x${recipe.height}`],
    ['Model hash', model.fingerprint],
    ['Model', model.name],
    ['RNG', { torch: 'CPU', jax: 'JAX', philox: 'NV' }[recipe.noise]],
    ['First block cache', recipe.cache?.threshold],
    ['Denoising strength', recipe.strength],
    ['T5 prompt', recipe.prompt2],
    ['Batch pos', batch && `${batch.index}`],
    ['Batch size', batch?.size],
    ['Lora hashes', recipe.loras?.map(({ name, hash }) => `${name}: ${hash}`).join(', ')],
    ['Version', `fluxion ${recipe.version}`],
  ];
  const line = pairs
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${quoted(String(value))}`]))
    .join(', ');
  const negative = recipe.negativePrompt === undefined ? '' : `\nNegative prompt: ${recipe.negativePrompt}`;
  return `${recipe.prompt}${negative}\n${line}`;
}

/** Quotes a value as A1111 does if a reader would otherwise split it. */
function quoted(value: string): string {
  return /[,:\n]/.test(value) ? JSON.stringify(value) : value;
}

/** Parses a recipe's JSON. Throws `bad_file` naming the field that breaks it. */
export function parseRecipe(json: string, where: string): Recipe {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw new FluxionError('bad_file', `${where}: its recipe is not valid JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  const result = RECIPE.safeParse(parsed);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new FluxionError('bad_file', `${where}: field '${path.join('.')}' of its recipe is wrong: ${message}`);
}
