/** Kernels that StableHLO has no word for: compiled into the plugin, or carried as text in the call. */

import type { DType } from '../../support/dtype.ts';
import type { Shape } from './shape.ts';
import { Tensor } from './tensor.ts';

/** An element type and a shape. */
export interface ArrayType<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
}

/** What is called, and how its operands lie in memory. */
export interface CustomCall {
  readonly target: string;
  /** How the plugin calls it: 1 plainly, 2 with a status to return, 4 through XLA's typed foreign function interface. */
  readonly apiVersion: 1 | 2 | 4;
  /** A string that the target understands, or attributes by name, where numbers are sent as i32. */
  readonly backendConfig: string | Readonly<Record<string, string | number>>;
  /** Dimensions of each operand from the fastest varying to the slowest; row-major where absent. */
  readonly operandLayouts?: readonly (readonly number[])[];
  /** The same for each result. */
  readonly resultLayouts?: readonly (readonly number[])[];
  /** Results after the first that nothing reads, such as a workspace. */
  readonly scratch?: readonly ArrayType[];
}

/** Calls a kernel; the value is its first result. */
export function customCall<D extends DType>(
  call: CustomCall,
  operands: readonly Tensor[],
  result: ArrayType<D>,
): Tensor<D> {
  return new Tensor({ kind: 'customCall', call }, operands, result.dtype, result.shape);
}
