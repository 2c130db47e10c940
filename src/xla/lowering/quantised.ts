/**
 * Products with quantised matrices, y = x ((values ∘ multipliers) ∘ scales)ᵀ: the scales factor out of the sum, which is computed in the
 * type that a device multiplies fastest. If x is rounded to that type as well, each token has its own scale, set by its largest number.
 */

import type { Float } from '../../support/dtype.ts';
import { matmulTransposed } from '../graph/ops.ts';
import { rotate } from '../graph/rotation.ts';
import { constant, type Tensor } from '../graph/tensor.ts';
import { platformOf } from './platform.ts';
import type { Target } from './target.ts';

/** Arithmetic of a product: `widened` converts the matrix to the type of the activations; otherwise both are `int8` or `fp8`. */
export type Arithmetic = 'widened' | 'int8' | 'fp8';

export interface ArithmeticChoice {
  readonly arithmetic: Arithmetic;
  readonly why: string;
}

/** Largest numbers of the types. */
const MOST = { int8: 127, fp8: 448 } as const;
/** Keeps a token of zeros from being divided by its largest number. */
const TINY = 1e-30;

/** Chooses the arithmetic of a node; undefined for nodes of other kinds. */
export function chooseArithmetic({ op, inputs }: Tensor, target: Target): ArithmeticChoice | undefined {
  if (op.kind !== 'quantisedMatmul') return undefined;
  if (op.activations === 'kept') return { arithmetic: 'widened', why: 'these activations must not be rounded' };
  const { computeCapability = 0 } = target;
  const { name, int8, fp8From } = platformOf(target.platform);
  if (inputs[1]!.dtype !== 'f8e4m3') {
    return int8 === 'faster'
      ? { arithmetic: 'int8', why: `${name} multiplies integers faster` }
      : { arithmetic: 'widened', why: `not measured on ${name}` };
  }
  if (fp8From !== undefined && computeCapability >= fp8From)
    return { arithmetic: 'fp8', why: `compute capability ${computeCapability} multiplies 8-bit floats` };
  return { arithmetic: 'widened', why: `${name} gains nothing from 8-bit floats` };
}

/** Writes a quantised product as a target computes it; undefined for nodes of other kinds. */
export function lowerQuantised(node: Tensor, target: Target): Tensor | undefined {
  const choice = chooseArithmetic(node, target);
  if (!choice || node.op.kind !== 'quantisedMatmul') return undefined;
  const { rotation } = node.op;
  const [x, stored, scales, multipliers] = node.inputs as [Tensor<Float>, Tensor, Tensor<'f32'>, Tensor<'i8'>?];
  const values = multipliers ? multiplied(stored, multipliers) : stored;
  const ones = x.shape.slice(1).map(() => 1);
  const scaled = (product: Tensor<'f32'>): Tensor<'f32'> => product.mul(scales.reshape([...ones, -1]));
  switch (choice.arithmetic) {
    case 'widened':
      return scaled(matmulTransposed(rotate(x, rotation).cast(x.dtype), values.cast(x.dtype), 'f32')).cast(x.dtype);
    case 'int8': {
      const { rounded, scale } = perToken(rotate(x, rotation), MOST.int8);
      const product = matmulTransposed(rounded.round().cast('i8'), values as Tensor<'i8'>, 'i32');
      return scaled(product.cast('f32').mul(scale)).cast(x.dtype);
    }
    case 'fp8': {
      const { rounded, scale } = perToken(rotate(x, rotation), MOST.fp8);
      // cuBLASLt takes 8-bit floats as they are; wider results would cost a pass through memory.
      const product = matmulTransposed(rounded.cast('f8e4m3'), values as Tensor<'f8e4m3'>, x.dtype);
      return scaled(product.cast('f32').mul(scale)).cast(x.dtype);
    }
    default:
      return choice.arithmetic satisfies never;
  }
}

/** 4-bit integers times their groups' multipliers: 8-bit integers. */
function multiplied(values: Tensor, multipliers: Tensor<'i8'>): Tensor<'i8'> {
  const [out, groups] = multipliers.shape as [number, number];
  const wide = values.cast('i8').reshape([out, groups, -1]);
  return wide.mul(multipliers.reshape([out, groups, 1])).reshape(values.shape);
}

/** Stretches every token [..., in] to the range of a type; returns the factor [..., 1] for its product too. */
function perToken(x: Tensor<'f32'>, most: number): { rounded: Tensor<'f32'>; scale: Tensor<'f32'> } {
  const largest = x.abs().maxOver(-1).max(TINY);
  const stretch = constant(most, 'f32', largest.shape).div(largest);
  // A maximum may ignore NaN, and integers cannot hold it: the scale carries it.
  const none = x.mul(0).sum(-1);
  return { rounded: x.mul(stretch), scale: largest.mul(1 / most).add(none) };
}
