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

export type { DType, Float, Integer } from './support/dtype.ts';
export { type ErrorCode, FluxionError } from './support/errors.ts';
export { type InstructionSet, notableInstructions } from './support/processor.ts';
export { DEVICE_MODELS, type DeviceModel, deviceModelOf, parseTarget } from './xla/ahead/device-models.ts';
export type { Operation } from './xla/ahead/operations.ts';
export {
  type OperationTime,
  type Profile,
  type ProgramProfile,
  Recording,
  type RecordingOptions,
  type Span,
} from './xla/ahead/recording.ts';
export { traceLines } from './xla/ahead/trace.ts';
export { KeyValueStore } from './xla/cluster/key-value.ts';
export type { ArrayType, CustomCall } from './xla/graph/custom-call.ts';
export { type Graph, graph, rewrite } from './xla/graph/graph.ts';
export { map } from './xla/graph/map.ts';
export * from './xla/graph/ops.ts';
export { type PrintOptions, print } from './xla/graph/print.ts';
export { einsum, rearrange } from './xla/graph/rearrange.ts';
export type { Shape } from './xla/graph/shape.ts';
export { constant, parameter, Tensor } from './xla/graph/tensor.ts';
export {
  type AttentionChoice,
  type AttentionKernel,
  type AttentionOptions,
  type AttentionSetting,
  attentionChoices,
  type FlashBlockSizes,
  lower,
  PLATFORMS,
  type Platform,
  type PlatformName,
  platformOf,
  type Target,
} from './xla/lowering/lower.ts';
export { type ArraySpec, DeviceArray } from './xla/pjrt/array.ts';
export { PjrtError, type PjrtStatus } from './xla/pjrt/call.ts';
export { Client, Plugin } from './xla/pjrt/client.ts';
export type { Device, DeviceDescription, DeviceMemoryStats, MemoryKind } from './xla/pjrt/device.ts';
export {
  CompiledExecutable,
  type CompiledMemoryStats,
  Executable,
  type ExecuteOptions,
  type OutputSpec,
} from './xla/pjrt/executable.ts';
export { exitAtOnce } from './xla/pjrt/exit.ts';
export { liveCounts, type NativeKind } from './xla/pjrt/lifetime.ts';
export type { AttributeValue, Options, OptionValue } from './xla/pjrt/named-value.ts';
export type { CompileOptions, FlagValue } from './xla/pjrt/options.ts';
export type { StorePlace } from './xla/pjrt/store-protocol.ts';
export { TopologyDescription } from './xla/pjrt/topology.ts';
export { type AddedPlugin, addPlugin } from './xla/plugins/added-plugins.ts';
export type { InstallOptions, InstallProgress } from './xla/plugins/install.ts';
export { installerVersions } from './xla/plugins/installers.ts';
export { DEVICE_NAMES, type DeviceName, PACKAGES, type PluginEntry } from './xla/plugins/plugin-table.ts';
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
} from './xla/plugins/plugins.ts';
export { TRIAL_ENVIRONMENT, trialFailure } from './xla/plugins/trial.ts';
export { ExecutableCache } from './xla/runtime/cache.ts';
export type { MeshOptions } from './xla/runtime/devices.ts';
export { Program } from './xla/runtime/program.ts';
export { type DeviceChoice, type Precision, Runtime, type RuntimeOptions } from './xla/runtime/runtime.ts';
export { ShardedArray } from './xla/runtime/sharded-array.ts';
