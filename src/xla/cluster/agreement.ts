/**
 * What the processes of one mesh find out each for itself and must act on alike, such as how much memory is free: programs that
 * exchange something are run by all of them, in one order, or by none. They tell each other by a program that gathers a few
 * numbers, which needs nothing but the mesh.
 */

import { graph } from '../graph/graph.ts';
import { print } from '../graph/print.ts';
import type { MeshAxis } from '../graph/sharding.ts';
import { parameter, Tensor } from '../graph/tensor.ts';
import type { Client } from '../pjrt/client.ts';
import type { Device } from '../pjrt/device.ts';
import type { Executable } from '../pjrt/executable.ts';
import type { CompileOptions } from '../pjrt/options.ts';

/** Numbers that a process tells at a time. */
const NUMBERS = 2;

interface WholeMesh {
  readonly client: Client;
  /** By position in the mesh. */
  readonly devices: readonly Device[];
  /** Positions of this process's. */
  readonly local: readonly number[];
  readonly mesh: readonly MeshAxis[];
  /** Those of every program of the mesh. */
  readonly compile: CompileOptions;
}

export class Agreement {
  readonly #place: WholeMesh;
  #compiled: Promise<Executable> | undefined;

  constructor(place: WholeMesh) {
    this.#place = place;
  }

  /** Tells all processes two numbers, exact as f32, and returns everyone's, by process; resolves once all have told theirs. */
  async tell(numbers: readonly [number, number]): Promise<Map<number, readonly [number, number]>> {
    const { client, devices, local } = this.#place;
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

  /** One row a device, and all rows on every device. */
  #compile(): Promise<Executable> {
    const { client, devices, mesh, compile } = this.#place;
    const shape = [devices.length, NUMBERS];
    const x = parameter('x', 'f32', shape);
    const whole = new Tensor({ kind: 'constrain', split: [[], []] }, [x], 'f32', shape);
    const axes = mesh.filter(({ size }) => size > 1).map(({ name }) => name);
    const partition = { mesh, parameters: [[axes, []]], results: [[[], []]] };
    return client.compile(print(graph('agreement', [x], [whole]), { partition }), compile);
  }
}
