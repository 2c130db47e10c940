/** 2-D convolutions on pictures [b, height, width, channels]; weights [out, in, kh, kw] as checkpoints store them. */

import type { Float } from '../support/dtype.ts';
import { concatenate, convolution, split } from '../xla/graph/ops.ts';
import type { Tensor } from '../xla/graph/tensor.ts';
import type { Weights } from '../xla/graph/weights.ts';

export interface ConvOptions {
  readonly in: number;
  readonly out: number;
  readonly kernel: 1 | 3;
  readonly stride?: 1 | 2;
  /** `same` keeps the size; `after` pads one row below and one column to the right, as Flux's encoder downsamples. */
  readonly padding?: 'same' | 'after';
}

/** Declares `weight` and `bias` [out]. */
export function conv2d<F extends Float>(w: Weights<F>, options: ConvOptions): (x: Tensor<F>) => Tensor<F> {
  const { in: inputs, out, kernel, stride = 1, padding = 'same' } = options;
  const weight = w.param('weight', [out, inputs, kernel, kernel], ['conv_out', 'conv_in', null, null]);
  const bias = w.param('bias', [out], ['conv_out']);
  const around = padding === 'same' ? ([(kernel - 1) / 2, (kernel - 1) / 2] as const) : ([0, 1] as const);
  return (x) =>
    convolution(x, weight, { stride: [stride, stride], padding: [around, around] }).add(bias.reshape([1, 1, 1, out]));
}

/**
 * Doubles height and width by repeating each pixel and convolves with a 3 × 3 window; declares `weight` and `bias` [channels].
 * Notable: an output pixel sees four pixels of the input, some of them twice. Adding up the weights that meet the same one gives a
 * 2 × 2 window for each of the four positions in a repeated pixel: 4/9 of the products, and no picture of repeated pixels.
 */
export function doublingConv<F extends Float>(
  w: Weights<F>,
  { channels: c }: { readonly channels: number },
): (x: Tensor<F>) => Tensor<F> {
  const weight = w.param('weight', [c, c, 3, 3], ['conv_out', 'conv_in', null, null]);
  const bias = w.param('bias', [c], ['conv_out']);
  const f = weight.cast('f32');
  // In the upper half of a repeated pixel, the window's rows 1 and 2 meet the same pixel; in the lower half, rows 0 and 1. Likewise columns.
  const halves = (t: Tensor<'f32'>, dim: 2 | 3): Tensor<'f32'>[] => {
    const [first, middle, last] = split(t, [1, 1, 1], dim) as [Tensor<'f32'>, Tensor<'f32'>, Tensor<'f32'>];
    return [concatenate([first, middle.add(last)], dim), concatenate([first.add(middle), last], dim)];
  };
  const positions = halves(f, 2).flatMap((rows) => halves(rows, 3));
  const window = concatenate(positions, 0).cast(w.compute);
  return (x) => {
    const [b, height, width] = x.shape as [number, number, number, number];
    // One row and column more than the input: between, before and after its pixels.
    const one = [1, 1] as const;
    const between = convolution(x, window, { stride: one, padding: [one, one] });
    const shifted = split(between, [c, c, c, c], 3).map((t, i) => {
      const [dy, dx] = [i >> 1, i & 1];
      return t
        .slice(1, dy, dy + height)
        .slice(2, dx, dx + width)
        .reshape([b, height, 1, width, 1, c]);
    });
    const rows = [0, 2].map((i) => concatenate([shifted[i]!, shifted[i + 1]!], 4));
    return concatenate(rows, 2)
      .reshape([b, 2 * height, 2 * width, c])
      .add(bias.reshape([1, 1, 1, c]));
  };
}
