/**
 * Compiling ahead of time: programs for devices that are not present, with the compiler's report on each. The compiler runs in its own
 * process (process.ts), so that an abort ends it at once and its crash is not ours.
 */

import { spawn } from 'node:child_process';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { FluxionError } from '../../support/errors.ts';
import { getOrMake } from '../../support/get-or-make.ts';
import { log } from '../../support/log.ts';
import { makeFolder } from '../../support/make-folder.ts';
import { countFlops } from '../graph/count.ts';
import type { Traced } from '../graph/trace.ts';
import {
  type AttentionChoice,
  type AttentionOptions,
  attentionChoices,
  settleAttention,
  type Target,
} from '../lowering/lower.ts';
import { resolveMesh } from '../lowering/mesh.ts';
import { partition } from '../lowering/partition.ts';
import { Sharding } from '../lowering/rules.ts';
import type { Options } from '../pjrt/named-value.ts';
import { ensurePlugin } from '../plugins/plugins.ts';
import { reasonIn, TRIAL_ENVIRONMENT, trialFailure } from '../plugins/trial.ts';
import type { MeshOptions } from '../runtime/devices.ts';
import { effortFor, programText } from '../runtime/program.ts';
import type { RuntimeOptions } from '../runtime/runtime.ts';
import { AheadAnswers } from './answers.ts';
import { type AheadTarget, networkRate, noSuchSlice } from './device-models.ts';
import type { AheadAnswer, AheadProgram, AheadRequest, AheadResult, FoundDevices } from './process.ts';
import { type Bound, type Rates, roofline } from './roofline.ts';

/** The devices of a target that work together. */
export interface AheadDevices {
  readonly target: AheadTarget;
  readonly sharding: Sharding;
  /** Which device stands at each position of the mesh. */
  readonly order: readonly number[];
}

/** Arranges the devices of a target in a mesh; without a mesh, the first device works alone. Throws `bad_config` for a mesh that does not fit. */
export function arrangeAhead(target: AheadTarget, mesh: MeshOptions | undefined): AheadDevices {
  const { axes, order } = mesh ? resolveMesh(mesh, target.devices) : { axes: [], order: [0] };
  return {
    target,
    order,
    sharding: new Sharding({ mesh: axes, rules: mesh?.rules, dataSharding: mesh?.dataSharding }),
  };
}

export interface AheadOptions
  extends AttentionOptions,
    Pick<RuntimeOptions, 'precision' | 'attentionFallback' | 'signal' | 'onProgress'> {
  /** Folder that executables are written to, as `NAME.pjrt`. */
  readonly out?: string | undefined;
  /**
   * Compiles for TPUs with the least effort: a full-size block takes a fifth of the time. Kernels, FLOPs and exchanges stay the same;
   * temporaries are up to two fifths larger (docs/measurements/compilers-tpu-gpu.md).
   */
  readonly quick?: boolean | undefined;
  /** Compiles again instead of repeating kept reports. */
  readonly fresh?: boolean | undefined;
}

/** A compiled program; sizes in bytes, all of one device. */
export interface AheadReport extends Omit<AheadResult, 'flops' | 'accessed' | 'seconds'> {
  /** Floating-point operations, kernels of ours included. */
  readonly flops: number;
  /** Bytes moved between device and memory, by the compiler's count; at least the bytes of inputs and outputs. */
  readonly accessed: number;
  /** Bytes from other devices. */
  readonly received: number;
  /** Which kernel computes each attention, and why. */
  readonly attention: readonly AttentionChoice[];
  /** Seconds of one run at the roofline; undefined if the device's rates are not known. */
  readonly seconds: number | undefined;
  readonly bound: Bound | undefined;
  readonly compileSeconds: number;
}

export interface AheadCompilation {
  /** The vendor's name. */
  readonly device: string;
  /** Bytes of memory of one device; for a CPU device, its share of this machine's. */
  readonly memory: number;
  readonly rates: Rates | undefined;
  readonly programs: ReadonlyMap<Traced, AheadReport>;
  /** Programs that do not fit into the device's memory, with the compiler's reason. */
  readonly tooLarge: readonly { readonly name: string; readonly reason: string }[];
  /** How many programs were compiled before: their kept reports are repeated. */
  readonly repeated: number;
  readonly warnings: readonly string[];
}

