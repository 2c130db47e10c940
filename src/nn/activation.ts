/** Activation functions, calculated in f32 and rounded once. */

import type { Tensor } from '../graph/tensor.ts';
import type { Float } from '../support/dtype.ts';

function inF32<F extends Float>(x: Tensor<F>, f: (x: Tensor<'f32'>) => Tensor<'f32'>): Tensor<F> {
  return f(x.cast('f32')).cast(x.dtype);
}

/** x · σ(x). */
export function silu<F extends Float>(x: Tensor<F>): Tensor<F> {
  return inF32(x, (f) => f.mul(f.sigmoid()));
}

/** ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))): the tanh form of GELU (https://arxiv.org/abs/1606.08415). */
export function geluTanh<F extends Float>(x: Tensor<F>): Tensor<F> {
  return inF32(x, (f) => {
    const inner = f.mul(f.mul(f).mul(0.044715).add(1)).mul(Math.sqrt(2 / Math.PI));
    return f.mul(inner.tanh().add(1)).mul(0.5);
  });
}

/** ½ x (1 + erf(x / √2)): GELU in its exact form. */
export function gelu<F extends Float>(x: Tensor<F>): Tensor<F> {
  return inF32(x, (f) => f.mul(f.mul(Math.SQRT1_2).erf().add(1)).mul(0.5));
}

/** x · σ(1.702 x), as CLIP uses it. */
export function quickGelu<F extends Float>(x: Tensor<F>): Tensor<F> {
  return inF32(x, (f) => f.mul(f.mul(1.702).sigmoid()));
}
