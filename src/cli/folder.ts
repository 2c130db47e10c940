/** Folders that commands list: how they are named, their entries and sizes. */

import { randomUUID } from 'node:crypto';
import { type Dirent, lstatSync, readdirSync, statSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../config/load.ts';
import type { Arguments } from '../config/overrides.ts';
import { findPersonalConfig } from '../config/personal.ts';
import type { Config } from '../config/schema.ts';
import { attempt } from '../support/attempt.ts';
import { makeFolder } from '../support/make-folder.ts';
import { explaining } from '../support/system-error.ts';
import { readingUsage, UsageError } from './command.ts';

/** The configuration of a command that lists one folder: its only word, or the value of a key. */
export function configOfFolder({ prompts, overrides, file }: Arguments, key: 'output_dir' | 'lora_dir'): Config {
  const [folder, ...others] = prompts;
  if (others.length > 0) throw new UsageError('bad_config', `one folder at a time: '${folder}' or '${others[0]}'`);
  const given = folder === undefined ? overrides : [...overrides, `${key}=${folder}`];
  return readingUsage(() => loadConfig({ personal: findPersonalConfig(), file, overrides: given })).config;
}

/** Lists a folder named on the command line; throws a usage error if it is not a folder. */
export function entriesOf(folder: string): Dirent[] {
  return readingUsage(() =>
    explaining(folder, () => {
      if (statSync(folder).isDirectory()) return readdirSync(folder, { withFileTypes: true });
      throw new UsageError('io', `${folder}: expected a folder, found a file`, {
        hint: `'fluxion inspect ${folder}' explains a file`,
      });
    }),
  );
}

/** Creates a folder if needed, and tries to write there. Rejects with the system's error. */
export async function tryWriting(folder: string): Promise<void> {
  makeFolder(folder);
  const trial = join(folder, `.fluxion-${randomUUID()}.tmp`);
  await writeFile(trial, '', { flag: 'wx' });
  await rm(trial);
}

/** The entries of a folder; none if it is missing or unreadable. */
export function readableEntries(folder: string): Dirent[] {
  return attempt(() => readdirSync(folder, { withFileTypes: true }), []);
}

/** Bytes of a file or of all files in a folder; links are counted, not followed. */
export function sizeOf(path: string): number {
  const info = lstatSync(path, { throwIfNoEntry: false });
  if (!info?.isDirectory()) return info?.size ?? 0;
  return readableEntries(path).reduce((sum, { name }) => sum + sizeOf(join(path, name)), 0);
}
