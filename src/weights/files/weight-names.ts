/** Finds the weights among a folder's files by name alone; the folder may be local or on the hub. */

import { shardSet } from './shards.ts';

const BASES = ['diffusion_pytorch_model', 'model'];

/** Infixes after a file's base, in order of preference: the requested variant; by default none, then any. */
const infixes = (variant: string | undefined): string[] =>
  variant === undefined ? ['', '.bf16', '.fp16', '.fp32'] : [`.${variant}`];

/**
 * Names of weights in order of preference: `<base>.safetensors`, then `<base>.safetensors.index.json`, then the same with a variant infix
 * (`<base>.fp16.safetensors`, `<base>.safetensors.index.fp16.json`, `<base>.fp16.safetensors.index.json`).
 */
export function preferredNames(variant?: string): string[] {
  const named = infixes(variant).flatMap((infix) =>
    BASES.flatMap((base) => [
      `${base}${infix}.safetensors`,
      `${base}.safetensors.index${infix}.json`,
      `${base}${infix}.safetensors.index.json`,
    ]),
  );
  return [...new Set(named)];
}

/**
 * The weights among a folder's files: the first preferred name that is there; otherwise the first file of a preferred set of shards without
 * an index, or the only file, or the first file of the only set. `undefined` if there are none, or several to choose from.
 */
export function weightsAmong(names: readonly string[], variant?: string): string | undefined {
  const found = preferredNames(variant).find((name) => names.includes(name));
  if (found !== undefined) return found;
  const files = names.filter((name) => name.endsWith('.safetensors'));
  const sets = [...new Set(files.map((name) => shardSet(name)?.names[0] ?? name))];
  const preferred = infixes(variant).flatMap((infix) =>
    sets.filter((name) => shardSet(name) !== undefined && BASES.some((base) => name.startsWith(`${base}${infix}-`))),
  )[0];
  return preferred ?? (variant === undefined && sets.length === 1 ? sets[0] : undefined);
}

/** All weight files in a folder: one file, an index and its shards, or a whole set of shards; empty if there are none. */
export function weightSet(names: readonly string[]): readonly string[] {
  const found = weightsAmong(names);
  if (found === undefined) return [];
  if (found.endsWith('.json')) {
    const start = found.replace('.safetensors.index', '').slice(0, -'.json'.length);
    const shard = /^-\d+-of-\d+\.safetensors$/;
    return [found, ...names.filter((name) => name.startsWith(start) && shard.test(name.slice(start.length)))];
  }
  const set = shardSet(found)?.names ?? [found];
  return set.every((name) => names.includes(name)) ? set : [];
}
