/** A traced part made executable: inputs by name, weights in order, outputs by name. */

import { byteLength } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import type { Split } from '../graph/axes.ts';
import type { Graph } from '../graph/graph.ts';
import { type PrintOptions, print } from '../graph/print.ts';
import { sameShape, typeText } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Traced } from '../graph/trace.ts';
import {
  arithmeticChoices,
  attentionChoices,
  type CpuStage,
  cpuStages,
  lower,
  platformOf,
  type Target,
} from '../lowering/lower.ts';
import { partition } from '../lowering/partition.ts';
import type { Sharding } from '../lowering/rules.ts';
import type { DeviceArray } from '../pjrt/array.ts';
import type { Executable } from '../pjrt/executable.ts';
import type { CompileOptions } from '../pjrt/options.ts';
import { partsOfMesh } from './placement.ts';
import { ShardedArray } from './sharded-array.ts';

/** A program that computes one stage of a traced part. Values are numbered: first the traced parameters, then results of stages. */
export interface StageText {
  readonly name: string;
  readonly text: string;
  readonly takes: readonly number[];
  readonly gives: readonly number[];
  /** XLA flags of this stage. */
  readonly flags?: CompileOptions['flags'] | undefined;
  /** False if the compiled program cannot be stored. */
  readonly serialisable: boolean;
}

/** A traced part as text, and how a mesh splits its parameters and results. */
export interface ProgramText {
  /** One stage, or several that run in order. */
  readonly stages: readonly StageText[];
  /** The numbers of the results. */
  readonly outputs: readonly number[];
  readonly parameters: readonly Split[];
  readonly results: readonly Split[];
}

/** The target and mesh that a part is printed for. */
export interface TextOptions extends Pick<PrintOptions, 'precision'> {
  readonly target: Target;
  readonly sharding: Sharding;
}

/** Partitions, lowers and prints a traced part. */
export function programText(traced: Traced, { target, sharding, precision }: TextOptions): ProgramText {
  const { name, graph, inputs } = traced;
  const told = sharding.notes.size;
  const parts = partition(graph, sharding, inputs.length);
  const { parameters, results } = parts;
  const notes = [
    ...[...sharding.notes].slice(told),
    ...attentionChoices(parts.graph, target).map(({ kernel, why }) => `${kernel} attention: ${why}`),
    ...arithmeticChoices(parts.graph, target).map(({ arithmetic, why }) => `quantised products ${arithmetic}: ${why}`),
  ];
  for (const note of new Set(notes)) log('debug', `${name}: ${note}`);
  const alone = sharding.mesh.every(({ size }) => size === 1);
  const cut = alone && target.cpu ? cpuStages(graph, target.cpu) : [];
  for (const { graph: stage, why } of cut) if (why) log('debug', `${stage.name}: ${why}`);
  if (cut.length > 1) return { ...cutText(graph, cut, { target, precision }), parameters, results };
  const text = alone
    ? print(lower(graph, target), { precision })
    : print(lower(parts.graph, target), { precision, partition: { mesh: sharding.mesh, parameters, results } });
  const takes = graph.parameters.map((_, i) => i);
  const gives = graph.outputs.map((_, i) => takes.length + i);
  const { flags, serialisable = true } = cut[0] ?? {};
  return { stages: [{ name, text, takes, gives, flags, serialisable }], outputs: gives, parameters, results };
}

/** Numbers the values that stages hand to each other, and prints each stage. */
function cutText(
  g: Graph,
  cut: readonly CpuStage[],
  { target, precision }: Omit<TextOptions, 'sharding'>,
): Pick<ProgramText, 'stages' | 'outputs'> {
  const numbers = new Map([...g.parameters, ...cut.flatMap(({ gives }) => gives)].map((value, i) => [value, i]));
  const numbered = (values: readonly Tensor[]): number[] => values.map((value) => numbers.get(value)!);
  const stages = cut.map(({ flags, serialisable, ...stage }) => {
    const { name } = stage.graph;
    const text = print(lower(stage.graph, target), { precision });
    return { name, text, takes: numbered(stage.takes), gives: numbered(stage.gives), flags, serialisable };
  });
  return { stages, outputs: numbered(g.outputs) };
}

/** The compiler effort for a traced part; undefined for the compiler's own choice. */
export function effortFor({ seldom }: Traced, { platform }: Target): CompileOptions['effort'] {
  return seldom ? platformOf(platform).effort?.seldom : undefined;
}

/** The mesh that a program runs on, and which positions in it are this process's. */
export interface MeshShare {
  readonly sharding: Sharding;
  readonly local: readonly number[];
}

/** Bytes that a program takes besides its inputs and outputs: temporaries while it runs, and code. */
export interface ProgramMemory {
  readonly temporaries: number;
  readonly code: number;
}

/** A stage that is to be run. */
interface StageRun {
  readonly executable: Executable;
  readonly args: readonly DeviceArray[];
}

/** A traced function, compiled for a device or a mesh and ready to run. */
export class Program {
  readonly traced: Traced;
  /** One per stage, in order. */
  readonly executables: readonly Executable[];
  readonly #share: MeshShare;
  readonly #text: ProgramText;

  constructor(traced: Traced, executables: readonly Executable[], share: MeshShare, text: ProgramText) {
    this.traced = traced;
    this.executables = executables;
    this.#share = share;
    this.#text = text;
  }

