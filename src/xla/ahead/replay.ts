/**
 * Times the operations of a compiled program one by one, for plugins without a profiler: the optimised program is cut into
 * programs of one operation (hlo-cut.ts). They are compiled without further optimisation and run in the program's order on its arguments.
 *
 * Notable: an operation takes a different time alone than among others, so the whole program is timed too. An operation that would overwrite
 * its operand writes to fresh memory here.
 */

import { FluxionError } from '../../support/errors.ts';
import { getOrMake } from '../../support/get-or-make.ts';
import { median } from '../../support/median.ts';
import type { DeviceArray } from '../pjrt/array.ts';
import type { Client } from '../pjrt/client.ts';
import type { Executable } from '../pjrt/executable.ts';
import { type CutOperation, type CutProgram, cutProgram, type ValueName } from './hlo-cut.ts';
import { readHloProgram } from './hlo-program.ts';
import { type Operation, operationsOf } from './operations.ts';

/** A program's times, in seconds. Times of operations are medians, less the time to start a program. */
export interface ReplayTimes {
  readonly program: number;
  readonly operations: readonly { readonly operation: Operation; readonly seconds: number }[];
  /** Seconds to start a program and wait for it, which are subtracted from each time. */
  readonly start: number;
  /** How often each was timed. */
  readonly passes: number;
}

/** Called for every operation that runs, with times of `performance.now()`. */
type OnOperation = (operation: Operation, start: number, end: number) => void;

const MOST_PASSES = 9;
const LEAST_PASSES = 2;
/** Seconds after which no new pass begins. */
const ENOUGH = 3;
const STARTS = 50;

/** The part of a client that a replay uses. */
export type Compiler = Pick<Client, 'compile' | 'upload'>;

/** An operation, compiled. */
interface Step {
  readonly operation: Operation;
  readonly cut: CutOperation;
  readonly executable: Executable;
  /** Values that no later operation uses. */
  readonly last: readonly ValueName[];
}

/** A program and its operations, compiled. */
interface Parts {
  readonly whole: Executable;
  readonly cut: CutProgram;
  readonly steps: readonly Step[];
  /** Does next to nothing. */
  readonly nothing: Executable;
}

export class Replay implements Disposable {
  readonly #client: Compiler;
  readonly #parts: Parts;
  readonly #executables: DisposableStack;

  private constructor(client: Compiler, parts: Parts, executables: DisposableStack) {
    this.#client = client;
    this.#parts = parts;
    this.#executables = executables;
  }

  /** Takes a program apart and compiles the parts; throws `unsupported` for programs of several devices, and if the plugin does not show them. */
  static async of(client: Compiler, whole: Executable, signal?: AbortSignal): Promise<Replay> {
    const shown = whole.optimizedProgram();
    if (whole.addressableDevices.length !== 1 || shown?.format !== 'hlo_with_config')
      throw new FluxionError(
        'unsupported',
        `${whole.name} cannot be taken apart: it runs on several devices, or its plugin does not show it`,
      );
    const program = readHloProgram(shown.bytes);
    const cut = cutProgram(program);
    const optimised = { debugOptions: program.debugOptions };
    using made = new DisposableStack();
    const alike = new Map<string, Promise<Executable>>();
    const compiled = cut.operations.map(({ module }) =>
      getOrMake(alike, Buffer.from(module).toString('latin1'), async () =>
        made.use(await client.compile(module, { optimised }, { signal })),
      ),
    );
    // Waits for all, so that no executable arrives after disposal.
    const failed = (await Promise.allSettled(compiled)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    const executables = await Promise.all(compiled);
    const steps = operationsOf(program).map((operation, i) => {
      return { operation, cut: cut.operations[i]!, executable: executables[i]!, last: [] as ValueName[] };
    });
    // Values are freed after their last use, as in the program.
    const kept = new Set([...cut.parameters, ...cut.results]);
    for (const { cut, last } of steps.toReversed())
      for (const value of [...cut.inputs, ...cut.outputs]) {
        if (kept.has(value)) continue;
        kept.add(value);
        last.push(value);
      }
    const nothing = made.use(await client.compile(NOTHING, {}, { signal }));
    return new Replay(client, { whole, cut, steps, nothing }, made.move());
  }

  /** Runs the operations once and returns the program's results, which are the caller's; undefined for results that no operation makes. */
  run(args: readonly DeviceArray[], told: OnOperation = () => {}): (DeviceArray | undefined)[] {
    const { cut: program, steps } = this.#parts;
    using made = new DisposableStack();
    const values = new Map<ValueName, DeviceArray>(program.parameters.map((name, i) => [name, args[i]!]));
    for (const { operation, cut, executable, last } of steps) {
      const inputs = cut.inputs.map((name) => values.get(name)!);
      const start = performance.now();
      const outputs = executable.run(inputs);
      outputs.at(-1)?.wait();
      told(operation, start, performance.now());
      for (const [o, name] of cut.outputs.entries()) values.set(name, made.use(outputs[o]!));
      for (const name of last) values.get(name)!.dispose();
    }
    made.move();
    return program.results.map((name) => (name === undefined ? undefined : values.get(name)));
  }

  /** Times the program and its operations by turns. */
  async time(
    args: readonly DeviceArray[],
    { onOperation, signal }: { readonly onOperation?: OnOperation; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<ReplayTimes> {
    const { whole, steps } = this.#parts;
    await Promise.all(args.map((array) => array.ready()));
    const start = await this.#startTime();
    const times = new Map(steps.map(({ operation }) => [operation, [] as number[]]));
    const wholeTimes: number[] = [];
    const begun = performance.now();
    let passes = 0;
    // The first pass warms up.
    for (; passes <= MOST_PASSES; passes++) {
      const enough = performance.now() - begun > ENOUGH * 1000;
      if (passes > LEAST_PASSES && enough) break;
      signal?.throwIfAborted();
      const before = performance.now();
      const outputs = whole.run(args);
      outputs.at(-1)?.wait();
      if (passes > 0) wholeTimes.push((performance.now() - before) / 1000);
      for (const output of outputs) output.dispose();
      // Lets the event loop see an interrupt.
      await new Promise((go) => setImmediate(go));
      signal?.throwIfAborted();
      const results = this.run(args, (operation, from, to) => {
        if (passes > 0) times.get(operation)!.push((to - from) / 1000);
        if (passes === 1) onOperation?.(operation, from, to);
      });
      for (const result of new Set(results)) result?.dispose();
      await new Promise((go) => setImmediate(go));
    }
    const secondsOf = (measured: readonly number[]): number => Math.max(0, median(measured) - start);
    return {
      program: secondsOf(wholeTimes),
      operations: [...times].map(([operation, measured]) => ({ operation, seconds: secondsOf(measured) })),
      start,
      passes: passes - 1,
    };
  }

  /** Seconds of a program that does next to nothing. */
  async #startTime(): Promise<number> {
    using value = await this.#client.upload(new Uint8Array(4), { dtype: 'f32', shape: [] });
    const times = Array.from({ length: STARTS }, () => {
      const start = performance.now();
      const [output] = this.#parts.nothing.run([value]);
      output!.wait();
      const seconds = (performance.now() - start) / 1000;
      output!.dispose();
      return seconds;
    });
    return median(times);
  }

  [Symbol.dispose](): void {
    this.#executables.dispose();
  }
}

const NOTHING = `module @nothing {
  func.func public @main(%x: tensor<f32>) -> tensor<f32> {
    %0 = stablehlo.add %x, %x : tensor<f32>
    return %0 : tensor<f32>
  }
}`;