/** Compiles traced parts for devices. Throws `plugin` with the compiler's words. */
export async function compileAhead(
  parts: readonly Traced[],
  { target, sharding, order }: AheadDevices,
  options: AheadOptions = {},
): Promise<AheadCompilation> {
  const { signal, onProgress, precision = 'DEFAULT' } = options;
  const { platform, model } = target;
  const { attention, warnings } = settleAttention(platform, options, target.name);
  const capability = model?.computeCapability;
  const lowering = { platform: platform.name, ...attention, ...(capability && { computeCapability: capability }) };
  // Equal texts are one program.
  const programs = new Map<string, AheadProgram>();
  const nameOf = new Map<Traced, string>();
  if (options.out !== undefined) makeFolder(options.out);
  for (const traced of parts) {
    const code = programText(traced, { target: lowering, sharding, precision }).stages[0]!.text;
    const program = getOrMake(programs, code, () => {
      // Blocks of two networks have the same name, but answers are identified by name.
      const alike = [...programs.values()].filter(({ name }) => name.replace(/\.\d+$/, '') === traced.name).length;
      const name = alike === 0 ? traced.name : `${traced.name}.${alike + 1}`;
      const file = options.out && join(options.out, `${name}.pjrt`);
      return {
        name,
        text: code,
        file,
        effort: (options.quick && platform.effort?.quick) || effortFor(traced, lowering),
      };
    });
    nameOf.set(traced, program.name);
  }

  const plugin = await ensurePlugin(platform.name, { purpose: 'compile', signal, onProgress });
  const partitions = order.length;
  const compile = partitions === 1 ? {} : { partitions, shardy: true, deviceAssignment: [order] };
  const answers = await answered({ plugin, ...placeOf(target), compile, programs: [...programs.values()] }, options);
  if (answers.devices !== target.devices)
    throw new FluxionError('plugin', `${target.name} has ${answers.devices} devices, expected ${target.devices}`);

  const rates = model && { flops: model.flops, bandwidth: model.bandwidth, network: networkRate(target) };
  const memory = answers.memory ?? model?.memory;
  const reports = parts.flatMap((traced) => {
    const result = answers.results.get(nameOf.get(traced)!);
    return result ? [[traced, report(traced, result, { sharding, lowering, rates })] as const] : [];
  });
  return {
    device: model?.title ?? platform.name,
    memory: memory ?? totalmem() / partitions,
    rates,
    programs: new Map(reports),
    tooLarge: answers.tooLarge,
    repeated: answers.repeated,
    warnings: [...warnings, ...sharding.notes],
  };
}

/** The topology or client options that give these devices. */
function placeOf({ name, platform, model, devices }: AheadTarget): Pick<AheadRequest, 'topology' | 'client'> {
  const topology = (text: string, options: Options) => ({ topology: { name: text, options }, client: {} });
  if (!model) return { client: { [platform.deviceCountOption!]: devices } };
  const { targetConfig } = model;
  // Partitions × hosts × devices of a host.
  if (targetConfig) return topology('', { topology: `1x1x${devices}`, target_config: targetConfig });
  return topology(name, model.topology ?? {});
}

function report(
  traced: Traced,
  { flops = 0, accessed = 0, seconds: compileSeconds, ...result }: AheadResult,
  { sharding, lowering, rates }: { sharding: Sharding; lowering: Target; rates: Rates | undefined },
): AheadReport {
  const { graph } = partition(traced.graph, sharding, traced.inputs.length);
  const received = result.collectives.reduce((sum, collective) => sum + collective.received, 0);
  // Compilers count our TPU kernel by its own estimate, and count GPU libraries and kernels as free.
  const fused = result.customCalls.some((target) => /fmha|triton/.test(target));
  const work = {
    flops: Math.max(flops, result.products) + (fused ? countFlops(graph).attention : 0),
    bytes: Math.max(accessed, result.arguments + result.outputs),
    received,
  };
  const time = rates && roofline(work, rates);
  return {
    ...result,
    flops: work.flops,
    accessed: work.bytes,
    received,
    attention: attentionChoices(graph, lowering),
    seconds: time?.seconds,
    bound: time?.bound,
    compileSeconds,
  };
}

interface Compiled extends FoundDevices {
  readonly results: ReadonlyMap<string, AheadResult>;
  readonly tooLarge: readonly { readonly name: string; readonly reason: string }[];
}

