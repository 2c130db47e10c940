/** A traced part made executable: inputs by name, weights in order, outputs by name. */

import { sameShape, typeText } from '../graph/shape.ts';
import type { Traced } from '../nn/trace.ts';
import type { DeviceArray } from '../pjrt/array.ts';
import type { Executable } from '../pjrt/executable.ts';
import { FluxionError } from '../support/errors.ts';

export class Program {
  readonly traced: Traced;
  readonly executable: Executable;

  constructor(traced: Traced, executable: Executable) {
    this.traced = traced;
    this.executable = executable;
  }

  /**
   * Starts one execution and returns at once; the outputs are ready when they are ready. Inputs stay the caller's.
   * Throws `bad_shape` when an input is missing or is not of the traced type.
   */
  run(
    inputs: Readonly<Record<string, DeviceArray>>,
    weights: readonly DeviceArray[] = [],
  ): Record<string, DeviceArray> {
    const { name, graph } = this.traced;
    const given = [...this.traced.inputs.map((input) => inputs[input]), ...weights];
    const args = graph.parameters.map((expected, i) => {
      const array = given[i];
      if (!array || array.dtype !== expected.dtype || !sameShape(array.shape, expected.shape)) {
        const label = this.traced.inputs[i] ?? this.traced.weights[i - this.traced.inputs.length]?.name;
        const found = array ? typeText(array.dtype, array.shape) : 'nothing';
        throw new FluxionError(
          'bad_shape',
          `${name}: '${label}' expects ${typeText(expected.dtype, expected.shape)}, found ${found}`,
        );
      }
      return array;
    });
    const outputs = this.executable.run(args);
    return Object.fromEntries(this.traced.outputs.map((output, i) => [output, outputs[i]!]));
  }
}
