/**
 * Named weights of one component, from one safetensors file or several shards. Opening reads and checks only headers; bytes are
 * read on demand, as views if the given `OpenFile` maps its files.
 */

import { basename, dirname, join } from 'node:path';
import { FluxionError } from '../../support/errors.ts';
import { someOf } from '../../support/quote.ts';
import { type FileBytes, kindOf, listFolder, type OpenFile, readingFile } from './file-bytes.ts';
import { quote, readJsonObject, unexpected } from './json.ts';
import { readSafetensorsHeader, type TensorInfo } from './safetensors.ts';
import { requireWholeSet, shardSet, wholeSet } from './shards.ts';
import { type TensorReader, type TensorStore, TensorTable } from './tensors.ts';
import { preferredNames, weightsAmong } from './weight-names.ts';

export interface OpenStoreOptions {
  /** How files are opened; by positional reads by default. */
  readonly openFile?: OpenFile;
  /** Infix of the file name to prefer, such as `fp16`. */
  readonly variant?: string | undefined;
}

/** Weights by key, over one or several safetensors files; disposing closes the files and ends their views. */
export class WeightStore extends TensorTable implements TensorStore {
  /** Opens a `.safetensors` file, a `.safetensors.index.json`, or the weights found in a component's folder. */
  static open(path: string, { openFile = readingFile, variant }: OpenStoreOptions = {}): WeightStore {
    const target = kindOf(path) === 'folder' ? findWeights(path, variant) : path;
    using files = new DisposableStack();
    const tensors = new Map<string, TensorReader>();
    const headers: ReadonlyMap<string, string>[] = [];

    const readShard = (shard: string): ReadonlyMap<string, TensorInfo> => {
      const file = files.use(openFile(shard));
      const header = readSafetensorsHeader(file);
      headers.push(header.metadata);
      for (const [key, info] of header.tensors) {
        const other = tensors.get(key)?.info.file;
        if (other) throw new FluxionError('bad_file', `${shard}: ${key} is also in ${other}`);
        tensors.set(key, readerOf(file, info));
      }
      return header.tensors;
    };

    if (target.endsWith('.json')) {
      for (const [shard, keys] of readIndex(target, openFile)) checkShard(target, shard, keys, readShard(shard));
    } else {
      for (const shard of wholeSet(target)) readShard(shard);
    }
    return new WeightStore({ path: target, format: 'safetensors', headers }, tensors, files.move());
  }
}

function readerOf(file: FileBytes, { dtype, shape, start, end }: TensorInfo): TensorReader {
  const row = (end - start) / (shape[0] || 1);
  return {
    info: { dtype, shape, file: file.path },
    bytes: ([first, last]) => file.view(start + first * row, (last - first) * row),
  };
}

/** The keys each shard must hold, by shard path, from an index's `weight_map`. */
function readIndex(path: string, openFile: OpenFile): Map<string, Set<string>> {
  const map = readJsonObject(path, openFile).get('weight_map');
  if (!(map instanceof Map)) {
    const isConfig = /(^|[/\\])(config|model_index)\.json$/.test(path);
    const hint = isConfig
      ? 'this describes a model and holds no weights: give its folder'
      : 'expected an index of weights, such as model.safetensors.index.json';
    throw unexpected(`${path}: weight_map`, 'an object', map, hint);
  }
  const shards = new Map<string, Set<string>>();
  for (const [key, name] of map) {
    // A shard is a plain name beside its index: no separators, no parent folders, no drive letters.
    if (typeof name !== 'string' || !/^[^/\\:\0]+\.safetensors$/.test(name)) {
      throw unexpected(`${path}: weight_map.${quote(key)}`, 'the name of a .safetensors file beside it', name);
    }
    const shard = join(dirname(path), name);
    shards.set(shard, (shards.get(shard) ?? new Set()).add(key));
  }
  const missing = [...shards.keys()].filter((shard) => kindOf(shard) !== 'file');
  if (missing.length > 0) {
    throw new FluxionError(
      'not_found',
      `${path}: ${missing.length} of ${shards.size} shards are missing: ${someOf(missing.map((shard) => basename(shard)))}`,
      { hint: 'download the missing files into the same folder' },
    );
  }
  return shards;
}

function checkShard(
  index: string,
  shard: string,
  expected: ReadonlySet<string>,
  found: ReadonlyMap<string, unknown>,
): void {
  const missing = [...expected].filter((key) => !found.has(key));
  const extra = [...found.keys()].filter((key) => !expected.has(key));
  const wrong =
    missing.length > 0
      ? `lacks ${missing.length} keys that ${index} expects in it: ${someOf(missing)}`
      : `has ${extra.length} keys that ${index} does not list: ${someOf(extra)}`;
  if (missing.length + extra.length > 0) throw new FluxionError('bad_file', `${shard}: ${wrong}`);
}

/** Finds the weights in a component's folder, by `weightsAmong`; throws `not_found` with what is there instead. */
export function findWeights(folder: string, variant?: string): string {
  const names = listFolder(folder);
  const found = weightsAmong(names, variant);
  if (found !== undefined) {
    const present = names.find((name) => name === found || shardSet(name)?.names[0] === found)!;
    requireWholeSet(join(folder, present));
    return join(folder, found);
  }
  const files = names.filter((name) => name.endsWith('.safetensors'));
  const pickled = names.some((name) => /\.(bin|pt|ckpt|msgpack|h5)$/.test(name));
  const wanted = someOf(preferredNames(variant));
  throw new FluxionError(
    'not_found',
    `${folder}: no weights${variant === undefined ? '' : ` of variant '${variant}'`}; looked for ${wanted}`,
    {
      hint:
        files.length > 0
          ? `the folder has ${someOf(files)}${variant === undefined ? ': give one of them as the file' : ''}`
          : pickled
            ? 'the folder has weights only in another format: convert them to safetensors'
            : 'download the weights of this component',
    },
  );
}
