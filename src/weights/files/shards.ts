/** Weights in several files whose names, such as `model-00001-of-00003.safetensors`, show that they belong together; an index is optional. */

import { basename, dirname, join } from 'node:path';
import { FluxionError } from '../../support/errors.ts';
import { kindOf } from './file-bytes.ts';

/** A set of files, given by the name of one of them. */
export interface ShardSet {
  /** Which of the files it is, from 1. */
  readonly part: number;
  /** Names of all files, in order. */
  readonly names: readonly string[];
}

/** More files than any published model is split into. */
const MOST = 1000;

/** Parses a file's name; undefined unless it is one of several. */
export function shardSet(name: string): ShardSet | undefined {
  const [, start, number = '', of = '', end] = /^(.*)-(\d{1,6})-of-(\d{1,6})(\.safetensors|\.gguf)$/i.exec(name) ?? [];
  const [part, count] = [Number(number), Number(of)];
  if (start === undefined || count < 2 || count > MOST || part < 1 || part > count) return undefined;
  const nameOf = (i: number): string => `${start}-${String(i + 1).padStart(number.length, '0')}-of-${of}${end}`;
  return { part, names: Array.from({ length: count }, (_, i) => nameOf(i)) };
}

/** Lists all files of a path's set if they are all beside it; otherwise only the path. */
export function wholeSet(path: string): readonly string[] {
  const files = shardSet(basename(path))?.names.map((name) => join(dirname(path), name));
  return files?.every((file) => kindOf(file) === 'file') ? files : [path];
}

/** Throws `not_found` if a file is one of several and the others are missing, and `unsupported` for GGUF, whose parts are not read. */
export function requireWholeSet(path: string): void {
  const set = shardSet(basename(path));
  if (!set) return;
  const { part, names } = set;
  const missing = names.filter((name) => kindOf(join(dirname(path), name)) !== 'file');
  const is = `${path}: this is part ${part} of ${names.length}`;
  if (/\.gguf$/i.test(path)) {
    throw new FluxionError('unsupported', `${is} of a split GGUF file, which is read only as a whole`, {
      hint: `join the parts: llama-gguf-split --merge ${names[0]} OUT.gguf`,
    });
  }
  if (missing.length === 0) return;
  throw new FluxionError('not_found', `${is}, and beside it there is no ${missing.slice(0, 5).join(', ')}`, {
    hint: 'download the missing files into the same folder',
  });
}
