/**
 * Builds a configuration from defaults, the user's own file, a YAML file (Fluxion's or MaxDiffusion's) and `key=value` overrides; later
 * sources win. `notes` names every key that is accepted without effect; none is dropped silently.
 */

import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { didYouMean, FluxionError } from '../support/errors.ts';
import { readRegular } from '../support/regular-file.ts';
import { decodeText } from '../support/text.ts';
import { acceptedKeys } from './accepted.ts';
import { addsUp, isKey, KEY_NAMES, type KeyName, keyRow } from './keys.ts';
import { refuseOtherModels } from './other-models.ts';
import { COMMAND_LINE, checkKeyName, splitAssignment } from './overrides.ts';
import { type Config, defaultOf } from './schema.ts';
import { clip, readValue, type Written } from './value.ts';
import { parseYamlFile, parseYamlValue, unquote } from './yaml.ts';

export { COMMAND_LINE };

/** The configuration used if none is named. */
const DEFAULT_CONFIG_FILE = 'base_flux_tiny.yml';

/** Whether a key comes from the bundled model's file, which is the base if no other file is asked for. */
export function isOfBundled(source: string): boolean {
  return source.startsWith(`${DEFAULT_CONFIG_FILE}:`);
}

/** The sources of a configuration, weakest first. */
export interface ConfigSources {
  /** The user's own file: weaker than a named file; it never changes the picture of a recipe. */
  readonly personal?: string | undefined;
  /** A YAML file or the name of a bundled one; by default the bundled model's, unless another model is requested. */
  readonly file?: string | undefined;
  /** Values in place of a file, such as a picture's recipe; `source` names them in messages. */
  readonly base?: { readonly source: string; readonly values: Readonly<Record<string, unknown>> } | undefined;
  /** `key=value` words. */
  readonly overrides?: readonly string[];
  /** Values a program sets; they win over all others. */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** A configuration, with its notes and sources. */
export interface LoadedConfig {
  readonly config: Config;
  /** Keys accepted without effect: lines for standard error, each shown once. */
  readonly notes: readonly string[];
  /** The source of each key that was set: `base_flux_dev.yml:12`, `the command line`, … */
  readonly sources: Readonly<Partial<Record<KeyName, string>>>;
}

/** Largest accepted file, in bytes. */
const LARGEST_FILE = 2 ** 20;
const PACKAGE = new URL('../../', import.meta.url);

/** Sources by strength: the default file, the user's own file, a named file or a recipe, and the command line. */
const RANK = { implied: 0, personal: 1, file: 2, user: 3 } as const;

/** One value for one key, before it is validated. */
interface Setting extends Written {
  readonly name: string;
  /** The file, or the name of another source. */
  readonly source: string;
  readonly rank: number;
  /** `resolution=1024x768` stands for a width and a height. */
  readonly ofSize?: true;
}

interface Winner {
  readonly value: unknown;
  readonly setting: Setting;
}

/** Loads and validates a configuration. Throws `bad_config` or `not_found`. */
export function loadConfig(given: ConfigSources = {}): LoadedConfig {
  const notes: string[] = [];
  const overrides = (given.overrides ?? []).map(settingOfWord);
  const values = settingsOfValues(given.values ?? {}, 'the program', RANK.user);
  const own = given.personal === undefined ? [] : settingsOfFile(given.personal, RANK.personal, notes);
  const personal = given.base ? own.filter(({ name }) => keepsPicture(name)) : own;
  const asked = [...personal, ...overrides, ...values];
  const otherModel = asked.some(({ name }) => name === 'pretrained_model_name_or_path');
  const implied = given.file === undefined && !given.base && !otherModel;
  const settings = [
    ...(implied ? settingsOfFile(DEFAULT_CONFIG_FILE, RANK.implied, notes) : []),
    ...personal,
    ...(given.file === undefined ? [] : settingsOfFile(given.file, RANK.file, notes)),
    ...(given.base ? settingsOfValues(given.base.values, given.base.source, RANK.file) : []),
    ...overrides,
    ...values,
  ].flatMap(sizesOf);

  const winners = new Map<KeyName, Winner>();
  const idle = new Map<string, Setting>();
  for (const setting of settings) {
    const { name } = setting;
    if (!isKey(name)) idle.set(name, setting);
    else {
      const value = readValue(name, setting);
      const before = winners.get(name);
      const joins = addsUp(name) && [before?.setting, setting].every((each) => each?.source === COMMAND_LINE);
      if (value === undefined) winners.delete(name);
      else winners.set(name, { value: joins ? [before!.value, value].flat() : value, setting });
      if (name !== 'resolution') continue;
      for (const side of ['width', 'height'] as const) if (winners.get(side)?.setting.ofSize) winners.delete(side);
    }
  }
  supersede(winners, given.base ? SUPERSEDES : { ...SUPERSEDES, ...SUPERSEDES_SIZE }, notes);
  for (const [name, { value, setting }] of winners) {
    if (isHonoured(name, value, setting)) continue;
    winners.delete(name);
    idle.set(name, setting);
  }
  for (const [name, needed] of Object.entries(NEEDED_IN_FILES)) {
    const setting = winners.get(name as KeyName)?.setting;
    if (setting === undefined || setting.rank === RANK.user || winners.has(needed)) continue;
    winners.delete(name as KeyName);
    idle.set(name, setting);
  }
  notes.push(...idleNotes([...idle.values()], winners.has('noise')));

  const config = Object.fromEntries(
    KEY_NAMES.map((name) => [name, winners.has(name) ? winners.get(name)!.value : defaultOf(name)]),
  ) as Config;
  const sources = Object.fromEntries([...winners].map(([name, { setting }]) => [name, setting.where]));
  return { config: reconcile(config, sources, notes), notes, sources };
}

/** Tells whether a key leaves the picture of a recipe unchanged. */
function keepsPicture(name: string): boolean {
  return isKey(name) && (['Output', 'Devices'].includes(keyRow(name).group) || name === 'lora_dir');
}

/** Finds a configuration file: as named, or among those that come with the program. Throws `not_found`. */
export function findConfigFile(name: string): string {
  if (existsSync(name)) return name;
  const folder = fileURLToPath(new URL('configs/', PACKAGE));
  const ours = existsSync(folder) ? readdirSync(folder).filter((entry) => entry.endsWith('.yml')) : [];
  if (ours.includes(name)) return folder + name;
  throw new FluxionError('not_found', `there is no configuration file '${name}'`, {
    hint: didYouMean(name, ours) ?? `the program's own are ${ours.join(', ')}`,
  });
}

function settingsOfFile(file: string, rank: number, notes: string[]): Setting[] {
  const source = decodeText(readRegular(findConfigFile(file), LARGEST_FILE), file);
  const entries = parseYamlFile(source, file);
  refuseOtherModels(file, entries);
  const settings = entries.map(({ key, line, value, text }) => {
    const where = `${file}:${line}`;
    const name = checkKeyName(key, where);
    return { name, line, where, source: file, rank, read: (asText: boolean) => (asText ? text : value) };
  });
  for (const [name, all] of Map.groupBy(settings, ({ name }) => name)) {
    if (all.length === 1) continue;
    const lines = `${all.length === 2 ? '' : '…, '}${all.at(-2)!.line} and ${all.at(-1)!.line}`;
    notes.push(`${file}: '${name}' is set in lines ${lines}; the last one counts`);
  }
  return settings;
}

function settingOfWord(word: string): Setting {
  const parts = splitAssignment(word);
  if (!parts) throw new FluxionError('bad_config', `expected key=value, found ${clip(word)}`);
  const { value } = parts;
  const name = checkKeyName(parts.name, COMMAND_LINE);
  return {
    name,
    where: COMMAND_LINE,
    source: COMMAND_LINE,
    rank: RANK.user,
    read: (asText) =>
      asText ? unquote(value) : value.trim() === '' ? '' : parseYamlValue(value, `${COMMAND_LINE}: ${name}`),
  };
}

function settingsOfValues(values: Readonly<Record<string, unknown>>, source: string, rank: number): Setting[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({
      name: checkKeyName(key, source),
      where: source,
      source,
      rank,
      read: () => value,
    }));
}

