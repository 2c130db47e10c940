/**
 * Where files with a certain content were seen last on this machine. Recipes carry names and hashes alone; with this, `fluxion redo` finds
 * what a picture was made with all the same. One small file a hash in the cache folder; without it, pictures say what they lack.
 */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { type LoraReport, PART_NAMES, type Recipe } from '../../index.ts';
import { cacheFolder } from '../../support/cache-folder.ts';
import { log } from '../../support/log.ts';
import { readRegular } from '../../support/regular-file.ts';
import { writeWhole } from '../../support/write-file.ts';

const LONGEST = 8192;

/** Remembers where a picture's model, its parts and its LoRAs lie. */
export function rememberFiles(recipe: Recipe, config: Config, loras: readonly LoraReport[]): void {
  const { fingerprint, parts } = recipe.model;
  const { pretrained_model_name_or_path: model, revision } = config;
  // A name on the hub says more than where its files are.
  const place = existsSync(model) ? resolve(model) : revision === '' ? model : `${model}@${revision}`;
  if (fingerprint !== undefined) remember(fingerprint, place);
  for (const part of PART_NAMES) {
    const file = parts?.[part];
    const path = config[part];
    if (file && path !== undefined) remember(file.hash, resolve(path));
  }
  for (const { name, hash } of recipe.loras ?? []) {
    const report = loras.find((lora) => lora.name === name);
    if (report) remember(hash, resolve(report.path));
  }
}

/** Returns where a file or folder with this hash was; it may have changed since. */
export function recallFile(hash: string | undefined): string | undefined {
  if (hash === undefined || !/^[0-9a-f]{8,64}$/.test(hash) || !existsSync(placeOf(hash))) return undefined;
  try {
    return readRegular(placeOf(hash), LONGEST).toString('utf8');
  } catch {
    return undefined;
  }
}

function remember(hash: string, path: string): void {
  if (recallFile(hash) === path) return;
  try {
    writeWhole(placeOf(hash), path);
  } catch (error) {
    log('debug', `cannot remember where ${path} is: ${(error as Error).message}`);
  }
}

function placeOf(hash: string): string {
  return join(cacheFolder(), 'seen', hash);
}
