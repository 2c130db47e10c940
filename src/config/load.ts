/**
 * Puts a configuration together: the list's defaults, then a YAML file (ours or MaxDiffusion's), then `key=value`
 * overrides; whatever comes last wins. What is accepted without effect is told in `notes`, never silently dropped.
 */

import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { FluxionError, nearest } from '../support/errors.ts';
import { multiplesNear } from '../support/multiples.ts';
import { readRegular } from '../support/regular-file.ts';
import { acceptedKeys } from './accepted.ts';
import { isKey, KEY_NAMES, type KeyName, keyRow } from './keys.ts';
import { checkKeyName, splitAssignment } from './overrides.ts';
import { type Config, defaultOf, expected, isText, validate } from './schema.ts';
import { parseYamlFile, parseYamlValue, unquote } from './yaml.ts';

/** The configuration that is used where none is named. */
export const DEFAULT_CONFIG_FILE = 'base_flux_tiny.yml';

/** Where a configuration comes from, weakest first. */
export interface ConfigSources {
  /** A YAML file, or the name of one of ours; without it, ours for the bundled model, unless another model is asked for. */
  readonly file?: string | undefined;
  /** Values in place of a file, such as a picture's recipe; `source` names them in messages. */
  readonly base?: { readonly source: string; readonly values: Readonly<Record<string, unknown>> } | undefined;
  /** `key=value` words. */
  readonly overrides?: readonly string[];
  /** Values a program sets; they win over all others. */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** A configuration, and what to tell about it. */
export interface LoadedConfig {
  readonly config: Config;
  /** What was accepted without effect: lines for standard error, each to be shown once. */
  readonly notes: readonly string[];
  /** Where each key that was set got its value: `base_flux_dev.yml:12`, `the command line`, … */
  readonly sources: Readonly<Partial<Record<KeyName, string>>>;
}

/** Bytes; a larger file is no configuration. */
const LARGEST_FILE = 2 ** 20;
/** The source of `key=value` words. */
export const COMMAND_LINE = 'the command line';
const PACKAGE = new URL('../../', import.meta.url);

/** One value for one key, before it is validated. */
interface Setting {
  readonly name: string;
  readonly where: string;
  readonly asked: 'by file' | 'by user';
  /** Reads the value for a key that is text or is not; null leaves the key at its default. */
  readonly read: (asText: boolean) => unknown;
}

interface Winner {
  readonly value: unknown;
  readonly setting: Setting;
}

/** Loads and validates a configuration. Throws `bad_config` or `not_found`. */
export function loadConfig(given: ConfigSources = {}): LoadedConfig {
  const notes: string[] = [];
  const overrides = (given.overrides ?? []).map(settingOfWord);
  const values = settingsOfValues(given.values ?? {}, 'the program', 'by user');
  const asked = [...overrides, ...values];
  const otherModel = asked.some(({ name }) => name === 'pretrained_model_name_or_path');
  const file = given.file ?? (given.base || otherModel ? undefined : DEFAULT_CONFIG_FILE);
  const settings = [
    ...(file === undefined ? [] : settingsOfFile(file, notes)),
    ...(given.base ? settingsOfValues(given.base.values, given.base.source, 'by file') : []),
    ...asked,
  ];

  const winners = new Map<KeyName, Winner>();
  const idle = new Map<string, Setting>();
  for (const setting of settings) {
    const { name, where } = setting;
    checkKeyName(name, where);
    if (!isKey(name)) idle.set(name, setting);
    else {
      const value = readValue(name, setting);
      if (value === undefined) winners.delete(name);
      else winners.set(name, { value, setting });
    }
  }
  supersede(winners, notes);
  for (const [name, { value, setting }] of winners) {
    if (isHonoured(name, value, setting)) continue;
    winners.delete(name);
    idle.set(name, setting);
  }
  notes.push(...idleNotes([...idle.values()], given.base?.source ?? file));

  const config = Object.fromEntries(
    KEY_NAMES.map((name) => [name, winners.has(name) ? winners.get(name)!.value : defaultOf(name)]),
  ) as Config;
  const sources = Object.fromEntries([...winners].map(([name, { setting }]) => [name, setting.where]));
  return { config: reconcile(config, sources, notes), notes, sources };
}

/** Finds a configuration file: as named, or among those that come with the program. Throws `not_found`. */
export function findConfigFile(name: string): string {
  if (existsSync(name)) return name;
  const folder = fileURLToPath(new URL('configs/', PACKAGE));
  const ours = existsSync(folder) ? readdirSync(folder).filter((entry) => entry.endsWith('.yml')) : [];
  if (ours.includes(name)) return folder + name;
  const near = nearest(name, ours, 1)[0];
  throw new FluxionError('not_found', `there is no configuration file '${name}'`, {
    hint: near ? `did you mean '${near}'?` : `the program's own are ${ours.join(', ')}`,
  });
}

function settingsOfFile(name: string, notes: string[]): Setting[] {
  const path = findConfigFile(name);
  const source = readRegular(path, LARGEST_FILE).toString('utf8');
  const entries = parseYamlFile(source, name);
  const first = new Map<string, number>();
  for (const { key, line } of entries) {
    if (first.has(key))
      notes.push(`${name}: '${key}' stands in lines ${first.get(key)} and ${line}; the last one counts`);
    first.set(key, line);
  }
  return entries.map(({ key, line, value, text }) => ({
    name: key,
    where: `${name}:${line}`,
    asked: 'by file',
    read: (asText) => (asText ? text : value),
  }));
}

function settingOfWord(word: string): Setting {
  const parts = splitAssignment(word);
  if (!parts) throw new FluxionError('bad_config', `expected key=value, found '${clip(word)}'`);
  const { name, value } = parts;
  return {
    name,
    where: COMMAND_LINE,
    asked: 'by user',
    read: (asText) =>
      asText ? unquote(value) : value.trim() === '' ? '' : parseYamlValue(value, `${COMMAND_LINE}: ${name}`),
  };
}

function settingsOfValues(
  values: Readonly<Record<string, unknown>>,
  where: string,
  asked: Setting['asked'],
): Setting[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ name, where, asked, read: () => value }));
}