/** Splits `resolution=1024x768` into a width and a height. */
function sizesOf(setting: Setting): Setting[] {
  if (setting.name !== 'resolution') return [setting];
  const [, width, height] = /^\s*(\d+)\s*[x×*]\s*(\d+)\s*$/i.exec(String(setting.read(true))) ?? [];
  if (width === undefined) return [setting];
  const side = (name: string, value: string | undefined): Setting => {
    const pixels = Number(value);
    return { ...setting, name, read: () => pixels, ofSize: true };
  };
  return [side('width', width), side('height', height)];
}

/** Drops a file's finer keys if the command line sets the coarser one: a new prompt must also replace the file's prompt_2. */
const SUPERSEDES: Partial<Record<KeyName, readonly KeyName[]>> = {
  prompt: ['prompt_2'],
  resolution: ['width', 'height'],
  per_device_batch_size: ['batch'],
  num_inference_steps: ['sigmas'],
};

const SIZE = ['resolution', 'width', 'height'] as const;
/** An input picture sets the size, except in a recipe, which has a size of its own. */
const SUPERSEDES_SIZE = { image: SIZE, reference_image: SIZE, control_image: SIZE } as const;

/** Keys of MaxDiffusion's files, each with the key it needs. Without that, a file's value is ignored; elsewhere it is an error. */
const NEEDED_IN_FILES: Partial<Record<KeyName, KeyName>> = {
  controlnet_conditioning_scale: 'controlnet',
  negative_prompt: 'true_cfg_scale',
};

