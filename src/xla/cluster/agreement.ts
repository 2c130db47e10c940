/**
 * Exchanges figures, such as free memory, that each process of a mesh finds out for itself but all must act on alike: all of them must
 * run the same programs in the same order. The exchange is a program that gathers a few numbers, and needs only the mesh.
 */

import type { MeshAxis } from '../graph/axes.ts';
import { graph } from '../graph/graph.ts';
import { print } from '../graph/print.ts';
import { parameter, Tensor } from '../graph/tensor.ts';
import type { Client } from '../pjrt/client.ts';
import type { Device } from '../pjrt/device.ts';
import type { Executable } from '../pjrt/executable.ts';
import type { CompileOptions } from '../pjrt/options.ts';

/** Numbers that a process sends at a time. */
const NUMBERS = 2;

interface WholeMesh {
  readonly client: Client;
  /** By position in the mesh. */
  readonly devices: readonly Device[];
  /** Positions of this process's devices. */
  readonly local: readonly number[];
  readonly mesh: readonly MeshAxis[];
  /** Compile options of every program of the mesh. */
  readonly compile: CompileOptions;
}

export class Agreement {
  readonly #whole: WholeMesh;
  #compiled: Promise<Executable> | undefined;

  constructor(whole: WholeMesh) {
    this.#whole = whole;
  }

  /** Sends two numbers, exact in f32, to all processes; resolves to everyone's, by process, once all have sent theirs. */
  async tell(numbers: readonly [number, number]): Promise<Map<number, readonly [number, number]>> {
    const { client, devices, local } = this.#whole;
    this.#compiled ??= this.#compile();
    const executable = await this.#compiled;
    using arrays = new DisposableStack();
    const bytes = new Uint8Array(Float32Array.from(numbers).buffer);
    const given = [];
    for (const position of local) {
      const spec = { dtype: 'f32', shape: [1, NUMBERS], device: devices[position]! } as const;
      given.push([arrays.use(await client.upload(bytes, spec))]);
    }
    const outputs = client.sharesStore ? await executable.executeAsync(given) : executable.execute(given);
    for (const list of outputs) for (const array of list) arrays.use(array);
    const all = new Float32Array((await outputs[0]![0]!.toHost()).buffer);
    return new Map(devices.map(({ processIndex }, i) => [processIndex, [all[2 * i]!, all[2 * i + 1]!]]));
  }

  /** Gathers one row from each device onto every device. */
  #compile(): Promise<Executable> {
    const { client, devices, mesh, compile } = this.#whole;
    const shape = [devices.length, NUMBERS];
    const x = parameter('x', 'f32', shape);
    const whole = new Tensor({ kind: 'constrain', split: [[], []] }, [x], 'f32', shape);
    const axes = mesh.filter(({ size }) => size > 1).map(({ name }) => name);
    const partition = { mesh, parameters: [[axes, []]], results: [[[], []]] };
    return client.compile(print(graph('agreement', [x], [whole]), { partition }), compile);
  }
}
