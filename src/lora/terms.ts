/**
 * What each algorithm of adapting adds to a weight. Plain LoRA and LoHa are low-rank products, which may be applied beside the
 * weight; all others are differences of the weight itself, for which the products of whole weights are given out.
 * Sources: LyCORIS `lycoris/modules`; DoRA (https://arxiv.org/abs/2402.09353); PEFT `tuners/lora`; ComfyUI `comfy/weight_adapter`.
 */

import { FluxionError } from '../support/errors.ts';
import type { Role } from './keys.ts';
import { hadamard, kronecker, type Matrix, type Multiply, matrixOf, multiply, rowsOf, valuesOf } from './matrix.ts';
import type { Entry, LoraModule } from './parse.ts';

/** What a difference is calculated from. */
export interface Base {
  /** Rows `start` to `end` of what the file calls the module's weight, before any adapter, in f32; the caller may change them. */
  rows(start: number, end: number): Float32Array;
  readonly multiply: Multiply;
}

/** scale · B · A, for A [rank, in] and B [out, rank]. */
export interface LowRank {
  readonly kind: 'low-rank';
  readonly a: Matrix;
  readonly b: Matrix;
  readonly scale: number;
}

/** A difference calculated row by row from what is there, at strength 1. */
export interface Difference {
  readonly kind: 'difference';
  /** `replaces`: the weight is exchanged whole at any strength but 0. */
  readonly strength: 'scales' | 'replaces';
  rows(start: number, end: number, base: Base): Promise<Float32Array>;
}

export type Term = LowRank | Difference;

/** What a module's tensors add to its weight and to its bias. */
export interface ModuleTerms {
  readonly weight: readonly Term[];
  readonly bias: readonly Term[];
}

/** Rows and columns of the weight a module's tensors are for. */
export interface TargetShape {
  readonly rows: number;
  readonly columns: number;
}

const MAX_RANK = 4096;
/** Up to here two rank-r products are multiplied as one of rank r². */
const MAX_HADAMARD_RANK = 256;

/** Works out what a module adds; undefined where tensors are missing to it. Throws `bad_weights` with the key and both shapes. */
export function moduleTerms(module: LoraModule, target: TargetShape, path: string): ModuleTerms | undefined {
  const terms = weightTerms(module, target, path) ?? [];
  const bias = biasTerms(module, target, path);
  const magnitude = module.tensors.get('magnitude');
  const weight = magnitude && terms.length > 0 ? [decomposed(terms, magnitude, target, path)] : terms;
  return weight.length + bias.length === 0 ? undefined : { weight, bias };
}

function weightTerms(module: LoraModule, target: TargetShape, path: string): readonly Term[] | undefined {
  const all = <R extends Role>(...roles: R[]): Entry[] | undefined => {
    const entries = roles.map((role) => module.tensors.get(role));
    return entries.every((entry) => entry !== undefined) ? entries : undefined;
  };
  const { rows, columns } = target;

  const plain = all('A', 'B');
  if (plain) {
    const [a, b] = plain as [Entry, Entry];
    const rank = checkedRank(a, a.rows, path);
    checked(a, rank, columns, path);
    checked(b, rows, rank, path);
    return [{ kind: 'low-rank', a, b, scale: scaleOf(module, rank) }];
  }
  const loha = all('hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b');
  if (loha) {
    const [b1, a1, b2, a2] = loha as [Entry, Entry, Entry, Entry];
    const rank = checkedRank(a1, a1.rows, path);
    checked(b1, rows, rank, path);
    checked(a1, rank, columns, path);
    checked(b2, rows, checkedRank(a2, a2.rows, path), path);
    checked(a2, a2.rows, columns, path);
    return [hadamardTerm([b1, a1], [b2, a2], scaleOf(module, rank))];
  }
  const lokr = kroneckerFactors(module, path);
  if (lokr) {
    const { w1, w2, rank, key } = lokr;
    if (w1.rows * w2.rows !== rows || w1.columns * w2.columns !== columns) {
      const found = `[${w1.rows}, ${w1.columns}] ⊗ [${w2.rows}, ${w2.columns}]`;
      throw misshaped(path, key, `factors of [${rows}, ${columns}]`, found);
    }
    const scale = rank === undefined ? 1 : scaleOf(module, rank);
    const delta = scaled(kronecker(w1, w2), scale);
    return [difference(columns, () => delta)];
  }
  const glora = all('a1', 'a2', 'b1', 'b2');
  if (glora) {
    const [a1, a2, b1, b2] = glora as [Entry, Entry, Entry, Entry];
    // LyCORIS exchanged the roles of 1 and 2 at some point; the shapes tell.
    const older = b2.rows === rows && b1.columns === columns && b2.columns === b1.rows;
    const [inner, outer, up, down] = older ? [a2, a1, b2, b1] : [a1, a2, b1, b2];
    const rank = checkedRank(down, down.rows, path);
    checked(up, rows, rank, path);
    checked(down, rank, columns, path);
    checked(inner, columns, outer.rows, path);
    checked(outer, inner.columns, columns, path);
    const scale = scaleOf(module, rank);
    const fromBase: Difference = {
      kind: 'difference',
      strength: 'scales',
      async rows(start, end, base) {
        const left = matrixOf(end - start, columns, base.rows(start, end));
        const middle = matrixOf(end - start, inner.columns, await base.multiply(left, inner));
        return scaled(await base.multiply(middle, outer), scale);
      },
    };
    return [{ kind: 'low-rank', a: down, b: up, scale }, fromBase];
  }
  const diff = module.tensors.get('diff');
  if (diff) {
    const delta = checked(diff, rows, columns, path);
    return [difference(columns, () => valuesOf(delta))];
  }
  const set = module.tensors.get('set');
  return set && [replacement(checked(set, rows, columns, path))];
}

