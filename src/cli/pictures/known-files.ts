/**
 * Remembers by hash where files were last seen on this machine, one small file per hash in the cache folder. Recipes carry only names and
 * hashes; with this memory `fluxion redo` finds the files that a picture was made with. Without it, redo asks for them.
 */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BESIDE_FIELDS, LOAD_KNOBS } from '../../api/load.ts';
import { INPUT_FIELDS, REQUEST_KNOBS } from '../../api/request.ts';
import type { Config } from '../../config/schema.ts';
import { type LoraReport, PART_NAMES, type Recipe } from '../../index.ts';
import { attempt } from '../../support/attempt.ts';
import { cacheFolder } from '../../support/cache-folder.ts';
import { log } from '../../support/log.ts';
import { readRegular } from '../../support/regular-file.ts';
import { userPath } from '../../support/user-path.ts';
import { writeWhole } from '../../support/write-file.ts';

const LONGEST = 8192;

/** Remembers the paths of a picture's model, components, LoRAs and input pictures. */
export function rememberFiles(recipe: Recipe, config: Config, loras: readonly LoraReport[]): void {
  const { fingerprint, parts, beside } = recipe.model;
  const { pretrained_model_name_or_path: model, revision } = config;
  // A hub name is more useful than the path of its files.
  const place = existsSync(model) ? resolve(model) : revision === '' ? model : `${model}@${revision}`;
  if (fingerprint !== undefined) remember(fingerprint, place);
  const named = [
    ...PART_NAMES.map((part) => ({ key: part, files: [parts?.[part] ?? []].flat() })),
    ...INPUT_FIELDS.map((field) => ({ key: REQUEST_KNOBS[field].key, files: recipe.inputs?.[field] ?? [] })),
    ...BESIDE_FIELDS.map((field) => ({ key: LOAD_KNOBS[field].key, files: beside?.[field] ?? [] })),
  ];
  for (const { key, files } of named) {
    const given = [config[key] ?? []].flat();
    for (const [i, { hash }] of files.entries()) {
      const name = given[i];
      // Names on the hub and addresses tell where a file is.
      if (typeof name !== 'string' || name.includes('://')) continue;
      const path = userPath(name);
      if (existsSync(path)) remember(hash, resolve(path));
    }
  }
  for (const { name, hash } of recipe.loras ?? []) {
    const report = loras.find((lora) => lora.name === name);
    if (report) remember(hash, resolve(report.path));
  }
}

/** Returns where a file or folder with this hash was; it may have changed since. */
export function recallFile(hash: string | undefined): string | undefined {
  if (hash === undefined || !/^[0-9a-f]{8,64}$/.test(hash) || !existsSync(placeOf(hash))) return undefined;
  return attempt(() => readRegular(placeOf(hash), LONGEST).toString('utf8'), undefined);
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
