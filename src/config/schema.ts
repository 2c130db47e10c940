/** What the list of keys means: TypeScript types, validation, wording for messages and `--help`, flag names and JSON Schema. */

import { z } from 'zod';
import { type Float, parseFloatName } from '../support/dtype.ts';
import { userPath } from '../support/user-path.ts';
import { acceptedKeys } from './accepted.ts';
import { GROUPS, KEY_NAMES, type KEYS, type Key, type KeyName, keyRow } from './keys.ts';
import { ALIASES, meaningOf } from './names.ts';

/** LoRA files to apply, as five lists of one length (MaxDiffusion's form). */
export interface LoraConfig {
  readonly lora_model_name_or_path: readonly string[];
  readonly weight_name: readonly (string | null)[];
  readonly adapter_name: readonly string[];
  readonly scale: readonly number[];
  readonly from_pt: readonly (boolean | string)[];
}

/** A seed of noise; `random` is drawn for each run and recorded. */
export type Seed = number | bigint | 'random';

/** A LoRA file and its scale, as `--lora PATH[:SCALE]` has it. */
export interface LoraFile {
  readonly path: string;
  readonly scale: number;
}

/** The named kinds of value, as a program sees them. */
interface Kinds {
  text: string;
  path: string;
  prompts: string | readonly string[];
  int: number;
  number: number;
  boolean: boolean;
  dtype: Float;
  seeds: Seed | readonly Seed[];
  sigmas: readonly number[];
  names: readonly string[];
  parallelism: number;
  blockSizes: Readonly<Record<string, number>>;
  axisRules: readonly (readonly [string, string | readonly string[] | null])[];
  sharding: readonly (readonly string[])[];
  loras: LoraConfig;
  loraFiles: readonly LoraFile[];
}

type ValueOf<Row> = Row extends { readonly kind: readonly (infer Word)[] }
  ? Word
  : Row extends { readonly kind: infer Kind extends keyof Kinds }
    ? Kinds[Kind]
    : never;

/** A complete configuration; keys left open for the model to decide are undefined. */
export type Config = {
  readonly [Name in KeyName]:
    | ValueOf<(typeof KEYS)[Name]>
    | ((typeof KEYS)[Name] extends { readonly default: unknown } ? never : undefined);
};

const FLOAT_WORDS = ['bfloat16', 'float32', 'float16', 'bf16', 'f32', 'f16', 'fp32', 'fp16'] as const;
const BLOCK_NAMES = [
  'block_q',
  'block_kv_compute',
  'block_kv',
  'block_q_dkv',
  'block_kv_dkv',
  'block_kv_dkv_compute',
  'block_q_dq',
  'block_kv_dq',
] as const;
/** Longest text in characters and longest list in entries; T5 reads at most 512 tokens. */
const TEXT_LIMIT = 32_768;
const LIST_LIMIT = 1024;

const text = z.string().max(TEXT_LIMIT);
const path = text.transform((value) => userPath(value));
const list = <T extends z.ZodType>(item: T) => z.array(item).max(LIST_LIMIT);
// What torch.manual_seed takes, but for -1, which means a random one in every other tool.
const seed = z.union([
  z.literal(['random', 'Random', 'RANDOM', -1]).transform(() => 'random' as const),
  z.int(),
  z
    .bigint()
    .min(-(2n ** 63n))
    .max(2n ** 64n - 1n),
]);

