/**
 * Binds the weights a model declares to the tensors a file holds. All or nothing: every declared row is found once with its exact
 * shape, every stored row is used once, or the load fails with all the differences and the nearest names.
 */

import type { DType } from '../../support/dtype.ts';
import { FluxionError, nearest } from '../../support/errors.ts';
import type { CodedRows, StoredTensor, TensorStore } from '../files/tensors.ts';
import type { TensorGroup } from './detect.ts';
import type { SourcePart } from './family.ts';
import { cut, type RowRun, runOf, storedParts, unusedKeys } from './layout.ts';

/** A weight that a model declares: a whole tensor, or some rows of one that other files split. */
export interface DeclaredWeight {
  /** Canonical name of the whole tensor, such as `double_blocks.0.img_attn.qkv.weight`. */
  readonly name: string;
  /** The rows that this weight covers in the whole tensor, which has `of` rows. */
  readonly rows?: { readonly start: number; readonly end: number; readonly of: number } | undefined;
  /** Shape of this weight; if `rows` is given, the shape of those rows. */
  readonly shape: readonly number[];
}

/** The rule for a random weight: its i-th value is `spread` · (`uniform(seed, offset + i)` - ½) + `centre`. */
export interface Generated {
  readonly seed: number;
  /** Index of the first value in the whole tensor; 0 unless the weight begins at a later row. */
  readonly offset: number;
  readonly spread: number;
  readonly centre: number;
}

/** Where a declared weight's bytes are. */
export interface WeightSource {
  /** Rows of the stored tensor, if not all of it. */
  readonly rows: readonly [start: number, end: number] | undefined;
  readonly dtype: DType;
  /** The rule that generates the values, if no file holds them. */
  readonly generated?: Generated;
  /** Returns the bytes, without a copy if the file is mapped; valid until the store is disposed. */
  bytes(): Uint8Array;
  /** The encoded bytes of the file, if it is encoded. */
  raw?(): Uint8Array;
  /** The rows as 8-bit floats with a scale for each row, if the file stores them so. */
  coded?(): CodedRows | undefined;
}

/** The source of a component's weights: the tensors of a store, or a rule that generates them. */
export type WeightOrigin = { readonly store: TensorStore; readonly group: TensorGroup } | { readonly seed: number };

/**
 * Binds declared weights to a group of a store's tensors; throws `bad_weights` naming missing keys, unexpected keys and shape mismatches, ten of each.
 */
export function bindWeights<W extends DeclaredWeight>(
  declared: readonly W[],
  store: TensorStore,
  group: TensorGroup,
): Map<W, WeightSource> {
  const bound = new Map<W, WeightSource>();
  /** Stored rows in use, by key. */
  const used = new Map<string, [start: number, end: number][]>();
  const missing = new Set<string>();
  const mismatches: string[] = [];

  for (const weight of declared) {
    const parts = storedParts(group, weight.name, store);
    const absent = parts.filter(({ key }) => !store.has(key));
    const slice = absent.length === 0 ? locate(weight, parts, store) : undefined;
    if (slice === undefined || typeof slice === 'string') {
      for (const { key } of absent) missing.add(key);
      for (const { key } of parts) used.set(key, used.get(key) ?? []);
      if (slice !== undefined) mismatches.push(slice);
      continue;
    }
    const { key, start, end, rows, info } = slice;
    used.set(key, [...(used.get(key) ?? []), [start, end]]);
    const range = end - start === rows ? undefined : ([start, end] as const);
    bound.set(weight, {
      rows: range,
      dtype: info.dtype,
      bytes: () => store.bytes(key, range),
      ...(info.encoding !== undefined && store.raw && { raw: () => store.raw!(key, range) }),
      coded: () => store.coded?.(key, range),
    });
  }

  const unexpected = unusedKeys(group, store, used);
  // Rows are counted only after every weight has been found.
  if (missing.size + mismatches.length === 0) mismatches.push(...coverage(used, store));
  if (missing.size + unexpected.length + mismatches.length > 0) {
    const what = `${group.component.name} weights (${group.layout.name} names)`;
    throw mismatch(store.path, what, missing, unexpected, mismatches);
  }
  return bound;
}

