/**
 * What each adapter algorithm adds to a weight. Plain LoRA and LoHa are low-rank products, which may be applied beside the weight; all others
 * are differences of the weight itself; their caller computes products of whole weights.
 * Sources: LyCORIS `lycoris/modules`; DoRA (https://arxiv.org/abs/2402.09353); PEFT `tuners/lora`; ComfyUI `comfy/weight_adapter`.
 */

import { FluxionError } from '../../support/errors.ts';
import type { TensorRole } from './keys.ts';
import {
  type Base,
  hadamard,
  kronecker,
  type Matrix,
  type Multiply,
  matrixOf,
  multiply,
  rowsOf,
  valuesOf,
} from './matrix.ts';
import type { LoraModule, LoraTensor } from './parse.ts';

/** scale · B · A, for A [rank, in] and B [out, rank]. */
export interface LowRank {
  readonly kind: 'low-rank';
  readonly a: Matrix;
  readonly b: Matrix;
  readonly scale: number;
}

/** A difference computed row by row from the existing weight, at strength 1. */
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

/** A module whose shapes fit, before any of its values is read. */
export interface FittedModule {
  /** Whether it adds to a bias. */
  readonly bias: boolean;
  /** Keys of tensors that its algorithm does not need. */
  readonly left: readonly string[];
  terms(): ModuleTerms;
}

/** Rows and columns of the weight a module's tensors are for. */
interface TargetShape {
  readonly rows: number;
  readonly columns: number;
}

const MAX_RANK = 4096;
/** Two low-rank products, multiplied element by element, are computed as one up to this rank of the result. */
const MAX_HADAMARD_RANK = 256;
/** Up to this many multiplications take less time here than compiling a program for them. */
const SMALL_PRODUCT = 1e7;

/**
 * Checks a module's shapes against its weight; undefined if it lacks tensors. Reads and multiplies nothing.
 * Throws `bad_weights` with the key and both shapes.
 */
export function fitModule(module: LoraModule, target: TargetShape, path: string): FittedModule | undefined {
  const used = new Set<TensorRole>(['alpha', 'reshape']);
  const take: Take = (...roles) => {
    const entries = roles.map((role) => module.tensors.get(role));
    if (entries.includes(undefined)) return undefined;
    for (const role of roles) used.add(role);
    return entries as LoraTensor[];
  };
  const fit: Fit = { module, target, path, take };
  const weight = WEIGHT_ALGORITHMS.flatMap((algorithm) => algorithm(fit) ?? []);
  const bias = weight.length > 0 || module.tensors.has('diff_b') ? biasTerms(fit) : [];
  if (weight.length + bias.length === 0) return undefined;
  const magnitude = weight.length > 0 ? take('magnitude')?.[0] : undefined;
  if (magnitude && !isByColumn(magnitude, fit.target)) checked(magnitude, fit.target.rows, 1, fit.path);
  return {
    bias: bias.length > 0,
    left: [...module.tensors].flatMap(([role, { key }]) => (used.has(role) ? [] : [key])),
    terms() {
      const terms = weight.flatMap((make) => make());
      return {
        weight: magnitude ? [decomposed(terms, magnitude, target)] : terms,
        bias: bias.flatMap((make) => make()),
      };
    },
  };
}

/** The tensors of these roles, if all are there. */
type Take = (...roles: readonly TensorRole[]) => LoraTensor[] | undefined;
interface Fit {
  readonly module: LoraModule;
  readonly target: TargetShape;
  readonly path: string;
  readonly take: Take;
}
/** Makes the terms of one algorithm from tensors whose shapes were checked. */
type Make = () => readonly Term[];

/** The terms of each algorithm from its tensors; `undefined` if some are missing. A module may have several. */
const WEIGHT_ALGORITHMS: readonly ((fit: Fit) => Make | undefined)[] = [plain, loha, lokr, glora, diff, set];

function plain({ module, target, path, take }: Fit): Make | undefined {
  const [a, b] = take('A', 'B') ?? [];
  if (!a || !b) return undefined;
  const scale = scaleOf(module, checkedRank(b, a, target, path), path);
  return () => [{ kind: 'low-rank', a, b, scale }];
}

function loha({ module, target, path, take }: Fit): Make | undefined {
  const [b1, a1, b2, a2] = take('hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b') ?? [];
  if (!b1 || !a1 || !b2 || !a2) return undefined;
  const rank = checkedRank(b1, a1, target, path);
  checkedRank(b2, a2, target, path);
  const scale = scaleOf(module, rank, path);
  return () => [hadamardTerm([b1, a1], [b2, a2], scale)];
}

/** A Kronecker factor, given whole or as a product of two matrices; `rank` is the product's. */
interface Factor {
  readonly rows: number;
  readonly columns: number;
  readonly rank: number | undefined;
  readonly key: string;
  values(multiply: Multiply): Promise<Float32Array>;
}

