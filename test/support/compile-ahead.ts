/**
 * Compiles programs for devices that are not here, in a process of its own: plugins made for them are large, leave threads behind
 * and may end the process in their own way. Run as a program it reads a request from standard input and prints a line of JSON for
 * each program that was compiled or refused.
 */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { findPlugin, Plugin, TopologyDescription } from '../../src/xla.ts';
import { productsOf } from './hlo.ts';

export interface CompileRequest {
  readonly device: 'tpu' | 'cuda';
  /** Such as `v6e:2x2`; for GPUs partitions × hosts × devices, such as `1x1x1`. */
  readonly topology: string;
  /** Devices a program is shared out over, by its own shardings; 1 by default. */
  readonly partitions?: number;
  /** XLA's flags. */
  readonly flags?: Readonly<Record<string, boolean>>;
  /** StableHLO by name. */
  readonly programs: Readonly<Record<string, string>>;
}

export interface CompileResult {
  readonly name: string;
  /** Why it could not be compiled. */
  readonly error?: string;
  /** Bytes of temporaries. */
  readonly temporaries?: number;
  /** Custom calls in the optimised program, each once. */
  readonly calls?: readonly string[];
  /** Types of its matrix products, such as `dot s8 × s8 → s32`. */
  readonly products?: readonly string[];
}

/** An H200 as XLA's `GpuTargetConfigProto` describes it. */
const H200 = `
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152 shared_memory_per_core: 233472
  threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128 block_dim_limit_x: 2147483647 block_dim_limit_y: 65535
  block_dim_limit_z: 65535 memory_bandwidth: 4800000000000 l2_cache_size: 62914560 clock_rate_ghz: 1.98
  device_memory_size: 150000000000 shared_memory_per_block_optin: 232448
  cuda_compute_capability { major: 9 minor: 0 feature_extension: ACCELERATED_FEATURES }
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
}
platform_name: "CUDA" dnn_version_info { major: 9 minor: 12 } runtime_version { major: 13 minor: 0 patch: 0 }
device_description_str: "NVIDIA H200"`;

/** Without devices libtpu needs no metadata server and no lock against other processes. */
const COMPILER_ENVIRONMENT = {
  TPU_SKIP_MDS_QUERY: '1',
  TPU_WORKER_HOSTNAMES: 'localhost',
  ALLOW_MULTIPLE_LIBTPU_LOAD: '1',
  TF_CPP_MIN_LOG_LEVEL: '3',
};

const CALLS = /tpu_custom_call|__cudnn\$fmha\w+|__gpu\$xla\.gpu\.triton/g;

/** Compiles in a child process; rejects where the child ended without a result for every program. */
export async function compileAhead(request: CompileRequest): Promise<Map<string, CompileResult>> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...COMPILER_ENVIRONMENT },
  });
  const complaints = text(child.stderr);
  child.stdin.end(JSON.stringify(request));
  const results = new Map<string, CompileResult>();
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue;
    const result = JSON.parse(line) as CompileResult;
    results.set(result.name, result);
    // The process may not end by itself; what it had to say it has said.
    if (results.size === Object.keys(request.programs).length) child.kill('SIGKILL');
  }
  if (results.size < Object.keys(request.programs).length)
    throw new Error(`the compiler for ${request.topology} ended early: ${(await complaints).slice(-2000)}`);
  return results;
}

async function main(): Promise<void> {
  const {
    device,
    topology,
    partitions = 1,
    flags = {},
    programs,
  } = JSON.parse(await text(process.stdin)) as CompileRequest;
  const plugin = Plugin.load(findPlugin(device)!.path);
  const options = device === 'tpu' ? {} : { topology, target_config: H200 };
  using target = await TopologyDescription.create(plugin, device === 'tpu' ? topology : '', options);
  const assigned = device === 'tpu' ? { deviceAssignment: [Array.from({ length: partitions }, (_, i) => i)] } : {};
  const shared = { partitions, shardy: partitions > 1, ...assigned, flags };
  for (const [name, program] of Object.entries(programs)) {
    try {
      using compiled = await target.compile(program, shared);
      const { bytes } = compiled.optimizedProgram()!;
      const calls = [...new Set(Buffer.from(bytes).toString('latin1').match(CALLS) ?? [])];
      const { temporaries } = compiled.memoryStats()!;
      process.stdout.write(`${JSON.stringify({ name, temporaries, calls, products: productsOf(bytes) })}\n`);
    } catch (error) {
      process.stdout.write(`${JSON.stringify({ name, error: (error as Error).message })}\n`);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
