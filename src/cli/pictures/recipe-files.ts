/**
 * Finds the files that a recipe names: at their last known path, in lora_dir, beside the picture, below the current folder, or in the hub's
 * cache. A recipe comes from strangers, so only names are taken from it, and a file must have the recorded hash.
 */

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BESIDE_FIELDS, LOAD_KNOBS } from '../../api/load.ts';
import { INPUT_FIELDS, REQUEST_KNOBS } from '../../api/request.ts';
import type { Config, LoraConfig } from '../../config/schema.ts';
import {
  dataAddress,
  describeLora,
  type FluxionError,
  fileHash,
  loraHash,
  PART_NAMES,
  pictureHash,
  type Recipe,
  type RecipeInput,
  type RecipeLora,
} from '../../index.ts';
import { cachedFolder, cachedRepos, FLUX1, parseHubName } from '../../models.ts';
import { unlessRefused } from '../../support/attempt.ts';
import { UsageError } from '../command.ts';
import { readableEntries } from '../folder.ts';
import { recallFile } from './known-files.ts';

/** Values set on the command line. */
export interface GivenValues {
  readonly keys: ReadonlySet<string | undefined>;
  readonly loraDir: string | undefined;
}

/** A file that was not found: its name, and the words that would locate it. */
interface Missing {
  readonly what: string;
  readonly hint: string;
  /** Words that may replace those of the hint. */
  readonly instead?: string;
}

/** Limits of the search below a folder. */
const DEPTH = 3;
const MOST_ENTRIES = 20_000;

/** Returns the configuration values that locate a recipe's files. Throws `not_found` with the words that would locate missing ones. */
export async function recipeFiles(recipe: Recipe, picture: string, given: GivenValues): Promise<Partial<Config>> {
  const here = [...new Set([dirname(picture), '.'])];
  const missing: Missing[] = [];
  const values: { -readonly [K in keyof Config]?: Config[K] } = {};
  const { model } = recipe;
  if (!given.keys.has('pretrained_model_name_or_path') && model.weights !== 'random') {
    const name = model.base ?? model.name;
    const place = modelPlace(name, model.fingerprint, here);
    if (place === undefined)
      missing.push({ what: `the model '${name}'`, hint: 'pretrained_model_name_or_path=FOLDER' });
    else values.pretrained_model_name_or_path = place;
  }
  for (const part of PART_NAMES) {
    const file = model.parts?.[part];
    if (file === undefined || given.keys.has(part)) continue;
    const place = await fileWith(file, here, fileHash);
    if (place === undefined) missing.push({ what: `the ${part} '${file.name}'`, hint: `${part}=PATH` });
    else values[part] = place;
  }
  for (const field of INPUT_FIELDS) {
    const { key, kind } = REQUEST_KNOBS[field];
    const inputs = recipe.inputs?.[field];
    if (inputs === undefined || given.keys.has(key)) continue;
    const places = await Promise.all(inputs.map((input) => inputPlace(input, here)));
    for (const [i, { name }] of inputs.entries())
      if (places[i] === undefined) missing.push({ what: `the picture '${name}'`, hint: `${key}=PATH` });
    Object.assign(values, { [key]: kind.name === 'pictures' ? places : places[0] });
  }
  for (const field of BESIDE_FIELDS) {
    const { key } = LOAD_KNOBS[field];
    const files = model.beside?.[field];
    if (files === undefined || given.keys.has(key)) continue;
    const places: string[] = [];
    for (const file of files) {
      const { name } = file;
      const place = await fileWith(file, here, fileHash);
      // A picture must not decide what is downloaded.
      const isHere = place !== undefined || cachedRepos(FLUX1).some(({ repo }) => `${name}/`.startsWith(`${repo}/`));
      if (isHere) places.push(place ?? name);
      else {
        const isOfHub = /^[\w.-]+(\/[\w.-]+)+$/.test(name);
        missing.push({ what: `the ${key} '${name}'`, hint: `${key}=${isOfHub ? name : 'PATH'}` });
      }
    }
    values[key] = (field === 'controlnet' && places.length > 1 ? places : places[0]) as string;
  }
  if (recipe.loras && !given.keys.has('lora') && !given.keys.has('lora_config')) {
    const places = await Promise.all(recipe.loras.map((lora) => loraPlace(lora, here, given.loraDir)));
    const words = recipe.loras.map(({ scale }, i) => `--lora ${places[i] ?? 'PATH'}:${scale}`).join(' ');
    for (const [i, { name, file }] of recipe.loras.entries()) {
      const what = `the LoRA '${name}'${file === undefined ? '' : ` (${file})`}`;
      if (places[i] === undefined) missing.push({ what, hint: 'lora_dir=FOLDER', instead: words });
    }
    values.lora_config = listsOf(recipe.loras, places);
  }
  // The recipe's names are in these lists now, unless LoRAs were given.
  if (!given.keys.has('lora')) values.lora = [];
  if (missing.length > 0) throw notHere(missing, picture);
  return values;
}