interface Slice extends RowRun {
  /** How many rows the stored tensor has. */
  readonly rows: number;
  readonly info: StoredTensor;
}

/** Finds the stored rows of a declared weight, or says why they are missing. */
function locate(weight: DeclaredWeight, parts: readonly SourcePart[], store: TensorStore): Slice | string {
  const { name, shape } = weight;
  const stored = parts.map((part) => {
    const info = store.info(part.key);
    return { ...runOf(part, store), rows: info.shape[0] ?? 1, info };
  });
  const total = stored.reduce((sum, { start, end }) => sum + end - start, 0);
  const wanted = weight.rows ?? { start: 0, end: total, of: shape[0] ?? 1 };
  const whole = shape.length === 0 ? [] : [wanted.of, ...shape.slice(1)];
  const files = [...new Set(stored.map(({ info }) => info.file))].join(', ');

  const integer = stored.find(({ info }) => !/^(f|bf)\d/.test(info.dtype));
  if (integer) return `${name}: expected floating point, found ${integer.info.dtype} in ${files}`;
  const odd = stored.find(({ info }) => !sameShape(info.shape.slice(1), shape.slice(1)));
  if (odd || total !== wanted.of) {
    // Two halves of one tensor show its shape once.
    const shapes = [...new Map(stored.map(({ key, info }) => [key, show(info.shape)])).values()].join(' + ');
    return `${name}: expected ${show(whole)}, found ${shapes} in ${files}`;
  }
  if (wanted.end - wanted.start !== (shape[0] ?? 1)) {
    return `${name}: declared as ${show(shape)}, but as rows ${wanted.start} to ${wanted.end}`;
  }
  const [slice, ...others] = cut(stored, wanted.start, wanted.end);
  if (slice && others.length === 0) return slice;
  return `${name}: rows ${wanted.start} to ${wanted.end} are kept in several tensors: ${parts.map(({ key }) => key).join(', ')}`;
}

/** Compares shapes, ignoring trailing dimensions of 1: a 1×1 convolution's [out, in, 1, 1] is a linear layer's [out, in]. */
function sameShape(a: readonly number[], b: readonly number[]): boolean {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) if ((a[i] ?? 1) !== (b[i] ?? 1)) return false;
  return true;
}

/** Says which stored rows no weight uses, or several do. */
function coverage(used: ReadonlyMap<string, readonly [number, number][]>, store: TensorStore): string[] {
  const problems: string[] = [];
  for (const [key, ranges] of used) {
    const rows = store.info(key).shape[0] ?? 1;
    let at = 0;
    for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
      if (start > at) problems.push(`${key}: rows ${at} to ${start} are used by no weight`);
      if (start < at) problems.push(`${key}: rows ${start} to ${Math.min(at, end)} are used twice`);
      at = Math.max(at, end);
    }
    if (at < rows) problems.push(`${key}: rows ${at} to ${rows} are used by no weight`);
  }
  return problems;
}

function mismatch(
  path: string,
  what: string,
  missing: ReadonlySet<string>,
  unexpected: readonly string[],
  mismatches: readonly string[],
): FluxionError {
  const lines = [
    ...listed('missing', [...missing], (key) => {
      const near = nearest(key, unexpected, 1)[0];
      return near ? `${key} (nearest in the file: ${near})` : key;
    }),
    ...listed('unexpected', unexpected, (key) => key),
    ...listed('that do not fit', mismatches, (line) => line),
  ];
  return new FluxionError('bad_weights', [`${path}: does not fit the ${what}`, ...lines], {
    hint: 'check that the weights and the config.json belong to the same model',
  });
}

function listed(kind: string, items: readonly string[], show: (item: string) => string): string[] {
  if (items.length === 0) return [];
  const more = items.length > 10 ? [`    … and ${items.length - 10} more`] : [];
  return [`  ${items.length} ${kind}:`, ...items.slice(0, 10).map((item) => `    ${show(item)}`), ...more];
}

function show(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