/** What each named kind looks like: for a message (`expected …`), for `--help`, and for validation. */
const KIND: Record<keyof Kinds, { expected: string; placeholder: string; type: (row: Key) => z.ZodType }> = {
  text: { expected: 'text', placeholder: 'TEXT', type: () => text },
  path: { expected: 'a path', placeholder: 'PATH', type: () => path },
  prompts: {
    expected: 'text, or a list of texts',
    placeholder: 'TEXT',
    type: () => z.union([text, list(text).min(1)]),
  },
  int: {
    expected: 'a whole number',
    placeholder: 'N',
    type: (row) => {
      const int = z
        .int()
        .min(row.min ?? 0)
        .max(row.max ?? Number.MAX_SAFE_INTEGER);
      return row.multipleOf === undefined ? int : int.multipleOf(row.multipleOf);
    },
  },
  number: {
    expected: 'a number',
    placeholder: 'X',
    type: (row) =>
      z
        .number()
        .min(row.min ?? -Number.MAX_VALUE)
        .max(row.max ?? Number.MAX_VALUE),
  },
  boolean: { expected: 'True or False', placeholder: 'True|False', type: () => z.boolean() },
  dtype: {
    expected: 'bfloat16, float32 or float16',
    placeholder: 'bfloat16|float32|float16',
    type: () => z.enum(FLOAT_WORDS).transform(parseFloatName),
  },
  seeds: {
    expected: 'random, a whole number from -2⁶³ to 2⁶⁴ - 1, or a list of them',
    placeholder: 'N|N,N,…|random',
    type: () => z.union([seed, list(seed).min(1)]),
  },
  sigmas: {
    expected: 'a falling list of numbers above 0, at most 1',
    placeholder: '[X, …]',
    type: () =>
      list(z.number().gt(0).lte(1))
        .min(1)
        .refine((values) => values.every((value, i) => i === 0 || value < values[i - 1]!), 'is not falling'),
  },
  names: { expected: 'a list of names', placeholder: '[NAME, …]', type: () => list(text) },
  parallelism: {
    expected: 'a whole number from 1, or -1 for all devices that are left',
    placeholder: 'N',
    type: () => z.union([z.literal(-1), z.int().min(1).max(1_000_000)]),
  },
  blockSizes: {
    expected: `a map of block sizes (${BLOCK_NAMES.join(', ')})`,
    placeholder: '{NAME: N, …}',
    type: () => z.partialRecord(z.enum(BLOCK_NAMES), z.int().min(1).max(1_000_000)),
  },
  axisRules: {
    expected: 'a list of [logical axis, mesh axis or list of mesh axes]',
    placeholder: '[[NAME, NAME], …]',
    type: () => list(z.tuple([text, z.union([text, list(text), z.null()])])),
  },
  sharding: { expected: 'a list of lists of mesh axes', placeholder: '[[NAME, …]]', type: () => list(list(text)) },
  loras: {
    expected: 'five lists of one length: lora_model_name_or_path, weight_name, adapter_name, scale, from_pt',
    placeholder: '{…}',
    type: () =>
      z
        .strictObject({
          lora_model_name_or_path: list(path),
          weight_name: list(z.union([text, z.null()])),
          adapter_name: list(text),
          scale: list(z.number()),
          from_pt: list(z.union([z.boolean(), z.stringFormat('boolean', /^(true|false)$/i)])),
        })
        .refine((lists) => new Set(Object.values(lists).map(({ length }) => length)).size === 1, 'differ in length'),
  },
  loraFiles: {
    expected: 'PATH or PATH:SCALE, or a list of them',
    placeholder: 'PATH[:SCALE]',
    type: () =>
      z
        .union([text.min(1), list(text.min(1))])
        .transform((words) => (typeof words === 'string' ? [words] : words).map(splitLora)),
  },
};