function lokr({ module, target: { rows, columns }, path, take }: Fit): Make | undefined {
  const factor = (name: 'lokr_w1' | 'lokr_w2'): Factor | undefined => {
    const [whole] = take(name) ?? [];
    if (whole) {
      const { key, rows, columns } = whole;
      return { rows, columns, rank: undefined, key, values: async () => valuesOf(whole) };
    }
    const [b, a] = take(`${name}_a`, `${name}_b`) ?? [];
    if (!a || !b) return undefined;
    const rank = checkedRank(b, a, { rows: b.rows, columns: a.columns }, path);
    const small = b.rows * rank * a.columns <= SMALL_PRODUCT;
    const values = async (product: Multiply) => (small ? multiply(b, a) : product(b, a));
    return { rows: b.rows, columns: a.columns, rank, key: a.key, values };
  };
  const [w1, w2] = [factor('lokr_w1'), factor('lokr_w2')];
  if (!w1 || !w2) return undefined;
  if (w1.rows * w2.rows !== rows || w1.columns * w2.columns !== columns) {
    const found = `[${w1.rows}, ${w1.columns}] ⊗ [${w2.rows}, ${w2.columns}]`;
    throw misshaped(path, w2.key, `factors of [${rows}, ${columns}]`, found);
  }
  // LyCORIS scales by the rank of the last factor that is a product, if any; PEFT always scales by the rank in its settings.
  const rank = module.rank ?? w2.rank ?? w1.rank;
  const scale = rank === undefined ? 1 : scaleOf(module, rank, path);
  const term = scaling(async (start, end, { multiply }) => {
    const [x, y] = await Promise.all([w1.values(multiply), w2.values(multiply)]);
    const [left, right] = [matrixOf(w1.rows, w1.columns, x), matrixOf(w2.rows, w2.columns, y)];
    return scaled(kronecker(left, right, start, end), scale);
  });
  return () => [term];
}

function glora({ module, target, path, take }: Fit): Make | undefined {
  const [a1, a2, b1, b2] = take('a1', 'a2', 'b1', 'b2') ?? [];
  if (!a1 || !a2 || !b1 || !b2) return undefined;
  const { rows, columns } = target;
  // LyCORIS exchanged the roles of 1 and 2 at some point; the shapes tell which order a file has.
  const older = b2.rows === rows && b1.columns === columns && b2.columns === b1.rows;
  const [inner, outer, up, down] = older ? [a2, a1, b2, b1] : [a1, a2, b1, b2];
  const rank = checkedRank(up, down, target, path);
  checked(inner, columns, outer.rows, path);
  checked(outer, inner.columns, columns, path);
  const scale = scaleOf(module, rank, path);
  const fromBase = scaling(async (start, end, base) => {
    const left = matrixOf(end - start, columns, base.rows(start, end));
    const middle = matrixOf(end - start, inner.columns, await base.multiply(left, inner));
    return scaled(await base.multiply(middle, outer), scale);
  });
  return () => [{ kind: 'low-rank', a: down, b: up, scale }, fromBase];
}

function diff({ target: { rows, columns }, path, take }: Fit): Make | undefined {
  const [entry] = take('diff') ?? [];
  if (!entry) return undefined;
  const delta = checked(entry, rows, columns, path);
  return () => [difference(columns, () => valuesOf(delta))];
}

function set({ target: { rows, columns }, path, take }: Fit): Make | undefined {
  const [entry] = take('set') ?? [];
  if (!entry) return undefined;
  const values = checked(entry, rows, columns, path);
  const replacement = async (start: number, end: number, base: Base): Promise<Float32Array> => {
    const before = base.rows(start, end);
    return valuesOf(rowsOf(values, start, end)).map((value, i) => value - before[i]!);
  };
  return () => [{ kind: 'difference', strength: 'replaces', rows: replacement }];
}

function hadamardTerm(
  first: readonly [LoraTensor, LoraTensor],
  second: readonly [LoraTensor, LoraTensor],
  scale: number,
): Term {
  if (first[1].rows * second[1].rows <= MAX_HADAMARD_RANK) {
    return { kind: 'low-rank', ...hadamard(first, second), scale };
  }
  return scaling(async (start, end, base) => {
    const [x, y] = await Promise.all([first, second].map(([b, a]) => base.multiply(rowsOf(b, start, end), a)));
    for (let i = 0; i < x!.length; i++) x![i]! *= scale * y![i]!;
    return x!;
  });
}

/** alpha / rank, or alpha / √rank; 1 without an alpha. */
function scaleOf({ alpha, rankStabilized, tensors }: LoraModule, rank: number, path: string): number {
  if (alpha === undefined) return 1;
  const scale = alpha / (rankStabilized ? Math.sqrt(rank) : rank);
  if (Number.isFinite(scale)) return scale;
  const key = tensors.get('alpha')?.key ?? 'alpha';
  throw new FluxionError('bad_file', `${path}: ${key}: holds NaN or infinity`);
}