  /** The compiler's figures; values handed from stage to stage count as temporaries. */
  get memory(): ProgramMemory {
    const { stages, outputs } = this.#text;
    const waiting = new Map<number, number>();
    let [temporaries, code] = [0, 0];
    for (const [s, { gives }] of stages.entries()) {
      const executable = this.executables[s]!;
      for (const [i, value] of gives.entries()) {
        const { dtype, shape } = executable.outputs[i]!;
        if (!outputs.includes(value)) waiting.set(value, byteLength(dtype, shape));
      }
      const stats = executable.memoryStats();
      const handed = waiting.values().reduce((sum, bytes) => sum + bytes, 0);
      temporaries = Math.max(temporaries, handed + (stats?.temporaries ?? 0));
      code += stats?.code ?? 0;
      const later = new Set(stages.slice(s + 1).flatMap(({ takes }) => takes));
      for (const value of [...waiting.keys()]) if (!later.has(value)) waiting.delete(value);
    }
    return { temporaries, code };
  }

  /**
   * Starts one execution on every device of this process and returns at once; `ready` of the outputs waits for them. Inputs stay the
   * caller's. Throws `bad_shape` if an input is missing, or its type or split differs from the traced one.
   */
  run(
    inputs: Readonly<Record<string, ShardedArray>>,
    weights: readonly ShardedArray[] = [],
  ): Record<string, ShardedArray> {
    const args = this.arguments(inputs, weights);
    const [first, ...others] = this.executables;
    if (others.length === 0) return this.#named(first!.execute(args));
    const stages = this.#stages(args[0]!);
    try {
      let next = stages.next();
      while (!next.done) next = stages.next(next.value.executable.run(next.value.args));
      return this.#named([next.value]);
    } finally {
      stages.return([]);
    }
  }

  /** Does what `run` does; on another thread if processes share a client, as they wait for each other in their first execution. */
  async start(
    inputs: Readonly<Record<string, ShardedArray>>,
    weights: readonly ShardedArray[] = [],
  ): Promise<Record<string, ShardedArray>> {
    const first = this.executables[0]!;
    if (!first.client.sharesStore) return this.run(inputs, weights);
    return this.#named(await first.executeAsync(this.arguments(inputs, weights)));
  }

  /** Does what `run` does on one device, each stage by `runStage`. */
  async runApart(
    inputs: Readonly<Record<string, ShardedArray>>,
    weights: readonly ShardedArray[],
    runStage: (executable: Executable, args: readonly DeviceArray[]) => Promise<DeviceArray[]>,
  ): Promise<Record<string, ShardedArray>> {
    const stages = this.#stages(this.arguments(inputs, weights)[0]!);
    try {
      let next = stages.next();
      while (!next.done) next = stages.next(await runStage(next.value.executable, next.value.args));
      return this.#named([next.value]);
    } finally {
      stages.return([]);
    }
  }

  /** Yields each stage with its arguments, receives its results, and returns the program's results. */
  *#stages(args: readonly DeviceArray[]): Generator<StageRun, DeviceArray[], DeviceArray[]> {
    const { stages, outputs } = this.#text;
    const values = new Map(args.entries());
    using handed = new DisposableStack();
    using given = new DisposableStack();
    for (const [s, { takes, gives }] of stages.entries()) {
      const results = yield { executable: this.executables[s]!, args: takes.map((value) => values.get(value)!) };
      for (const [i, value] of gives.entries()) {
        const owner = outputs.includes(value) ? given : handed;
        values.set(value, owner.use(results[i]!));
      }
    }
    given.move();
    return outputs.map((value) => values.get(value)!);
  }

  /** Arguments by device; throws like `run`. */
  arguments(inputs: Readonly<Record<string, ShardedArray>>, weights: readonly ShardedArray[]): DeviceArray[][] {
    const { name, graph } = this.traced;
    const given = [...this.traced.inputs.map((input) => inputs[input]), ...weights];
    const args = graph.parameters.map((expected, i) => {
      const array = given[i];
      const fits = array?.dtype === expected.dtype && sameShape(array.shape, expected.shape);
      if (!array || !fits || splitText(array.split) !== splitText(this.#text.parameters[i]!)) {
        const label = this.traced.inputs[i] ?? this.traced.weights[i - this.traced.inputs.length]?.name;
        const found = array ? typeText(array.dtype, array.shape) + splitText(array.split) : 'nothing';
        const wanted = typeText(expected.dtype, expected.shape) + splitText(this.#text.parameters[i]!);
        throw new FluxionError('bad_shape', `${name}: '${label}' expects ${wanted}, found ${found}`);
      }
      return array;
    });
    return this.executables[0]!.addressableDevices.map((_, d) => args.map((array) => array.arrays[d]!));
  }

  #named(outputs: readonly (readonly DeviceArray[])[]): Record<string, ShardedArray> {
    const { graph } = this.traced;
    const { sharding, local } = this.#share;
    return Object.fromEntries(
      this.traced.outputs.map((output, i) => {
        const { dtype, shape } = graph.outputs[i]!;
        const layout = { dtype, shape, split: this.#text.results[i]!, mesh: sharding.mesh };
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

/** Describes a split, such as ` split by (data, fsdp) in dimension 0`; empty for none. */
function splitText(split: Split): string {
  return split
    .flatMap((names, dim) => (names.length > 0 ? [` split by (${names.join(', ')}) in dimension ${dim}`] : []))
    .join('');
}