/** The two Kronecker factors, each whole or as a low-rank product; the rank is that of the last that is a product. */
function kroneckerFactors(module: LoraModule, path: string) {
  const factor = (name: 'lokr_w1' | 'lokr_w2') => {
    const whole = module.tensors.get(name);
    if (whole) return { matrix: whole, rank: undefined, key: whole.key };
    const [b, a] = [module.tensors.get(`${name}_a`), module.tensors.get(`${name}_b`)];
    if (!a || !b) return undefined;
    const rank = checkedRank(a, a.rows, path);
    checked(b, b.rows, rank, path);
    return { matrix: matrixOf(b.rows, a.columns, multiply(b, a)), rank, key: a.key };
  };
  const [first, second] = [factor('lokr_w1'), factor('lokr_w2')];
  if (!first || !second) return undefined;
  return { w1: first.matrix, w2: second.matrix, rank: second.rank ?? first.rank, key: second.key };
}

function hadamardTerm(first: readonly [Entry, Entry], second: readonly [Entry, Entry], scale: number): Term {
  if (first[1].rows * second[1].rows <= MAX_HADAMARD_RANK) {
    return { kind: 'low-rank', ...hadamard(first, second), scale };
  }
  return {
    kind: 'difference',
    strength: 'scales',
    async rows(start, end, base) {
      const [x, y] = await Promise.all([first, second].map(([b, a]) => base.multiply(rowsOf(b, start, end), a)));
      for (let i = 0; i < x!.length; i++) x![i]! *= scale * y![i]!;
      return x!;
    },
  };
}

/** alpha / rank, or alpha / √rank; 1 where no alpha is told, or 0, which trainers take for none. */
function scaleOf({ alpha, rankStabilized }: LoraModule, rank: number): number {
  return alpha === undefined || alpha === 0 ? 1 : alpha / (rankStabilized ? Math.sqrt(rank) : rank);
}

function biasTerms(module: LoraModule, { rows }: TargetShape, path: string): Term[] {
  const terms: Term[] = [];
  const [a, b] = [module.tensors.get('A'), module.tensors.get('B')];
  const [onA, onB] = [module.tensors.get('A_bias'), module.tensors.get('B_bias')];
  if (a && b && (onA || onB)) {
    const delta = onB ? valuesOf(checked(onB, rows, 1, path)) : new Float32Array(rows);
    if (onA) addTo(delta, multiply(b, checked(onA, a.rows, 1, path)), 1);
    const whole = scaled(delta, scaleOf(module, a.rows));
    terms.push(difference(1, () => whole));
  }
  const diff = module.tensors.get('diff_b');
  if (diff) {
    const delta = checked(diff, rows, 1, path);
    terms.push(difference(1, () => valuesOf(delta)));
  }
  return terms;
}

/** A difference that is known whole. */
function difference(columns: number, whole: () => Float32Array): Difference {
  return {
    kind: 'difference',
    strength: 'scales',
    rows: async (start, end) => whole().subarray(start * columns, end * columns),
  };
}