/** Without devices libtpu needs no metadata server and no lock against other processes. */
const ENVIRONMENT = {
  TPU_SKIP_MDS_QUERY: '1',
  TPU_WORKER_HOSTNAMES: 'localhost',
  ALLOW_MULTIPLE_LIBTPU_LOAD: '1',
  ...TRIAL_ENVIRONMENT,
};

/** Compiles the programs without a kept report, or all if executables are wanted. */
async function answered(
  request: AheadRequest,
  options: AheadOptions,
): Promise<Compiled & { readonly repeated: number }> {
  const kept = new AheadAnswers(request);
  const again = options.fresh === true || options.out !== undefined;
  const known = new Map(request.programs.map((program) => [program, again ? undefined : kept.read(program)]));
  const unknown = request.programs.filter((program) => !known.get(program));
  const fresh =
    unknown.length > 0 || known.size === 0 ? await inChild({ ...request, programs: unknown }, options) : undefined;
  const { devices, memory } = fresh ?? known.get(request.programs[0]!)!.place;
  const results = request.programs.flatMap((program) => {
    const result = fresh?.results.get(program.name);
    if (result) kept.write(program, { place: { devices, memory }, result });
    return result ?? known.get(program)?.result ?? [];
  });
  return {
    devices,
    memory,
    results: new Map(results.map((result) => [result.name, result])),
    tooLarge: fresh?.tooLarge ?? [],
    repeated: request.programs.length - unknown.length,
  };
}

/** Compiles in a child process, which an abort ends at once. */
async function inChild(request: AheadRequest, { signal, onProgress }: AheadOptions): Promise<Compiled> {
  signal?.throwIfAborted();
  const script = fileURLToPath(import.meta.url.replace(/ahead\.(ts|js)$/, 'process.$1'));
  const child = spawn(process.execPath, [script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...ENVIRONMENT },
  });
  const stop = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop);
  try {
    const ended = new Promise<string>((resolve) => {
      child.once('error', ({ message }) => resolve(`could not be started: ${message}`));
      child.once('close', (status, killed) => resolve(`ended with ${killed ?? `status ${status}`}`));
    });
    const complaints = text(child.stderr);
    // A child that ends early says why on standard error.
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(request));
    let place: FoundDevices | undefined;
    const results = new Map<string, AheadResult>();
    const tooLarge: { name: string; reason: string }[] = [];
    const total = request.programs.length;
    onProgress?.(`compile, 0 of ${total} programs`);
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith('{')) continue;
      const answer = JSON.parse(line) as AheadAnswer;
      if ('refused' in answer) throw refusal(request, answer);
      if ('devices' in answer) place = answer;
      else if ('result' in answer) results.set(answer.result.name, answer.result);
      else if (/RESOURCE_EXHAUSTED|[Oo]ut of memory/.test(answer.error))
        tooLarge.push({ name: answer.name, reason: answer.error });
      else throw compilerError(answer.name, answer.error);
      onProgress?.(`compile, ${results.size + tooLarge.length} of ${total} programs`);
      if (place && results.size + tooLarge.length === total) return { ...place, results, tooLarge };
    }
    signal?.throwIfAborted();
    const how = await ended;
    const said = (await complaints).trim();
    log('debug', `the compiler's log:\n${said}`);
    if (/flag/i.test(reasonIn(said) ?? '')) throw trialFailure(request.plugin, { stderr: said });
    throw compilerError(
      `the compiler ${how}`,
      reasonIn(said) || said.split('\n').at(-1)?.slice(0, 300) || 'it said nothing',
    );
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

/** The error for devices that the compiler refuses; an impossible topology is the user's mistake. */
function refusal({ topology }: AheadRequest, { refused, topology: asked }: { refused: string; topology: boolean }) {
  if (!topology || !asked) return compilerError('the compiler', refused);
  return noSuchSlice(topology.name, refused.replace(/^PJRT_\w+ failed \(\w+\): /, '').split(', ', 1)[0]);
}

function compilerError(name: string, message: string): FluxionError {
  const noAssembler = /ptxas|PTX compilation provider/i.test(message);
  return new FluxionError('plugin', `${name}: ${message}`, {
    hint: noAssembler
      ? "the CUDA plugin needs NVIDIA's ptxas and libdevice in nvidia/ beside jax_plugins/, as 'fluxion plugins install cuda' puts them there"
      : undefined,
  });
}