/** The validated value of a setting; undefined for null, which leaves a key at its default. */
function readValue(name: KeyName, { where, read }: Setting): unknown {
  const raw = read(isText(name));
  if (raw === null) return undefined;
  // 1 and 0 stand for True and False on many command lines.
  const found = keyRow(name).kind === 'boolean' && (raw === 0 || raw === 1) ? raw === 1 : raw;
  const result = about(`${where}: ${name}`, () => validate(name, found));
  if ('value' in result) return result.value;
  const problem = result.problem === '' ? '' : ` (${result.problem})`;
  throw new FluxionError('bad_config', `${where}: ${name} must be ${expected(name)}${problem}, found ${clip(found)}`, {
    hint: nearestHint(name, found),
  });
}

/** For a whole number that must be divisible by another: the values next to it. */
function nearestHint(name: KeyName, found: unknown): string | undefined {
  const { multipleOf, min = 0, max = Number.MAX_SAFE_INTEGER } = keyRow(name);
  if (multipleOf === undefined || typeof found !== 'number') return undefined;
  return `${multiplesNear(found, multipleOf, min, max)
    .map((value) => `${name}=${value}`)
    .join(' and ')} would do`;
}

/** Makes a call, whose errors say first what they are about. */
function about<T>(subject: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof FluxionError)) throw error;
    throw new FluxionError(error.code, `${subject}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

/** A key that was asked for sets aside the finer ones of a file: T5 must not go on reading the file's prompt_2. */
const SUPERSEDES: Partial<Record<KeyName, readonly KeyName[]>> = {
  prompt: ['prompt_2'],
  resolution: ['width', 'height'],
  per_device_batch_size: ['batch'],
  num_inference_steps: ['sigmas'],
};

function supersede(winners: Map<KeyName, Winner>, notes: string[]): void {
  for (const [coarse, fine] of Object.entries(SUPERSEDES)) {
    if (winners.get(coarse as KeyName)?.setting.asked !== 'by user') continue;
    for (const name of fine) {
      const weaker = winners.get(name);
      if (weaker?.setting.asked !== 'by file') continue;
      notes.push(`${weaker.setting.where}: ${name} is left out, as ${coarse} was given`);
      winners.delete(name);
    }
  }
}

/** Tells whether a value does what it says here; false when it changes nothing. */
function isHonoured(name: KeyName, value: unknown, { asked }: Setting): boolean {
  const row = keyRow(name);
  // All of MaxDiffusion's files say 'tpu'; only the command line insists on it.
  if (name === 'hardware') return value !== 'tpu' || asked === 'by user';
  return row.use === 'honoured' || isDeepStrictEqual(value, defaultOf(name));
}

/** One line for what a file says in vain, one for each of its keys that may surprise, and one for each that was asked for. */
function idleNotes(settings: readonly Setting[], file: string | undefined): string[] {
  const quiet = settings.filter(({ name, asked }) => asked === 'by file' && !(isKey(name) && keyRow(name).inFile));
  const summary = `${file}: ${quiet.length} keys have no effect here; 'fluxion help config' lists them with the reasons`;
  const loud = settings.filter((setting) => !quiet.includes(setting));
  return [
    ...(quiet.length > 0 ? [summary] : []),
    ...loud.map(({ name, where }) => `${where}: ${name} has no effect: ${reasonOf(name)}`),
  ];
}

function reasonOf(name: string): string | undefined {
  return isKey(name) ? keyRow(name).because : acceptedKeys[name];
}

/** Settles what several keys say together. */
function reconcile(config: Config, sources: Partial<Record<KeyName, string>>, notes: string[]): Config {
  const { prompt, prompt_2, sigmas, num_inference_steps } = config;
  if (Array.isArray(prompt_2) && prompt_2.length !== (Array.isArray(prompt) ? prompt.length : 1)) {
    const prompts = Array.isArray(prompt) ? `${prompt.length} prompts` : 'one prompt';
    throw new FluxionError('bad_config', `${sources.prompt_2}: prompt_2 has ${prompt_2.length} texts for ${prompts}`, {
      hint: 'give one text for all prompts, or as many as there are prompts',
    });
  }
  if (sigmas === undefined || num_inference_steps === sigmas.length) return config;
  if (num_inference_steps !== undefined) {
    notes.push(`${sources.sigmas}: ${sigmas.length} sigmas make ${sigmas.length} steps, not ${num_inference_steps}`);
  }
  return { ...config, num_inference_steps: sigmas.length };
}

function clip(value: unknown): string {
  const json = (part: unknown) =>
    JSON.stringify(part, (_key, item) => (typeof item === 'bigint' ? String(item) : item));
  const text = typeof value === 'string' ? `'${value}'` : typeof value === 'object' ? json(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
