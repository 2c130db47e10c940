/**
 * A separate program: reads a request on standard input, compiles it for devices that are not present, and answers with a line of JSON for
 * each program. Plugins for such devices leave threads behind and may crash, so they get their own process.
 */

import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { platformOf } from '../lowering/lower.ts';
import { Client, Plugin } from '../pjrt/client.ts';
import type { CompiledExecutable } from '../pjrt/executable.ts';
import type { Options } from '../pjrt/named-value.ts';
import type { CompileOptions } from '../pjrt/options.ts';
import { TopologyDescription } from '../pjrt/topology.ts';
import { type ProgramSummary, summariseProgram } from './hlo.ts';

/** Programs to compile, and the devices to compile for. */
export interface AheadRequest {
  /** Path of the plugin. */
  readonly plugin: string;
  /** Absent for devices that are present, such as the CPU. */
  readonly topology?: { readonly name: string; readonly options: Options };
  /** Options of the client if there is no topology. */
  readonly client: Options;
  readonly compile: CompileOptions;
  readonly programs: readonly AheadProgram[];
}

export interface AheadProgram {
  readonly name: string;
  /** StableHLO */
  readonly text: string;
  /** Where its executable is written. */
  readonly file?: string | undefined;
  readonly effort?: CompileOptions['effort'];
}

/** The result for one program; sizes in bytes, on one device. */
export interface AheadResult extends ProgramSummary {
  readonly name: string;
  readonly arguments: number;
  readonly outputs: number;
  readonly temporaries: number;
  readonly code: number;
  /** The compiler's own count; `undefined` if it gives none. */
  readonly flops: number | undefined;
  readonly accessed: number | undefined;
  /** Seconds the compiler took. */
  readonly seconds: number;
}

/** The target devices: their number, and bytes of memory of one if the compiler tells. */
export interface FoundDevices {
  readonly devices: number;
  readonly memory?: number | undefined;
}

/** A line of the answer: first the devices, or why there are none, then each program as it is compiled. */
export type AheadAnswer =
  | FoundDevices
  | { readonly refused: string; readonly topology: boolean }
  | { readonly result: AheadResult }
  | { readonly name: string; readonly error: string };

/** Programs compiled at once: one compiler leaves cores idle between its passes. */
const AT_ONCE = 2;

async function main(): Promise<void> {
  const request = JSON.parse(await text(process.stdin)) as AheadRequest;
  const plugin = Plugin.load(request.plugin);
  const { topology } = request;
  const target = topology
    ? await TopologyDescription.create(plugin, topology.name, topology.options)
    : await Client.create(plugin, request.client);
  const devices = 'addressableDevices' in target ? target.addressableDevices : target.devices;
  const memory = devices[0]?.attributes.get('device_memory_bytes_limit');
  answer({ devices: devices.length, memory: memory === undefined ? undefined : Number(memory) });
  const flags = platformOf(target.platformName).flags({ apiVersion: plugin.apiVersion, sharesStore: false });
  const waiting = [...request.programs];
  const work = async (): Promise<void> => {
    for (let program = waiting.shift(); program; program = waiting.shift()) {
      const { name, text: code, file, effort } = program;
      try {
        const start = performance.now();
        using compiled = await target.compile(code, { ...request.compile, effort, flags });
        const seconds = (performance.now() - start) / 1000;
        if (file !== undefined) writeFileSync(file, compiled.serialize());
        answer({ result: describe(compiled, name, seconds, request.compile.partitions ?? 1) });
      } catch (error) {
        answer({ name, error: (error as Error).message });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** For a plugin that does not show its optimised programs. */
const NOT_SHOWN: ProgramSummary = { collectives: [], customCalls: [], products: 0, moved: 0, widened: 0 };

function describe(compiled: CompiledExecutable, name: string, seconds: number, devices: number): AheadResult {
  const memory = compiled.memoryStats();
  const cost = compiled.costAnalysis();
  const program = compiled.optimizedProgram();
  const number = (key: string): number | undefined => (cost?.has(key) ? Number(cost.get(key)) : undefined);
  return {
    name,
    arguments: Number(memory?.arguments ?? 0),
    outputs: Number(memory?.outputs ?? 0),
    temporaries: Number(memory?.temporaries ?? 0),
    code: Number(memory?.code ?? 0),
    flops: number('flops'),
    accessed: number('bytes accessed'),
    seconds,
    ...(program ? summariseProgram(program.bytes, devices) : NOT_SHOWN),
  };
}

function answer(line: AheadAnswer): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

try {
  await main();
} catch (error) {
  const { message } = error as Error;
  answer({ refused: message, topology: message.includes('PJRT_TopologyDescription_Create') });
  process.exitCode = 1;
}
