/** Activation functions, calculated in f32 and rounded once, and a clamp that keeps activations in range. */

import type { Float } from '../support/dtype.ts';
import type { Tensor } from '../xla/graph/tensor.ts';

/** The largest number of f16. */
const F16_MAX = 65_504;

/**
 * Clamps f16 activations to ±65504 after a block, where they would overflow to infinity; other types have the range of f32 and are
 * unchanged. diffusers does this for single blocks and for the text of double blocks; a picture that overflows elsewhere is lost there too.
 */
export function inRange<F extends Float>(x: Tensor<F>): Tensor<F> {
  return x.dtype === 'f16' ? x.max(-F16_MAX).min(F16_MAX) : x;
}

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
