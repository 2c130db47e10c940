/**
 * A picture in bands of rows, one after the other, so that only one band's intermediate values are alive: exact, without seams.
 * Notable: a band is computed with `halo` more rows on either side, shifted to lie inside the picture near its edge. There,
 * convolutions pad with zeros as at the edge of the whole picture; elsewhere, rows that padding spoils lie in the halo, which is cut off.
 */

import type { DType } from '../support/dtype.ts';
import { map } from '../xla/graph/map.ts';
import { cut } from '../xla/graph/ops.ts';
import { constant, type Tensor } from '../xla/graph/tensor.ts';

export interface Bands {
  /** Number of bands, all of equal height; 1 for a picture without bands. */
  readonly count: number;
  /** Rows on either side that a result depends on, even. */
  readonly halo: number;
}

/** Cuts a band's own rows out of a result that was computed with its halo, at a whole multiple or half of the band's height. */
export type Own = <D extends DType>(y: Tensor<D>) => Tensor<D>;

/** Applies `body` to every band of `x` [b, height, width, c], its halo included, and stacks the results: [count, …]. */
export function overBands<D extends DType, R extends DType>(
  x: Tensor<D>,
  { count, halo }: Bands,
  body: (band: Tensor<D>, own: Own) => Tensor<R>,
): Tensor<R> {
  if (count === 1) {
    const result = body(x, (y) => y);
    return result.reshape([1, ...result.shape]);
  }
  const height = x.shape[1]!;
  const rows = height / count;
  const tall = rows + 2 * halo;
  const starts = Array.from({ length: count }, (_, i) => Math.min(Math.max(i * rows - halo, 0), height - tall));
  const firsts = starts.map((start, i) => i * rows - start);
  const list = (values: readonly number[]) => constant(Int32Array.from(values), 'i32', [count]);
  return map([list(starts), list(firsts)], [], ([start, first]) =>
    body(cut(x, 1, start, tall), (y) => {
      const scale = y.shape[1]! / tall;
      const at = scale === 1 ? first : scale < 1 ? first.div(1 / scale) : first.mul(scale);
      return cut(y, 1, at, rows * scale);
    }),
  );
}

/** Applies `body` band by band and joins the rows: [b, height', width', c']. */
export function inBands<D extends DType, R extends DType>(
  x: Tensor<D>,
  bands: Bands,
  body: (band: Tensor<D>) => Tensor<R>,
): Tensor<R> {
  if (bands.count === 1) return body(x);
  const stacked = overBands(x, bands, (band, own) => own(body(band)));
  const [count, b, rows, width, c] = stacked.shape as [number, number, number, number, number];
  return stacked.transpose([1, 0, 2, 3, 4]).reshape([b, count * rows, width, c]);
}

/**
 * The smallest number of bands, each of an even number of rows plus its halo, that keeps live values under `budget`; the largest possible
 * number if none does.
 */
export function bandCount(
  height: number,
  { halo, bytesPerRow, budget }: { readonly halo: number; readonly bytesPerRow: number; readonly budget: number },
): number {
  if (height * bytesPerRow <= budget) return 1;
  const possible = Array.from({ length: height / 2 }, (_, i) => i + 1).filter(
    // Bands lower than their halos would mostly compute halos.
    (count) => count > 1 && height % (2 * count) === 0 && height / count >= 2 * halo,
  );
  return possible.find((count) => (height / count + 2 * halo) * bytesPerRow <= budget) ?? possible.at(-1) ?? 1;
}
