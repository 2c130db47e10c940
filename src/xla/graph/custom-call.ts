/** Kernels outside StableHLO: compiled into the plugin, or carried as text in the call. */

import type { DType } from '../../support/dtype.ts';
import type { Shape } from './shape.ts';

/** An element type and a shape. */
export interface ArrayType<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
}

/** The kernel to call, and the memory layout of its operands. */
export interface CustomCall {
  readonly target: string;
  /** Calling convention: 1 plain, 2 returns a status, 4 XLA's typed foreign function interface. */
  readonly apiVersion: 1 | 2 | 4;
  /** A string for the target, or attributes by name; numbers are sent as i32. */
  readonly backendConfig: string | Readonly<Record<string, string | number>>;
  /** Dimensions of each operand from the fastest varying to the slowest; row-major if absent. */
  readonly operandLayouts?: readonly (readonly number[])[];
  /** The same for each result. */
  readonly resultLayouts?: readonly (readonly number[])[];
  /** Further results that nothing reads, such as a workspace. */
  readonly scratch?: readonly ArrayType[];
}
