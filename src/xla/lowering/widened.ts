/**
 * Products of bf16 on processors that multiply f32 faster. XLA:CPU's bf16 kernels widen in their innermost loop there, or use instructions
 * that are slower than those of f32, and reach little more than half the rate. Here operands are widened first, matrices in tiles that stay
 * in the cache: no widened matrix is ever whole in memory.
 */

import { elementCount } from '../../support/dtype.ts';
import { getOrMake } from '../../support/get-or-make.ts';
import { concatenate, dot, matmulTransposed } from '../graph/ops.ts';
import { Tensor } from '../graph/tensor.ts';
import { apart } from './dense.ts';

/** Rows [out] and columns [in] of a tile of a matrix at most: 12 MiB widened (docs/measurements/cpu.md). */
const TILE = { out: 768, in: 4096 } as const;
type Range = readonly [start: number, end: number];
/** Activations from which widening a matrix costs less than it gains. */
const MIN_TOKENS = 64;

/** How a layer is multiplied: `x Wᵀ`, or `W xᵀ` with the operands exchanged. */
export type Orientation = 'x Wᵀ' | 'W xᵀ';

/** The rule that replaces dots of bf16 by f32 arithmetic where that is faster, for one graph. */
export function widenDots(orientation: Orientation): (node: Tensor) => Tensor<'f32'> | undefined {
  const transposed = new Map<Tensor, Tensor<'f32'>>();
  return ({ op, inputs, shape }) => {
    if (op.kind !== 'dot' || inputs[0]!.dtype !== 'bf16') return undefined;
    const [a, b] = inputs as [Tensor, Tensor];
    const { batch, contract } = op.dims;
    const used = [...batch[0], ...contract[0]];
    const rows = elementCount(a.shape.filter((_, dim) => !used.includes(dim)));
    if (rows < MIN_TOKENS) return undefined;
    const isLayer = b.shape.length === 2 && contract[1].join() === '1' && used.join() === `${a.shape.length - 1}`;
    if (!isLayer) return new Tensor(op, [a.cast('f32'), b.cast('f32')], 'f32', shape);
    return orientation === 'x Wᵀ' ? tiledLayer(a, b, shape) : transposedLayer(a, b, shape, transposed);
  };
}

/** x [..., in] times a weight [out, in], as YNNPACK multiplies it fastest. */
function tiledLayer(x: Tensor, weight: Tensor, shape: readonly number[]): Tensor<'f32'> {
  const { inner, rows } = tilesOf(weight);
  const flat = x.reshape([-1, weight.shape[1]!]).cast('f32');
  const left = inner.map(([start, end]) => flat.slice(1, start, end));
  const products = rows.map((range) =>
    sum(widenedTiles(weight, range, inner).map((tile, i) => matmulTransposed(left[i]!, tile))),
  );
  return concatenate(products, 1).reshape(shape);
}

/**
 * x [..., in] times a weight [out, in], calculated as W xᵀ: XLA before YNNPACK packs the right operand of a product at every call and
 * never the left one, and there are fewer tokens than rows of a weight.
 */
function transposedLayer(
  x: Tensor,
  weight: Tensor,
  shape: readonly number[],
  transposed: Map<Tensor, Tensor<'f32'>>,
): Tensor<'f32'> {
  const { inner, rows } = tilesOf(weight);
  const columns = getOrMake(transposed, x, () =>
    apart(x.reshape([-1, weight.shape[1]!]).cast('f32').transpose([1, 0])),
  );
  const right = inner.map(([start, end]) => columns.slice(0, start, end));
  const products = rows.map((range) =>
    sum(
      widenedTiles(weight, range, inner).map((tile, i) =>
        dot(tile, right[i]!, { batch: [[], []], contract: [[1], [0]] }),
      ),
    ),
  );
  // XLA's simplifier would exchange the operands back: to it, W xᵀ transposed is x Wᵀ.
  return apart(concatenate(products, 0)).transpose([1, 0]).reshape(shape);
}

/** The ranges of columns and rows that a weight is cut into. */
function tilesOf({ shape: [out, width] }: Tensor) {
  return { inner: ranges(width!, TILE.in), rows: ranges(out!, TILE.out) };
}

function widenedTiles(weight: Tensor, [top, bottom]: Range, inner: readonly Range[]): Tensor<'f32'>[] {
  return inner.map(([start, end]) => weight.slice(0, top, bottom).slice(1, start, end).cast('f32'));
}

function sum(products: readonly Tensor<'f32'>[]): Tensor<'f32'> {
  return products.reduce((total, product) => total.add(product));
}

/** Cuts `size` into the fewest ranges of at most `most`, all but the last equally long. */
function ranges(size: number, most: number): Range[] {
  const step = Math.ceil(size / Math.ceil(size / most));
  return Array.from({ length: Math.ceil(size / step) }, (_, i) => [i * step, Math.min(size, (i + 1) * step)]);
}
