/** One model component for tests: its programs take host arrays by name and give host arrays by name. */

import { elementCount } from '../../src/support/dtype.ts';
import { fromF32, toF32 } from '../../src/support/floats.ts';
import type { WeightOrigin } from '../../src/weights/folders/bind.ts';
import { type Use, WeightSet } from '../../src/weights/set.ts';
import type { Traced } from '../../src/xla/graph/trace.ts';
import type { Runtime } from '../../src/xla/runtime/runtime.ts';

export type HostInputs = Readonly<Record<string, Float32Array | Int32Array>>;
export type HostOutputs = Readonly<Record<string, Float32Array>>;

/** The programs of a component with the weights of a file; every weight of the file is used by one of `uses`. */
export class Component implements Disposable {
  readonly #runtime: Runtime;
  readonly #weights: WeightSet;

  constructor(runtime: Runtime, origin: WeightOrigin, uses: readonly Use[]) {
    this.#runtime = runtime;
    this.#weights = new WeightSet(origin, uses);
  }

  /** Runs a program once, with the weights at `scope`; inputs are rounded to the traced types, outputs widened to f32. */
  async run(traced: Traced, inputs: HostInputs, scope = ''): Promise<HostOutputs> {
    using arrays = new DisposableStack();
    const program = await this.#runtime.compile(traced);
    const weights = await this.#weights.arrays(this.#runtime, { traced, scope });
    const given = await Promise.all(
      traced.inputs.map(async (name, i) => {
        const { dtype, shape } = traced.graph.parameters[i]!;
        const values = inputs[name];
        if (values?.length !== elementCount(shape))
          throw new TypeError(`${traced.name}: ${name} takes [${shape}], given ${values?.length ?? 'no'} values`);
        const stored = values instanceof Float32Array ? fromF32(dtype, values) : values;
        return [name, arrays.use(await this.#runtime.upload(stored, dtype, shape))] as const;
      }),
    );
    const outputs = Object.entries(program.run(Object.fromEntries(given), weights));
    for (const [, array] of outputs) arrays.use(array);
    return Object.fromEntries(
      await Promise.all(
        outputs.map(
          async ([name, array]) => [name, toF32(array.dtype, await array.toHost(), elementCount(array.shape))] as const,
        ),
      ),
    );
  }

  /** Runs programs one after the other, the one output of each being the input of the next. */
  async chain(parts: readonly Use[], input: Float32Array): Promise<HostOutputs> {
    let outputs: HostOutputs = { x: input };
    for (const { traced, scope } of parts) {
      outputs = await this.run(traced, { [traced.inputs[0]!]: Object.values(outputs)[0]! }, scope);
    }
    return outputs;
  }

  [Symbol.dispose](): void {
    this.#weights[Symbol.dispose]();
  }
}
