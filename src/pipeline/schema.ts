/**
 * What callers of the library may give, field by field: one schema each for a request, for how a model is opened, and for a run
 * that is compiled ahead. Types are checked here; ranges and what depends on the model are checked where they are used.
 */

import { z } from 'zod';
import { FluxionError, nearest } from '../support/errors.ts';
import { oneLine } from '../support/quote.ts';
import type { AheadRunOptions } from './ahead.ts';
import type { LoadOptions } from './load-options.ts';
import type { LoraUse } from './loras.ts';
import type { Request } from './request.ts';

/** A schema's own words for what it expects. */
const as = (expected: string) => ({ error: expected });

const text = z.string(as('text'));
const number = z.number(as('a number'));
const boolean = z.boolean(as('true or false'));
const oneOf = <T extends string>(...values: readonly T[]) => z.enum(values, as(`one of ${values.join(', ')}`));
const list = <T extends z.ZodType>(item: T, of: string) => z.array(item, as(`a list of ${of}`));
const some = <T extends z.ZodType>(item: T, one: string, many: string) =>
  z.union([item, z.array(item)], as(`${one}, or a list of ${many}`));
const callback = <T>() => z.custom<T>((value) => typeof value === 'function', as('a function')).optional();
const signal = z
  .custom<AbortSignal>((value) => {
    const { throwIfAborted, addEventListener } = Object(value) as Partial<AbortSignal>;
    return typeof throwIfAborted === 'function' && typeof addEventListener === 'function';
  }, as('an AbortSignal, such as that of an AbortController'))
  .optional();
const sizes = z.record(text, number.optional(), as('an object such as { data: 1, fsdp: -1 }')).optional();
const seed = z.union([z.number(), z.bigint(), z.literal('random')], as("a whole number or 'random'"));

/** A LoRA: its place and strength. */
export const LORA = z.strictObject(
  {
    path: text,
    weightName: text.optional(),
    name: text.optional(),
    scale: number.optional(),
  } satisfies Fields<LoraUse>,
  as("an object such as { path: 'ink.safetensors', scale: 0.8 }"),
);

/** A list of LoRAs. */
export const LORAS = list(LORA, 'LoRAs');

/** A request for pictures. */
export const REQUEST = z.strictObject(
  {
    prompt: some(text, 'text', 'texts'),
    prompt2: some(text, 'text', 'texts').optional(),
    width: number.optional(),
    height: number.optional(),
    steps: number.optional(),
    guidance: number.optional(),
    seed: some(seed, "a whole number or 'random'", 'them').optional(),
    batch: number.optional(),
    noise: oneOf('torch', 'jax', 'philox').optional(),
    maxSequenceLength: number.optional(),
    sigmas: list(number, 'numbers').optional(),
    loras: LORAS.optional(),
    cache: oneOf('off', 'fbcache').optional(),
    threshold: number.optional(),
    preview: oneOf('off', 'step').optional(),
    signal,
  } satisfies Fields<Request>,
  as("an object such as { prompt: 'a red house', seed: 7 }"),
);

const LOAD_FIELDS = {
  transformer: text.optional(),
  clip: text.optional(),
  t5: text.optional(),
  vae: text.optional(),
  tokenizer: text.optional(),
  attention: text.optional(),
  flashBlockSizes: z
    .strictObject(
      { blockQ: number.optional(), blockKv: number.optional(), blockKvCompute: number.optional() },
      as('an object such as { blockQ: 512 }'),
    )
    .optional(),
  maskPaddingTokens: boolean.optional(),
  useBase2Exp: boolean.optional(),
  vaeTiling: oneOf('auto', 'on', 'off').optional(),
  memoryLimit: number.positive('a number of bytes').optional(),
  device: oneOf('auto', 'cpu', 'gpu', 'cuda', 'tpu', 'rocm', 'metal').optional(),
  mesh: z
    .strictObject(
      {
        axes: list(text, 'names').optional(),
        ici: sizes,
        dcn: sizes,
        rules: list(z.custom(Array.isArray, as('a pair of a logical axis and its mesh axes')), 'pairs').optional(),
        dataSharding: list(list(text, 'names'), 'lists').optional(),
      },
      as('an object such as { ici: { data: 1, fsdp: -1 } }'),
    )
    .optional(),
  cpuDevices: number.int('a whole number').positive('a number from 1').optional(),
  nodes: z
    .strictObject(
      { id: number, count: number, store: z.strictObject({ url: text, run: text }).optional() },
      as('an object such as { id: 0, count: 2 }'),
    )
    .optional(),
  dtype: text.optional(),
  weightsDtype: text.optional(),
  activationsDtype: text.optional(),
  quantization: text.optional(),
  precision: oneOf('DEFAULT', 'HIGH', 'HIGHEST').optional(),
  attentionFallback: oneOf('error', 'auto').optional(),
  offloadEncoders: boolean.optional(),
  residency: oneOf('auto', 'resident', 'streamed').optional(),
  cacheDir: text.optional(),
  timeShift: boolean.optional(),
  baseShift: number.optional(),
  maxShift: number.optional(),
  loraMode: oneOf('beside', 'merged').optional(),
  loraStrict: boolean.optional(),
  loraDir: text.optional(),
  name: text.optional(),
  revision: text.optional(),
  weights: oneOf('file', 'random').optional(),
  signal,
  onProgress: callback(),
} satisfies Fields<LoadOptions>;