function biasTerms({ module, target: { rows }, path, take }: Fit): Make[] {
  const makes: Make[] = [];
  const [a, b] = [module.tensors.get('A'), module.tensors.get('B')];
  if (a && b) {
    const [onA, onB] = [take('A_bias')?.[0], take('B_bias')?.[0]];
    const [ofA, ofB] = [onA && checked(onA, a.rows, 1, path), onB && checked(onB, rows, 1, path)];
    const scale = scaleOf(module, a.rows, path);
    if (ofA || ofB)
      makes.push(() => {
        const delta = ofB ? valuesOf(ofB) : new Float32Array(rows);
        if (ofA) addTo(delta, multiply(b, ofA), 1);
        const whole = scaled(delta, scale);
        return [difference(1, () => whole)];
      });
  }
  const [entry] = take('diff_b') ?? [];
  if (entry) {
    const delta = checked(entry, rows, 1, path);
    makes.push(() => [difference(1, () => valuesOf(delta))]);
  }
  return makes;
}

/** A difference at strength 1, and in proportion at others. */
function scaling(rows: Difference['rows']): Difference {
  return { kind: 'difference', strength: 'scales', rows };
}

/** A difference that does not depend on the weight. */
function difference(columns: number, whole: () => Float32Array): Difference {
  return scaling(async (start, end) => whole().subarray(start * columns, end * columns));
}

/**
 * DoRA: scales each row or each column of the adapted weight to its learned length: d · (W + Δ) / ‖W + Δ‖.
 * A magnitude [1, in] is for columns (OneTrainer, LyCORIS by default), [out] or [out, 1] for rows (PEFT). The norm is the adapted weight's
 * along the magnitude's own axis, as in the trainers; a strength interpolates between W and the result.
 */
function decomposed(terms: readonly Term[], magnitude: LoraTensor, { rows, columns }: TargetShape): Difference {
  const byColumn = isByColumn(magnitude, { rows, columns });
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
  return scaling(async (start, end, base) => {
    if (byColumn) {
      // Parts of a fused layer ask at the same time.
      columnNorms ??= normsOfColumns(base);
      columnNorms.catch(() => {
        columnNorms = undefined;
      });
    }
    const norms = await columnNorms;
    const factors = norms?.map((norm, i) => stretch(lengths[i]!, norm));
    const [before, after] = [base.rows(start, end), await adapted(start, end, base)];
    for (let row = start, at = 0; row < end; row++, at += columns) {
      if (factors) {
        for (let i = 0; i < columns; i++) after[at + i] = after[at + i]! * factors[i]! - before[at + i]!;
        continue;
      }
      let squares = 0;
      for (let i = at; i < at + columns; i++) squares += after[i]! ** 2;
      const factor = stretch(lengths[row]!, Math.sqrt(squares));
      for (let i = at; i < at + columns; i++) after[i] = after[i]! * factor - before[i]!;
    }
    return after;
  });
}

function isByColumn(magnitude: LoraTensor, { rows, columns }: TargetShape): boolean {
  return magnitude.rows === 1 && magnitude.columns === columns && rows > 1;
}

/** The factor that brings a length to the learned one; 1 for a length of 0. */
function stretch(learned: number, length: number): number {
  return length === 0 ? 1 : learned / length;
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

/** Multiplies values in place; only the caller may hold them. */
function scaled(values: Float32Array, factor: number): Float32Array {
  if (factor !== 1) for (let i = 0; i < values.length; i++) values[i]! *= factor;
  return values;
}

/** Checks the shapes of B [rows, rank] and A [rank, columns]; returns the rank. */
function checkedRank(b: LoraTensor, a: LoraTensor, { rows, columns }: TargetShape, path: string): number {
  const rank = a.rows;
  if (rank > MAX_RANK)
    throw new FluxionError('bad_weights', `${path}: ${a.key}: rank ${rank} is more than the ${MAX_RANK} allowed`);
  checked(a, rank, columns, path);
  checked(b, rows, rank, path);
  return rank;
}

/** A vector may be stored as a column or as a row. */
function checked(entry: LoraTensor, rows: number, columns: number, path: string): LoraTensor {
  const vector = columns === 1 && entry.rows * entry.columns === rows && (entry.rows === 1 || entry.columns === 1);
  if (vector) return entry.as(rows, 1);
  if (entry.rows === rows && entry.columns === columns) return entry;
  throw misshaped(path, entry.key, `[${rows}, ${columns}]`, `[${entry.shape.join(', ')}]`);
}

function misshaped(path: string, key: string, expected: string, found: string): FluxionError {
  return new FluxionError('bad_weights', `${path}: ${key}: expected ${expected}, found ${found}`, {
    hint: 'the file was made for a model of another size, or it is damaged',
  });
}
