/**
 * The recipe of a picture: everything that makes the same bytes again. It is JSON as it is, and travels in the file twice: so, for
 * `fluxion redo`, and in the `parameters` form that A1111, Forge and many galleries read.
 */

import { z } from 'zod';
import { DTYPES } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import { count, SEED_NUMBER } from './kinds.ts';
import type { Immutable } from './knobs.ts';
import { LOAD_KNOBS } from './load.ts';
import { REQUEST_KNOBS } from './request.ts';

const text = z.string().max(100_000);
const name = z.string().max(1000);
/** A name that is looked up, and no path. */
const loraName = name.regex(/^[^/\\]+$/);
/** A file's name, or that of a file on the hub; never a way to another place. */
const fileName = name.regex(/^(?![/~])(?!.*(^|\/)\.\.(\/|$))[^\\\0]+$/);
const side = z.int().min(1).max(65_536);
const steps = z.int().min(1).max(10_000);
const dtype = z.enum(DTYPES);

/** A LoRA as a recipe records it: by name, since where a file lies does not travel. */
export type RecipeLora = Immutable<z.output<typeof LORA>>;
const LORA = z.object({
  name: loraName,
  hash: name,
  scale: z.number(),
  /** The file's name where `name` is another, and `ORG/NAME/FILE` where it is of the hub. */
  file: fileName.optional(),
});

/** The parts that a model was given, by name and a short hash of their content. */
export type PartFiles = Immutable<z.output<typeof PARTS>>;
const PARTS = z.partialRecord(
  z.enum(['transformer', 'clip', 't5', 'vae', 'tokenizer']),
  z.object({ name: fileName, hash: name }),
);

/** Everything that makes one picture again. Fields of later versions are let through: those known today are sound. */
export type Recipe = Immutable<z.output<typeof RECIPE>>;
export const RECIPE = z.object({
  software: z.literal('fluxion'),
  version: name,
  model: z.object({
    name,
    /** A short hash of the model's files, where it was taken. */
    fingerprint: name.optional(),
    /** `random` where a rule made the weights. */
    weights: z.literal('random').optional(),
    /** The model that single parts were put in place of, where some were, and those parts. */
    base: name.optional(),
    parts: PARTS.optional(),
  }),
  prompt: text,
  /** Text for T5 where it differs from `prompt`. */
  prompt2: text.optional(),
  width: side,
  height: side,
  steps,
  guidance: z.number().min(0),
  /** Seed of this picture; with `jax` noise, that of its whole batch. */
  seed: SEED_NUMBER,
  noise: REQUEST_KNOBS.noise.kind.type,
  /** The batch the picture was made in, where it was not alone: with `jax` the noise of all is one draw, and with any noise the last bits may depend on it. */
  batch: z
    .object({ seed: SEED_NUMBER, size: REQUEST_KNOBS.batch.kind.type, index: count })
    .refine(({ size, index }) => index < size, 'index is beyond its size')
    .optional(),
  sigmas: z.array(z.number()).max(10_000).optional(),
  /** The first-block cache, where it was on: its threshold, and the steps (from 1) that it cut short. */
  cache: z
    .object({ kind: z.literal('fbcache'), threshold: z.number().min(0), cachedSteps: z.array(steps).max(10_000) })
    .optional(),
  /** The LoRAs applied, with a short hash of each file. */
  loras: z.array(LORA).max(64).optional(),
  maxSequenceLength: z.int().min(1).max(4096),
  weights: dtype,
  activations: dtype,
  /** The form of matrices, where they were quantised. */
  quantization: z.enum(['int8', 'fp8', 'int4']).optional(),
  precision: LOAD_KNOBS.precision.kind.type.optional(),
  shift: z.object({ dynamic: z.boolean(), base: z.number(), max: z.number() }),
  /** The platform it was made on; others give the same picture, not the same bytes. */
  device: name,
});

/** Names of our text chunks. */
export const RECIPE_TEXT = 'fluxion';
export const PARAMETERS_TEXT = 'parameters';

/** The text chunks that carry a recipe. */
export function recipeTexts(recipe: Recipe): Record<string, string> {
  return { [PARAMETERS_TEXT]: parametersText(recipe), [RECIPE_TEXT]: JSON.stringify(recipe) };
}

/** A recipe in A1111's form, with Forge's name for distilled guidance: the prompt, then one line of `Name: value` pairs. */
export function parametersText(recipe: Recipe): string {
  const { model, batch } = recipe;
  const pairs: [string, string | number | undefined][] = [
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

/** Parses a recipe's JSON. Throws `bad_file` naming the field that breaks it. */
export function parseRecipe(json: string, where: string): Recipe {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw new FluxionError('bad_file', `${where}: its recipe is no JSON: ${(cause as Error).message}`, { cause });
  }
  const result = RECIPE.safeParse(parsed);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new FluxionError('bad_file', `${where}: its recipe breaks its form at '${path.join('.')}': ${message}`);
}
