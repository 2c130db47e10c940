/** Chooses where a run's pictures are written: numbered in output_dir, or to the file or folder that `-o` names. */

import { existsSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { COMMAND_LINE, type LoadedConfig } from '../../config/load.ts';
import type { Arguments } from '../../config/overrides.ts';
import type { Flux, Image, SeedNumber } from '../../index.ts';
import { userPath } from '../../support/user-path.ts';
import { UsageError } from '../command.ts';

/** The flags of commands that write pictures. */
export const OUTPUT_FLAGS = {
  o: {
    takes: 'PATH',
    help: 'a folder, or the file to write: .png, .jpg or .webp (several: house.jpg, house_1.jpg, …, or a number for {i});\nonly overwrite=True replaces a file',
  },
  output: { takes: 'PATH', help: 'the same as -o' },
};

/** Extensions of pictures that can be written. */
const PICTURE = /\.(png|jpe?g|webp)$/i;

/** A picture that was written. */
export interface WrittenFile {
  readonly path: string;
  /** Its index among the pictures of the run, from 0; pictures of other processes count. */
  readonly index: number;
  readonly seed: SeedNumber;
  readonly prompt: string;
  readonly width: number;
  readonly height: number;
}

/** A destination for pictures. */
export interface Output {
  readonly folder: string;
  /** The path of a picture, unless it is taken. */
  pathOf(index: number): string;
  /** Writes picture `index` of the run: never over a file without `overwrite`. */
  write(image: Image, index: number, nodes: Flux['nodes']): Promise<WrittenFile>;
}

/** Reads the destination; throws a usage error for a name that is not a picture's, and for a file that already exists. */
export function outputOf({ flags }: Arguments, { config, sources }: Pick<LoadedConfig, 'config' | 'sources'>): Output {
  const given = flags['o'] ?? flags['output'];
  if (typeof given !== 'string') return numbered(outputDir(config.output_dir), config.overwrite);
  if (sources.output_dir === COMMAND_LINE) {
    throw new UsageError('bad_config', `-o ${given} and output_dir=${config.output_dir} both say where pictures go`, {
      hint: `leave one out, or: -o ${join(config.output_dir, given)}`,
    });
  }
  const path = userPath(given);
  if (/[/\\]$/.test(given) || isFolder(path)) return numbered(path, config.overwrite);
  if (!PICTURE.test(path)) {
    throw new UsageError('bad_config', `cannot write '${given}': expected .png, .jpg or .webp, or a folder`, {
      hint: `end the name of a new folder with a slash: -o ${given}/`,
    });
  }
  return named(path, config.overwrite);
}

/** The folder that output_dir names; throws a usage error for a name that looks like a picture's. */
function outputDir(given: string): string {
  const folder = given || '.';
  if (!PICTURE.test(folder) || isFolder(folder)) return folder;
  throw new UsageError('bad_config', `output_dir=${folder}: expected a folder, found the name of a picture`, {
    hint: `did you mean -o ${folder}? A folder of that name is written output_dir=${folder}/`,
  });
}

function numbered(folder: string, overwrite: boolean): Output {
  return writer(folder, (n) => `flux_${n}.png`, overwrite);
}

/** `house.jpg`, then `house_1.jpg`, …; or numbers where `{i}` stands. */
function named(path: string, overwrite: boolean): Output {
  const name = basename(path);
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  const nameOf = (n: number): string => {
    if (name.includes('{i}')) return name.replaceAll('{i}', String(n));
    return n === 0 ? name : `${stem}_${n}${extension}`;
  };
  if (!name.includes('{i}') && existsSync(path) && !overwrite) {
    throw new UsageError('bad_config', `${path} already exists`, { hint: 'overwrite=True replaces it' });
  }
  let written = 0;
  // A single picture remade from a batch takes the plain name.
  return writer(dirname(path), nameOf, overwrite, (index, nodes) => (nodes.count > 1 ? index : written++));
}

function writer(
  folder: string,
  nameOf: (n: number) => string,
  overwrite: boolean,
  numberOf: (index: number, nodes: Flux['nodes']) => number = (index) => index,
): Output {
  const pathOf = (n: number): string => join(folder, nameOf(n));
  return {
    folder,
    pathOf,
    async write(image, index, nodes) {
      const { seed, prompt, width, height } = image;
      const path = pathOf(numberOf(index, nodes));
      // Each of several processes uses its pictures' own indices, so that no two take the same number.
      const written = overwrite
        ? await image.save(path)
        : nodes.count > 1
          ? await image.saveNew(path)
          : await image.saveNumbered(folder, 0, nameOf);
      return { path: written, index, seed, prompt, width, height };
    },
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