function notHere(missing: readonly Missing[], picture: string): FluxionError {
  const files = [...new Set(missing.map((file) => file.what))];
  const hints = [...new Set(missing.map(({ hint }) => hint))].join(' ');
  const instead = missing.find((file) => file.instead !== undefined)?.instead;
  const message = `${picture} was made with ${files.join(' and ')}, which ${files.length === 1 ? 'is' : 'are'} not here`;
  const other = instead === undefined ? '' : `, or in place of lora_dir: ${instead}`;
  return new UsageError('not_found', message, { hint: `say where: fluxion redo ${picture} ${hints}${other}` });
}

function modelPlace(name: string, fingerprint: string | undefined, here: readonly string[]): string | undefined {
  if (name === 'tiny') return name;
  const seen = recallFile(fingerprint);
  if (seen !== undefined && (existsSync(seen) || isOnHand(seen))) return seen;
  if (/^[\w .-]+$/.test(name) && existsSync(name)) return name;
  if (isOnHand(name)) return name;
  const [beside] = /[/\\]/.test(name) ? [] : below(here, [name]);
  return beside;
}

/** Whether the hub's cache holds the whole model. */
function isOnHand(name: string): boolean {
  const onHub = parseHubName(name);
  return onHub !== undefined && cachedFolder(FLUX1, onHub) !== undefined;
}

/** An input picture: from the recipe, or a file with the same content. */
async function inputPlace(input: RecipeInput, here: readonly string[]): Promise<string | undefined> {
  return input.data === undefined ? fileWith(input, here, pictureHash) : dataAddress(input.name, input.data);
}

/** The file or folder of this name and content. */
function fileWith(
  { name, hash }: { readonly name: string; readonly hash: string },
  here: readonly string[],
  hashOf: (path: string) => string,
): Promise<string | undefined> {
  return found(hash, [name], [recallFile(hash), ...below(here, [name])], hashOf);
}

async function loraPlace(
  lora: RecipeLora,
  here: readonly string[],
  loraDir: string | undefined,
): Promise<string | undefined> {
  const { name, hash, file = `${name}.safetensors` } = lora;
  if (name === 'tiny-lora' && lora.file === undefined) return name;
  const names = [file.split('/').at(-1)!, `${name}.safetensors`, name];
  const inDir = loraDir === undefined ? [] : below([loraDir], names);
  const onHub = file.includes('/') && isLora(file) ? [file] : [];
  const places = [recallFile(hash), ...inDir, ...below(here, names), ...onHub];
  const same = await found(hash, names, places, (path) => loraHash({ path }));
  // A folder the user names is used as it is; a changed file is reported at the end.
  return same ?? inDir[0];
}

/** The first place whose content has the hash; those with the recorded names go first, as another name would change the new recipe. */
async function found(
  hash: string,
  names: readonly string[],
  places: readonly (string | undefined)[],
  hashOf: (path: string) => string | Promise<string>,
): Promise<string | undefined> {
  const known = places.filter((place) => place !== undefined);
  const isNamed = (place: string): boolean => names.includes(basename(place));
  for (const place of [...known.filter(isNamed), ...known.filter((place) => !isNamed(place))]) {
    try {
      if ((await hashOf(place)) === hash) return place;
    } catch {
      // It has gone, or cannot be read.
    }
  }
  return undefined;
}

function isLora(path: string): boolean {
  return unlessRefused(() => describeLora({ path })) !== undefined;
}

/** Files and folders of these names in the given folders and below them, near ones first. */
function below(folders: readonly string[], names: readonly string[]): string[] {
  const matches: string[] = [];
  let level = [...folders];
  let looked = 0;
  for (let depth = 0; depth <= DEPTH; depth++) {
    const deeper: string[] = [];
    for (const folder of level) {
      for (const entry of readableEntries(folder)) {
        if (++looked > MOST_ENTRIES) return matches;
        const path = join(folder, entry.name);
        if (names.includes(entry.name)) matches.push(path);
        if (entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name)) deeper.push(path);
      }
    }
    level = deeper;
  }
  return matches;
}

/** LoRAs as lists of paths with the names in the recipe. */
function listsOf(loras: readonly RecipeLora[], places: readonly (string | undefined)[]): LoraConfig {
  return {
    lora_model_name_or_path: places.map((place) => place ?? ''),
    weight_name: loras.map(() => null),
    adapter_name: loras.map(({ name }) => name),
    scale: loras.map(({ scale }) => scale),
    from_pt: loras.map(() => true),
  };
}
