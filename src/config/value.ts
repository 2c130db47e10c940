/**
 * Reads one value as people write it: quoted numbers, lists without brackets, booleans in every spelling. Numbers that YAML 1.1 would
 * silently misread (`010`, `1:30`) are refused.
 */

import { DEVICE_WORDS } from '../api/load.ts';
import { about, FluxionError } from '../support/errors.ts';
import { multiplesNear } from '../support/multiples.ts';
import { type KeyName, keyRow } from './keys.ts';
import { expected, isText, validate } from './schema.ts';
import { parseYamlValue } from './yaml.ts';

/** A value's place, and how it is read. */
export interface Written {
  readonly where: string;
  /** Reads the value, as text or as YAML; null leaves the key at its default. */
  readonly read: (asText: boolean) => unknown;
}

const NUMERIC: readonly string[] = ['whole', 'number', 'numbers', 'seeds', 'sigmas', 'margins', 'parallelism'];
const LISTS: readonly string[] = ['numbers', 'seeds', 'sigmas', 'margins', 'names'];

/** Returns the validated value of a setting; undefined for null, which leaves a key at its default. Throws `bad_config`. */
export function readValue(name: KeyName, { where, read }: Written): unknown {
  const raw = read(isText(name));
  if (raw === null) return undefined;
  const kind = keyRow(name).kind.name;
  const asText = read(true);
  const place = `${where}: ${name}`;
  if (NUMERIC.includes(kind)) refuseOddNumbers(asText, LISTS.includes(kind), place);
  const found =
    kind === 'loraFiles'
      ? asFiles(raw)
      : kind === 'boolean'
        ? asBoolean(raw)
        : LISTS.includes(kind)
          ? asList(raw, place)
          : raw;
  const value = NUMERIC.includes(kind) ? asNumbers(found) : asWord(name, found);
  const result = about(place, () => validate(name, value));
  if ('value' in result) return result.value;
  const problem = result.problem === '' ? '' : ` (${result.problem})`;
  const shown = typeof raw === 'number' && typeof asText === 'string' ? (Number.isFinite(raw) ? raw : asText) : raw;
  throw new FluxionError('bad_config', `${where}: ${name} must be ${expected(name)}${problem}, found ${clip(shown)}`, {
    hint: hintFor(name, raw),
  }); // biome-ignore format: one sentence
}

/** Refuses `010` and `1:30`, which YAML 1.1, and MaxDiffusion with it, reads as 8 and 90. */
function refuseOddNumbers(written: unknown, isList: boolean, place: string): void {
  const words = [written].flat().filter((part) => typeof part === 'string');
  for (const text of isList ? words.flatMap((word) => word.split(/[[\],\s]+/)) : words) {
    const octal = /^\s*[-+]?0[0-7_]+\s*$/.test(text);
    if (!octal && !/^\s*[-+]?\d[\d_]*(:[0-5]?\d)+(\.\d*)?\s*$/.test(text)) continue;
    const meant = text.replace(/^\s*([-+]?)[0_]+(?=\d)/, '$1');
    const hint = octal ? `write ${meant.slice(0, 40)}` : 'write a decimal number';
    const message = `${place}: ${clip(text)} is ${octal ? 'an octal' : 'a base 60'} number in YAML`;
    throw new FluxionError('bad_config', message, { hint });
  }
}

/** Reads 1 and 0, which many command lines use for True and False, and quoted booleans. */
function asBoolean(raw: unknown): unknown {
  if (/^(true|yes|on|y|t|1)$/i.test(String(raw))) return true;
  return /^(false|no|off|n|f|0)$/i.test(String(raw)) ? false : raw;
}

/** Samplers by their names in ComfyUI, A1111 and diffusers, in lower case. */
const SAMPLER_WORDS = {
  euler_a: 'euler_ancestral', 'euler a': 'euler_ancestral', 'euler ancestral': 'euler_ancestral', k_euler: 'euler', k_euler_a: 'euler_ancestral', k_euler_ancestral: 'euler_ancestral', k_heun: 'heun', k_dpmpp_2m: 'dpmpp_2m',
  'dpm++ 2m': 'dpmpp_2m', 'dpm++2m': 'dpmpp_2m', 'dpm++_2m': 'dpmpp_2m', dpmpp2m: 'dpmpp_2m', default: 'euler', flow_match_euler: 'euler', flowmatcheulerdiscretescheduler: 'euler', flowmatchheundiscretescheduler: 'heun', flowmatchlcmscheduler: 'lcm', dpmsolvermultistepscheduler: 'dpmpp_2m',
}; // biome-ignore format: a table