/** `PATH:0.8` is split at its last colon, where a number follows: `C:\\style.safetensors` is a path. */
function splitLora(word: string): LoraFile {
  const match = /^(.+):([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/is.exec(word);
  return match ? { path: userPath(match[1]!), scale: Number(match[2]) } : { path: userPath(word), scale: 1 };
}

function kindOf(row: Key): (typeof KIND)[keyof Kinds] {
  if (typeof row.kind === 'string') return KIND[row.kind as keyof Kinds];
  const words = row.kind;
  return {
    expected: `one of ${words.join(', ')}`,
    placeholder: words.join('|'),
    type: ({ empty }) =>
      empty === undefined ? z.enum(words) : z.union([z.enum(words), z.literal('').transform(() => empty)]),
  };
}

/** Validators by key name, and without defaults: what a value that is given must look like. */
const VALIDATORS = Object.fromEntries(
  KEY_NAMES.map((name) => [name, kindOf(keyRow(name)).type(keyRow(name))]),
) as Record<KeyName, z.ZodType>;

/** Says what a key's value must be: `a whole number from 16 to 8192, divisible by 16`. */
export function expected(name: KeyName): string {
  const row = keyRow(name);
  const range = row.min !== undefined && row.max !== undefined ? ` from ${row.min} to ${row.max}` : '';
  const multiple = row.multipleOf === undefined ? '' : `, divisible by ${row.multipleOf}`;
  return kindOf(row).expected + range + multiple;
}

/** Validates one value and returns it as programs see it (`bfloat16` becomes `bf16`, `~/x` a path), or says what is wrong with which part of it. */
export function validate(name: KeyName, value: unknown): { value: unknown } | { problem: string } {
  const result = VALIDATORS[name].safeParse(value);
  if (result.success) return { value: result.data };
  const issue = result.error.issues[0]!;
  // Zod's own wording is kept only where it names a part of a structure; the whole is described by `expected`.
  return { problem: issue.path.length === 0 ? '' : `${issue.path.join('.')}: ${issue.message.toLowerCase()}` };
}

/** Returns the value a key has when nobody sets it; undefined where the model decides. */
export function defaultOf(name: KeyName): unknown {
  const row = keyRow(name);
  return row.default === undefined ? undefined : VALIDATORS[name].parse(row.default);
}

/** Tells whether a key's values are plain text, to be taken letter by letter and not as YAML. */
export function isText(name: KeyName): boolean {
  const { kind } = keyRow(name);
  return typeof kind !== 'string' || kind === 'text' || kind === 'path' || kind === 'prompts' || kind === 'dtype';
}

/** Spells a key as a flag: `num_inference_steps` → `num-inference-steps`. */
export function flagName(name: KeyName): string {
  return name.replaceAll('_', '-');
}

/** Spells a key's other names as flags: `--steps`, `-n`. */
function otherFlags(name: KeyName): string[] {
  return (ALIASES[name] ?? []).map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias.replaceAll('_', '-')}`));
}

/** Formats the keys for `--help`: grouped, one flag with its sentence, what of it has no effect yet, its default and its other names each. */
export function configHelp(): string {
  const lines: string[] = [];
  for (const group of GROUPS) {
    lines.push(`${group}:`);
    for (const name of KEY_NAMES) {
      const row = keyRow(name);
      if (row.group !== group) continue;
      const flag = `--${flagName(name)}${row.kind === 'boolean' ? '' : ` ${kindOf(row).placeholder}`}`;
      const later = row.because === undefined ? '' : ` Note: ${row.because}.`;
      const others = otherFlags(name);
      const also = others.length === 0 ? '' : `; also ${others.join(', ')}`;
      lines.push(`  ${flag}`, `      ${row.help}${later} (default: ${defaultText(row)}${also})`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

/** Explains one name of a key for `fluxion help NAME`: the key it stands for, or why there is none; undefined for a name that nothing is known of. */
export function keyHelp(written: string): string | undefined {
  const meaning = meaningOf(written.replace(/^-+/, ''));
  if (meaning.kind === 'unknown') return undefined;
  if (meaning.kind === 'advice') return `There is no key '${written}': ${meaning.advice}.\n`;
  if (meaning.kind === 'accepted')
    return `${meaning.name}: a key of MaxDiffusion, accepted without effect: ${acceptedKeys[meaning.name]}.\n`;
  const { name } = meaning;
  const row = keyRow(name);
  const value = EXAMPLES[name] ?? exampleOf(row);
  const others = otherFlags(name).map((flag) => (flag.startsWith('--') ? flag.slice(2).replaceAll('-', '_') : flag));
  const flag = `--${flagName(name)}${row.kind === 'boolean' ? '' : ` ${value}`}`;
  return [
    `${name}: ${row.help}`,
    '',
    `  takes     ${expected(name)}`,
    `  default   ${defaultText(row)}`,
    ...(others.length === 0 ? [] : [`  also      ${others.join(', ')}`]),
    ...(row.because === undefined ? [] : [`  note      ${row.because}`]),
    `  example   fluxion generate ${name}=${value}`,
    `            fluxion generate ${flag}`,
    '',
  ].join('\n');
}

/** Values that say more than a key's default does. */
const EXAMPLES: Partial<Record<KeyName, string>> = {
  prompt: '"a lighthouse by the sea at night"', prompt_2: '"a lighthouse on a rock, waves, stars"', resolution: '1024x768', width: '1024', height: '768',
  batch: '4', seed: '1,2,3', num_inference_steps: '8', guidance_scale: '3.5', max_sequence_length: '256', base_shift: '0.5', max_shift: '1.15',
  sigmas: '1.0,0.75,0.5,0.25', threshold: '0.08', pretrained_model_name_or_path: 'black-forest-labs/FLUX.1-schnell', memory_limit: '6', output_dir: 'pictures',
  lora: 'style.safetensors:0.8', revision: 'main', cpu_devices: '4', node_id: '0', num_nodes: '2', node_store: 'valkey://HOST:6379', lora_dir: 'loras',
  transformer: 'flux1-dev-Q8_0.gguf', clip: 'clip_l.safetensors', t5: 't5xxl_fp16.safetensors', vae: 'ae.safetensors', run_name: 'evening',
}; // biome-ignore format: names and values

function exampleOf(row: Key): string {
  if (Array.isArray(row.kind)) return row.kind.at(-1);
  if (row.kind === 'boolean') return row.default === true ? 'False' : 'True';
  return typeof row.default === 'number' || row.kind === 'dtype' ? String(row.default) : `'${kindOf(row).placeholder}'`;
}

/** Formats MaxDiffusion's other keys: each reason, and the keys that have no effect for it. */
export function acceptedHelp(): string {
  const byReason = Object.groupBy(Object.keys(acceptedKeys), (key) => acceptedKeys[key]!);
  return Object.entries(byReason)
    .map(([reason, keys]) => `Accepted without effect: ${reason}\n  ${keys?.join('\n  ')}\n`)
    .join('\n');
}

function defaultText(row: Key): string {
  if (row.default === undefined) return row.unset ?? 'none';
  if (row.kind === 'boolean') return row.default ? 'True' : 'False';
  if (row.default === '') return 'empty';
  return typeof row.default === 'object' ? JSON.stringify(row.default) : String(row.default);
}

/** Builds the JSON Schema of a configuration file, for completion in editors; MaxDiffusion's other keys are in it too. */
export function configJsonSchema(): Record<string, unknown> {
  const shape = Object.fromEntries(
    KEY_NAMES.map((name) => {
      const row = keyRow(name);
      const described = VALIDATORS[name].nullish().describe(row.help);
      return [name, row.default === undefined ? described : described.meta({ default: row.default })];
    }),
  );
  const schema = z.toJSONSchema(z.strictObject(shape), {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'bigint') jsonSchema.type = 'integer';
    },
  });
  const others = Object.entries(acceptedKeys).map(([name, reason]) => [name, { description: `No effect: ${reason}` }]);
  return { ...schema, properties: { ...schema.properties, ...Object.fromEntries(others) } };
}
