/** A traced part made executable: inputs by name, weights in order, outputs by name. */

import { type PrintOptions, print } from '../graph/print.ts';
import { sameShape, typeText } from '../graph/shape.ts';
import type { Split } from '../graph/sharding.ts';
import { arithmeticChoices, attentionChoices, lower, type Target } from '../kernels/lower.ts';
import type { Traced } from '../nn/trace.ts';
import { partition } from '../parallel/partition.ts';
import type { Sharding } from '../parallel/rules.ts';
import type { DeviceArray } from '../pjrt/array.ts';
import type { Executable } from '../pjrt/executable.ts';
import type { CompileOptions } from '../pjrt/options.ts';
import { FluxionError } from '../support/errors.ts';
import { log } from '../support/log.ts';
import { partsOfMesh } from './placement.ts';
import { ShardedArray } from './sharded-array.ts';

/** A traced part as text, and how devices share out its parameters and results. */
export interface ProgramText {
  readonly text: string;
  readonly parameters: readonly Split[];
  readonly results: readonly Split[];
}

/** What a part is written for; without `sharding`, or under a mesh of one device, for one device. */
export interface TextOptions extends Pick<PrintOptions, 'precision'> {
  readonly target: Target;
  readonly sharding: Sharding;
}

/** Partitions, lowers and prints a traced part. */
export function programText(traced: Traced, { target, sharding, precision }: TextOptions): ProgramText {
  const { graph, inputs } = traced;
  const told = sharding.notes.size;
  const parts = partition(graph, sharding, inputs.length);
  for (const note of [...sharding.notes].slice(told)) log('debug', `${traced.name}: ${note}`);
  const { parameters, results } = parts;
  for (const { kernel, why } of attentionChoices(parts.graph, target))
    log('debug', `${traced.name}: ${kernel} attention: ${why}`);
  for (const choice of new Set(
    arithmeticChoices(parts.graph, target).map(({ arithmetic, why }) => `${arithmetic}: ${why}`),
  ))
    log('debug', `${traced.name}: quantised products ${choice}`);
  const alone = sharding.mesh.every(({ size }) => size === 1);
  const text = alone
    ? print(lower(graph, target), { precision })
    : print(lower(parts.graph, target), { precision, partition: { mesh: sharding.mesh, parameters, results } });
  return { text, parameters, results };
}

/**
 * What a compiler may spend on a traced part. libtpu takes 5 to 12 seconds for each convolution of the autoencoder at its own effort,
 * and a second or two at this one; other compilers have nothing to gain (docs/log.md).
 */
export function effortFor({ seldom }: Traced, { platform }: Target): CompileOptions['effort'] {
  return seldom && platform === 'tpu' ? 'O1' : undefined;
}

/** The mesh that a program runs on, and which positions in it are this process's. */
export interface Place {
  readonly sharding: Sharding;
  readonly local: readonly number[];
}

export class Program {
  readonly traced: Traced;
  readonly executable: Executable;
  readonly #place: Place;
  readonly #parameters: readonly Split[];
  readonly #results: readonly Split[];

  constructor(traced: Traced, executable: Executable, place: Place, { parameters, results }: ProgramText) {
    this.traced = traced;
    this.executable = executable;
    this.#place = place;
    this.#parameters = parameters;
    this.#results = results;
  }

  /**
   * Starts one execution on every device of this process and returns at once; the outputs are ready when they are ready. Inputs stay the
   * caller's. Throws `bad_shape` when an input is missing, is not of the traced type or is split otherwise.
   */
  run(
    inputs: Readonly<Record<string, ShardedArray>>,
    weights: readonly ShardedArray[] = [],
  ): Record<string, ShardedArray> {
    return this.#named(this.executable.execute(this.arguments(inputs, weights)));
  }

  /** Does what `run` does, on another thread where processes share a client: those wait for each other in a first execution. */
  async start(
    inputs: Readonly<Record<string, ShardedArray>>,
    weights: readonly ShardedArray[] = [],
  ): Promise<Record<string, ShardedArray>> {
    if (!this.executable.client.sharesStore) return this.run(inputs, weights);
    return this.#named(await this.executable.executeAsync(this.arguments(inputs, weights)));
  }

  /** Arguments by device; throws like `run`. */
  arguments(inputs: Readonly<Record<string, ShardedArray>>, weights: readonly ShardedArray[]): DeviceArray[][] {
    const { name, graph } = this.traced;
    const given = [...this.traced.inputs.map((input) => inputs[input]), ...weights];
    const args = graph.parameters.map((expected, i) => {
      const array = given[i];
      const fits = array?.dtype === expected.dtype && sameShape(array.shape, expected.shape);
      if (!array || !fits || splitText(array.split) !== splitText(this.#parameters[i]!)) {
        const label = this.traced.inputs[i] ?? this.traced.weights[i - this.traced.inputs.length]?.name;
        const found = array ? typeText(array.dtype, array.shape) + splitText(array.split) : 'nothing';
        const wanted = typeText(expected.dtype, expected.shape) + splitText(this.#parameters[i]!);
        throw new FluxionError('bad_shape', `${name}: '${label}' expects ${wanted}, found ${found}`);
      }
      return array;
    });
    return this.executable.addressableDevices.map((_, d) => args.map((array) => array.arrays[d]!));
  }

  /** Outputs by name. */
  #named(outputs: readonly (readonly DeviceArray[])[]): Record<string, ShardedArray> {
    const { graph } = this.traced;
    const { sharding, local } = this.#place;
    return Object.fromEntries(
      this.traced.outputs.map((output, i) => {
        const { dtype, shape } = graph.outputs[i]!;
        const layout = { dtype, shape, split: this.#results[i]!, mesh: sharding.mesh };
        const parts = partsOfMesh(layout);
        return [
          output,
          new ShardedArray(
            outputs.map((list) => list[i]!),
            layout,
            local.map((position) => parts[position]!),
          ),
        ];
      }),
    );
  }
}

/** Which dimensions are split over what, such as ` split by (data, fsdp) in dimension 0`; empty where none is. */
function splitText(split: Split): string {
  return split
    .flatMap((names, dim) => (names.length > 0 ? [` split by (${names.join(', ')}) in dimension ${dim}`] : []))
    .join('');
}