function replacement(entry: Entry): Difference {
  return {
    kind: 'difference',
    strength: 'replaces',
    async rows(start, end, base) {
      const before = base.rows(start, end);
      return valuesOf(rowsOf(entry, start, end)).map((value, i) => value - before[i]!);
    },
  };
}

/**
 * DoRA: the adapted weight, each row or each column of it brought to the learned length: d · (W + Δ) / ‖W + Δ‖.
 * A magnitude [1, in] is for columns (OneTrainer, LyCORIS by default), [out] or [out, 1] for rows (PEFT). The norm is that of the adapted weight on
 * the magnitude's own axis, as the trainers have it; a strength interpolates between W and the whole.
 */
function decomposed(
  terms: readonly Term[],
  magnitude: Entry,
  { rows, columns }: TargetShape,
  path: string,
): Difference {
  const byColumn = magnitude.rows === 1 && magnitude.columns === columns && rows > 1;
  if (!byColumn) checked(magnitude, rows, 1, path);
  const lengths = valuesOf(magnitude);
  const adapted = async (start: number, end: number, base: Base): Promise<Float32Array> => {
    const after = base.rows(start, end);
    for (const term of terms) addTo(after, await termRows(term, start, end, base), 1);
    return after;
  };
  let columnNorms: Promise<Float64Array> | undefined;
  const normsOfColumns = async (base: Base): Promise<Float64Array> => {
    const squares = new Float64Array(columns);
    const after = await adapted(0, rows, base);
    for (let at = 0; at < after.length; at += columns)
      for (let i = 0; i < columns; i++) squares[i]! += after[at + i]! ** 2;
    return squares.map(Math.sqrt);
  };
  return {
    kind: 'difference',
    strength: 'scales',
    async rows(start, end, base) {
      if (byColumn) {
        // Parts of a fused layer ask at the same time.
        columnNorms ??= normsOfColumns(base);
        columnNorms.catch(() => {
          columnNorms = undefined;
        });
      }
      const norms = await columnNorms;
      const factors = norms?.map((norm, i) => lengths[i]! / norm);
      const [before, after] = [base.rows(start, end), await adapted(start, end, base)];
      for (let row = start, at = 0; row < end; row++, at += columns) {
        if (factors) {
          for (let i = 0; i < columns; i++) after[at + i] = after[at + i]! * factors[i]! - before[at + i]!;
          continue;
        }
        let squares = 0;
        for (let i = at; i < at + columns; i++) squares += after[i]! ** 2;
        const factor = lengths[row]! / Math.sqrt(squares);
        for (let i = at; i < at + columns; i++) after[i] = after[i]! * factor - before[i]!;
      }
      return after;
    },
  };
}

/** Rows of a term at strength 1. */
async function termRows(term: Term, start: number, end: number, base: Base): Promise<Float32Array> {
  if (term.kind === 'difference') return term.rows(start, end, base);
  return scaled(await base.multiply(rowsOf(term.b, start, end), term.a), term.scale);
}

/** Adds `factor` · `values` to `sum` in place. */
export function addTo(sum: Float32Array, values: Float32Array, factor: number): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += factor * values[i]!;
}

/** Multiplies values that nobody else has, in place. */
function scaled(values: Float32Array, factor: number): Float32Array {
  if (factor !== 1) for (let i = 0; i < values.length; i++) values[i]! *= factor;
  return values;
}

function checkedRank({ key }: Entry, rank: number, path: string): number {
  if (rank <= MAX_RANK) return rank;
  throw new FluxionError('bad_weights', `${path}: ${key}: rank ${rank} is more than the ${MAX_RANK} allowed`);
}

/** A vector may be stored as a column or as a row. */
function checked(entry: Entry, rows: number, columns: number, path: string): Entry {
  const vector = columns === 1 && entry.rows * entry.columns === rows && (entry.rows === 1 || entry.columns === 1);
  if (vector) return { ...entry, rows, columns: 1 };
  if (entry.rows === rows && entry.columns === columns) return entry;
  throw misshaped(path, entry.key, `[${rows}, ${columns}]`, `[${entry.shape.join(', ')}]`);
}

function misshaped(path: string, key: string, expected: string, found: string): FluxionError {
  return new FluxionError('bad_weights', `${path}: ${key}: expected ${expected}, found ${found}`, {
    hint: 'the file was made for a model of another size, or it is damaged',
  });
}