/** Other tools' words for values, and Fluxion's words for the same. */
const WORDS: Partial<Record<KeyName, Readonly<Record<string, string>>>> = {
  hardware: DEVICE_WORDS,
  quantization: { '': 'none', '8': 'int8', '8bit': 'int8', '4': 'int4', '4bit': 'int4', float8: 'fp8', fp8_e4m3: 'fp8', off: 'none', false: 'none', no: 'none' },
  cache: { on: 'fbcache', true: 'fbcache', yes: 'fbcache', false: 'off', no: 'off', none: 'off' },
  preview: { on: 'step', true: 'step', yes: 'step', false: 'off', no: 'off', none: 'off' },
  sampler: SAMPLER_WORDS,
  schedule: { simple: 'default', automatic: 'default', none: 'default' },
  vae_tiling: { true: 'on', yes: 'on', false: 'off', no: 'off' },
}; // biome-ignore format: a key and its words are one line

/** Finds a word of a list in any case or another tool's spelling. */
function asWord(name: KeyName, found: unknown): unknown {
  const { words: known } = keyRow(name).kind;
  if (typeof found !== 'string' || !known) return found;
  const written = found.trim().toLowerCase();
  const words = WORDS[name] ?? {};
  return (
    known.find((word) => word.toLowerCase() === written) ?? (Object.hasOwn(words, written) ? words[written] : found)
  );
}

/** Reads `1,2,3` as a list, and a single word as a list of names. */
function asList(raw: unknown, place: string): unknown {
  if (typeof raw !== 'string' || !/^[^[\]{}]*,[^[\]{}]*$/.test(raw)) return raw;
  return parseYamlValue(`[${raw}]`, place);
}

/** Splits `a.safetensors:0.8,b.safetensors` into two files; a name may contain a comma. */
function asFiles(raw: unknown): unknown {
  const file = String.raw`[^,[\]]+(?:\.safetensors|:[-+]?\d*\.?\d+)`;
  return typeof raw === 'string' && new RegExp(`^${file}(,${file})+$`).test(raw)
    ? raw.split(',').map((part) => part.trim())
    : raw;
}

/** Reads a number in quotes. */
function asNumbers(found: unknown): unknown {
  if (Array.isArray(found)) return found.map((item) => (Array.isArray(item) ? item : asNumbers(item)));
  if (typeof found !== 'string' || !/^\s*[-+]?(\d[\d_]*\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(found)) return found;
  const digits = found.replaceAll('_', '').trim();
  const number = Number(digits);
  return /^[-+]?\d+$/.test(digits) && !Number.isSafeInteger(number) ? BigInt(digits) : number;
}

function hintFor(name: KeyName, raw: unknown): string | undefined {
  const { name: kind, step = 1, min = 0, max = 0 } = keyRow(name).kind;
  if (step > 1 && typeof raw === 'number') {
    const near = multiplesNear(raw, step, min, max).map((value) => `${name}=${value}`);
    return near.length === 0 ? undefined : `${near.join(' and ')} would do`;
  }
  if (typeof raw !== 'string' || !NUMERIC.includes(kind) || LISTS.includes(kind)) return undefined;
  if (/^\d{1,3}([, ]\d{3})+$/.test(raw))
    return `write numbers without thousands separators: ${raw.replaceAll(/[, ]/g, '')}`;
  if (/^[-+]?\d+,\d+$/.test(raw)) return `write decimals with a point: ${raw.replace(',', '.')}`;
  const [, number] = /^([-+]?[\d.]+)\s*[a-z%]+$/i.exec(raw) ?? [];
  return number === undefined ? undefined : `without a unit: ${number}`;
}

/** Formats a value for a message, cut to 80 characters. */
export function clip(value: unknown): string {
  const json = (part: unknown) =>
    JSON.stringify(part, (_key, item) => (typeof item === 'bigint' ? String(item) : item));
  const text = typeof value === 'string' ? `'${value}'` : typeof value === 'object' ? json(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