/** How a model is opened. */
export const LOAD = z.strictObject(LOAD_FIELDS, as("an object such as { device: 'cpu' }"));

/** How a run is compiled for devices that are not here. */
export const AHEAD = z.strictObject(
  {
    ...LOAD_FIELDS,
    target: text,
    out: text.optional(),
    quick: boolean.optional(),
    fresh: boolean.optional(),
    stages: list(text, 'stages').optional(),
  } satisfies Fields<AheadRunOptions>,
  as("an object such as { target: 'v6e:2x2' }"),
);

/** A model's name or path. */
export const MODEL = text.min(1, 'a path, ORG/NAME on the hub, or tiny');
/** A path. */
export const PATH = text.min(1, 'a path').regex(/^[^\0]*$/, 'a path without null bytes');
/** Quality of a JPEG or WebP. */
export const QUALITY = number
  .int('a whole number from 1 to 100')
  .min(1, 'a whole number from 1 to 100')
  .max(100, 'a whole number from 1 to 100');

/** Every field of a type, so that none can be forgotten here. */
type Fields<T> = { readonly [K in keyof T]-?: z.ZodType };

/** Other programs' words for fields of ours. */
const SYNONYMS: Readonly<Record<string, string>> = {
  numInferenceSteps: 'steps', num_inference_steps: 'steps',
  guidanceScale: 'guidance', guidance_scale: 'guidance', cfg: 'guidance', cfgScale: 'guidance', cfg_scale: 'guidance',
  n: 'batch', count: 'batch', num: 'batch', numImages: 'batch', numImagesPerPrompt: 'batch', num_images_per_prompt: 'batch',
  seeds: 'seed', lora: 'loras', abortSignal: 'signal', prompt_2: 'prompt2', max_sequence_length: 'maxSequenceLength',
  hardware: 'device', weights_dtype: 'weightsDtype', activations_dtype: 'activationsDtype', torchDtype: 'dtype', lora_dir: 'loraDir',
}; // biome-ignore format: a table

/** Devices by other names. */
const DEVICES: Readonly<Record<string, string>> = {
  nvidia: 'cuda',
  amd: 'rocm',
  apple: 'metal',
  mps: 'metal',
  CPU: 'cpu',
  GPU: 'gpu',
};

/**
 * Returns a copy of what a caller gave, every field of the right type; throws `bad_request` naming the field, or `what` where it is the
 * whole. Fields are read once: a getter that throws, or that answers otherwise the next time, does no harm.
 */
export function checked<T>(schema: z.ZodType, value: T, what: string): T {
  let result: ReturnType<typeof schema.safeParse>;
  try {
    result = schema.safeParse(value);
  } catch (cause) {
    throw new FluxionError('bad_request', `${what}: a field cannot be read: ${oneLine(String(cause), 200)}`, { cause });
  }
  if (result.success) return result.data as T;
  const issue = innermost(result.error.issues[0]!);
  const field = issue.path.reduce<string>(
    (path, key) =>
      typeof key === 'number' ? `${path || what}[${key}]` : path ? `${path}.${String(key)}` : String(key),
    '',
  );
  if (issue.code === 'unrecognized_keys') throw unknownField(schema, field, issue.keys[0]!);
  throw new FluxionError(
    'bad_request',
    `${field || what}: expected ${issue.message}, found ${shown(valueAt(value, issue.path))}`,
    { hint: issue.code === 'invalid_value' ? meant(valueAt(value, issue.path), issue.values) : undefined },
  );
}

/** Asks whether the nearest of the values that can be chosen was meant. */
function meant(value: unknown, values: readonly unknown[]): string | undefined {
  if (typeof value !== 'string') return undefined;
  const near = Object.hasOwn(DEVICES, value) ? DEVICES[value] : nearest(value, values.map(String), 1)[0];
  return near && `did you mean '${near}'?`;
}

type Issue = z.core.$ZodIssue;

/** Of a field that may be one or a list, what is wrong inside the list. */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const inside = issue.errors.flat().find(({ path }) => path.length > 0);
  return inside ? { ...inside, path: [...issue.path, ...inside.path] } : issue;
}

function unknownField(schema: z.ZodType, field: string, key: string): FluxionError {
  const known = field === '' && schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const synonym = Object.hasOwn(SYNONYMS, key) ? SYNONYMS[key]! : '';
  const near = known.includes(synonym) ? synonym : nearest(key, known, 1)[0];
  return new FluxionError('bad_request', `${field === '' ? '' : `${field}: `}there is no field '${key}'`, {
    hint:
      near === undefined ? (known.length > 0 ? `there are ${known.join(', ')}` : undefined) : `did you mean '${near}'?`,
  });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
}

/** Names a value of any type. */
function shown(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'nothing';
    case 'string':
      return `the text '${oneLine(value, 80)}'`;
    case 'bigint':
      return `the bigint ${oneLine(String(value), 80)}n`;
    case 'number':
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? (value.length === 0 ? 'an empty list' : `a list of ${value.length}`) : 'an object';
    default:
      return `a ${typeof value}`;
  }
}
