/** Tracing: runs a function on symbolic inputs and keeps the graph and the weights it declared. */

import type { DType, Float } from '../../support/dtype.ts';
import type { Axes } from './axes.ts';
import { type Graph, graph } from './graph.ts';
import type { Shape } from './shape.ts';
import { shard } from './sharding.ts';
import { parameter, type Tensor } from './tensor.ts';
import type { WeightSpec, Weights } from './weights.ts';

/** The element type and shape of an input or another array, and what its dimensions mean if a mesh may split them. */
export interface InputSpec<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
  readonly axes?: Axes | undefined;
  /** Widths of the segments that make up the last dimension. */
  readonly segments?: readonly number[] | undefined;
}

/** A traced part of a model: its parameters are the inputs in order, then the weights in order of declaration. */
export interface Traced<I extends string = string, O extends string = string> {
  readonly name: string;
  readonly graph: Graph;
  readonly inputs: readonly I[];
  readonly weights: readonly WeightSpec[];
  readonly outputs: readonly O[];
  /** Whether it runs a few times per picture rather than every step: it is then compiled quickly if the platform lets us choose. */
  readonly seldom?: boolean;
}

/** The inputs of a trace as tensors. */
export type Symbolic<I> = { readonly [K in keyof I]: I[K] extends InputSpec<infer D> ? Tensor<D> : never };

/** Traces `body`, which declares its weights through `w` and returns named outputs. */
export function trace<F extends Float, const I extends Record<string, InputSpec>, O extends Record<string, Tensor>>(
  name: string,
  w: Weights<F>,
  inputs: I,
  body: (inputs: Symbolic<I>, w: Weights<F>) => O,
): Traced<keyof I & string, keyof O & string> {
  const symbols = Object.fromEntries(
    Object.entries(inputs).map(([key, { dtype, shape, axes, segments }]) => [
      key,
      parameter(key, dtype, shape, axes && { axes, segments }),
    ]),
  );
  const outputs = body(symbols as Symbolic<I>, w);
  const parameters = [...Object.values(symbols), ...w.declared.map(({ tensor }) => tensor)];
  return {
    name,
    graph: graph(name, parameters, Object.values(outputs)),
    inputs: Object.keys(inputs),
    weights: w.declared.map(({ spec }) => spec),
    outputs: Object.keys(outputs),
  };
}

/** Describes an input: `spec('bf16', [1, 512, 3072], TOKENS)`. */
export function spec<D extends DType>(dtype: D, shape: Shape, axes?: Axes): InputSpec<D> {
  return { dtype, shape, axes };
}

/** What the dimensions of tokens [b, n, d] mean. */
export const TOKENS: Axes = ['activation_batch', 'activation_length', null];

/** Names the dimensions of a value that all tokens share; the first is the batch. */
export function perPicture<D extends DType>(t: Tensor<D>): Tensor<D> {
  return shard(t, perPictureAxes(t.shape.length));
}

/** Axes of a value whose first dimension, the batch, is the only one that may be split. */
export function perPictureAxes(rank: number): Axes {
  return Array.from({ length: rank }, (_, dim) => (dim === 0 ? 'activation_batch' : null));
}
