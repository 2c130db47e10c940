/**
 * XLA itself: plugins, devices, compiled programs and arrays through PJRT, and StableHLO as typed values. What the models
 * are made of, for programs of your own.
 *
 * @example
 * const x = parameter('x', 'f32', [2, 2]);
 * const doubled = graph('double', [x], [x.mul(2)]);
 * await using client = await Client.create(Plugin.load(await ensurePlugin('cpu')));
 * const executable = await client.compile(print(doubled));
 * using input = await client.upload(new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer), { dtype: 'f32', shape: [2, 2] });
 * const [output] = executable.run([input]);
 * console.log(new Float32Array((await output!.toHost()).buffer)); // [2, 4, 6, 8]
 */

import './support/node-version.ts';

export { type ArrayType, type CustomCall, customCall } from './graph/custom-call.ts';
export { type Graph, graph, rewrite } from './graph/graph.ts';
export { map } from './graph/map.ts';
export * from './graph/ops.ts';
export { type PrintOptions, print } from './graph/print.ts';
export { einsum, rearrange } from './graph/rearrange.ts';
export type { Shape } from './graph/shape.ts';
export { constant, parameter, Tensor } from './graph/tensor.ts';
export {
  type AttentionChoice,
  type AttentionKernel,
  type AttentionOptions,
  type AttentionSetting,
  attentionChoices,
  type FlashBlockSizes,
  lower,
  type Platform,
  type Target,
} from './kernels/lower.ts';
export { type AddedPlugin, addPlugin } from './pjrt/added-plugins.ts';
export { type ArraySpec, DeviceArray } from './pjrt/array.ts';
export { PjrtError, type PjrtStatus } from './pjrt/call.ts';
export { Client, Plugin } from './pjrt/client.ts';
export type { Device, DeviceDescription, DeviceMemoryStats, MemoryKind } from './pjrt/device.ts';
export {
  CompiledExecutable,
  type CompiledMemoryStats,
  Executable,
  type ExecuteOptions,
  type OutputSpec,
} from './pjrt/executable.ts';
export { exitAtOnce } from './pjrt/exit.ts';
export type { InstallOptions, InstallProgress } from './pjrt/install.ts';
export { installerVersions } from './pjrt/installers.ts';
export { KeyValueStore, type StorePlace } from './pjrt/key-value.ts';
export { liveCounts, type NativeKind } from './pjrt/lifetime.ts';
export type { AttributeValue, Options, OptionValue } from './pjrt/named-value.ts';
export type { CompileOptions, FlagValue } from './pjrt/options.ts';
export { DEVICE_NAMES, type DeviceName, PACKAGES, type PluginEntry } from './pjrt/plugin-table.ts';
export {
  type DeviceRequest,
  type EnsureOptions,
  ensurePlugin,
  type FoundPlugin,
  findPlugin,
  hashDamage,
  installPlugin,
  listPlugins,
  type PluginStatus,
  removePlugin,
} from './pjrt/plugins.ts';
export { TopologyDescription } from './pjrt/topology.ts';
export { TRIAL_ENVIRONMENT, trialFailure } from './pjrt/trial.ts';
export { ExecutableCache } from './runtime/cache.ts';
export { DEVICE_MODELS, type DeviceModel, deviceModelOf, parseTarget } from './runtime/device-models.ts';
export type { MeshOptions } from './runtime/devices.ts';
export type { Operation } from './runtime/operations.ts';
export { type InstructionSet, notableInstructions } from './runtime/processor.ts';
export { Program } from './runtime/program.ts';
export {
  type OperationTime,
  type Profile,
  type ProgramProfile,
  Recording,
  type RecordingOptions,
  type Span,
} from './runtime/recording.ts';
export { type DeviceChoice, type Precision, Runtime, type RuntimeOptions } from './runtime/runtime.ts';
export { ShardedArray } from './runtime/sharded-array.ts';
export { traceLines } from './runtime/trace.ts';
export type { DType, Float, Integer } from './support/dtype.ts';
export { type ErrorCode, FluxionError } from './support/errors.ts';
