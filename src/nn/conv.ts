/** 2-D convolutions on pictures [b, height, width, channels]; weights [out, in, kh, kw] as checkpoints store them. */

import { convolution } from '../graph/ops.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Float } from '../support/dtype.ts';
import type { Weights } from './weights.ts';

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

/** Doubles height and width by repeating each pixel. */
export function upsampleNearest<F extends Float>(x: Tensor<F>): Tensor<F> {
  const [b, height, width, channels] = x.shape as [number, number, number, number];
  return x
    .reshape([b, height, 1, width, 1, channels])
    .broadcastTo([b, height, 2, width, 2, channels])
    .reshape([b, 2 * height, 2 * width, channels]);
}