function supersede(winners: Map<KeyName, Winner>, rules: typeof SUPERSEDES, notes: string[]): void {
  for (const [coarse, fine] of Object.entries(rules)) {
    const stronger = winners.get(coarse as KeyName)?.setting;
    if (stronger === undefined) continue;
    for (const name of fine) {
      const weaker = winners.get(name)?.setting;
      if (weaker === undefined || weaker.rank >= stronger.rank) continue;
      if (weaker.rank > RANK.implied) notes.push(`${weaker.where}: ${name} is ignored, because ${coarse} was given`);
      winners.delete(name);
    }
  }
}

/** Tells whether a value takes effect. */
function isHonoured(name: KeyName, value: unknown, { rank }: Setting): boolean {
  const row = keyRow(name);
  // All of MaxDiffusion's files say 'tpu'; only on the command line is it a requirement.
  if (name === 'hardware') return value !== 'tpu' || rank === RANK.user;
  return row.use !== 'noted' || isDeepStrictEqual(value, defaultOf(name));
}

/** Notes on keys without effect: one line for all those of a file, and one for each that may surprise or that the command line set. */
function idleNotes(settings: readonly Setting[], noiseIsSet: boolean): string[] {
  const isQuiet = ({ name, rank }: Setting) => rank < RANK.user && !(isKey(name) && keyRow(name).inFile);
  const loud = settings.filter((setting) => !isQuiet(setting));
  const files = Map.groupBy(settings.filter(isQuiet), ({ source }) => source);
  const summaries = [...files].map(
    ([file, { length }]) =>
      `${file}: ${length} ${length === 1 ? 'key has' : 'keys have'} no effect here; 'fluxion help config' lists them with the reasons`,
  );
  // Only MaxDiffusion's files have such keys, and their users expect the pictures of their seeds.
  const theirs = settings.find((setting) => isQuiet(setting) && !isKey(setting.name))?.source;
  const noise = `${theirs}: seeds draw the same noise as in diffusers; noise=jax draws MaxDiffusion's`;
  return [
    ...summaries,
    ...(theirs !== undefined && !noiseIsSet ? [noise] : []),
    ...loud.map(
      ({ name, where }) =>
        `${where}: ${name} has no effect: ${isKey(name) ? keyRow(name).because : acceptedKeys[name]}`,
    ),
  ];
}

/** Checks keys against each other. */
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
