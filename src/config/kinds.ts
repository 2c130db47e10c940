/** Kinds of configuration values that requests do not have: MaxDiffusion's lists, and LoRA files with their scales. */

import { z } from 'zod';
import { kind, list, PATH, TEXT } from '../api/kinds.ts';
import { AXES, AXIS_RULES, DATA_SHARDING } from '../api/load.ts';
import { userPath } from '../support/user-path.ts';

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
const most = z.int().min(1).max(1_000_000);

/** A path with `~` and `$HOME` expanded. */
export const userPaths = TEXT.transform((value) => userPath(value));

export const names = kind('names', AXES, 'a list of names', '[NAME, …]');

/** A list of names, or a single name. */
export const someNames = kind(
  'names',
  z.union([TEXT.transform((name) => (name === '' ? [] : [name])), list(TEXT, 'names')]),
  'a name, or a list of them',
  'NAME,…',
);

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const DURATION = 'a time such as 30s, 10m or 2h, up to 500h';
/** Timers go wrong beyond 2³¹ milliseconds: they fire at once. */
const LONGEST = 500 * UNITS.h;

/** A time, which becomes milliseconds. */
export const duration = kind(
  'duration',
  z
    .string()
    .regex(/^\d{1,6}(\.\d{1,3})?(ms|s|m|h)$/, DURATION)
    .transform((text) => {
      const [, number, unit] = /^([\d.]+)(\w+)$/.exec(text)!;
      return Number(number) * UNITS[unit as keyof typeof UNITS];
    })
    .refine((milliseconds) => milliseconds <= LONGEST, { error: DURATION }),
  DURATION,
  '10m',
);

export const parallelism = kind(
  'parallelism',
  z.union([z.literal(-1), most]),
  'a whole number from 1, or -1 for all devices that are left',
  'N',
);

export const blockSizes = kind(
  'blockSizes',
  z.partialRecord(z.enum(BLOCK_NAMES), most),
  `a map of block sizes (${BLOCK_NAMES.join(', ')})`,
  '{NAME: N, …}',
);

export const axisRules = kind(
  'axisRules',
  AXIS_RULES,
  'a list of [logical axis, mesh axis or list of mesh axes]',
  '[[NAME, NAME], …]',
);

export const sharding = kind('sharding', DATA_SHARDING, 'a list of lists of mesh axes', '[[NAME, …]]');

/** LoRA files to apply, as five lists of one length (MaxDiffusion's form). */
export const loras = kind(
  'loras',
  z
    .strictObject({
      lora_model_name_or_path: list(userPaths, 'paths'),
      weight_name: list(TEXT.nullable(), 'names'),
      adapter_name: list(TEXT, 'names'),
      scale: list(z.number(), 'numbers'),
      from_pt: list(z.union([z.boolean(), z.stringFormat('boolean', /^(true|false)$/i)]), 'booleans'),
    })
    .refine((lists) => new Set(Object.values(lists).map(({ length }) => length)).size === 1, 'differ in length'),
  'five lists of one length: lora_model_name_or_path, weight_name, adapter_name, scale, from_pt',
  '{…}',
);

/** LoRA files in the form of `--lora PATH[:SCALE]`. */
export const loraFiles = kind(
  'loraFiles',
  z.union([PATH, list(PATH, 'files')]).transform((words) => [words].flat().map(splitLora)),
  'PATH or PATH:SCALE, or a list of them',
  'PATH[:SCALE]',
);

/** Splits `PATH:0.8` at its last colon if a number follows; `C:\\style.safetensors` is a path. */
function splitLora(word: string): { readonly path: string; readonly scale: number } {
  const match = /^(.+):([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/is.exec(word);
  return match ? { path: userPath(match[1]!), scale: Number(match[2]) } : { path: userPath(word), scale: 1 };
}
