/**
 * Compile options, as the serialized `CompileOptionsProto` that PJRT takes.
 *
 * Field numbers are those of xla/pjrt/proto/compile_options.proto and of `DeviceAssignmentProto` in xla/xla_data.proto.
 */

import { ProtoWriter } from '../../support/protobuf.ts';

/** An XLA flag's value. Whole numbers are sent as int64, others as double. */
export type FlagValue = boolean | string | number;

/** `EffortLevel` of xla/xla.proto. */
const EFFORT = { O0: 9, O1: 19, O2: 29, O3: 39 } as const;

/** How a program is compiled. The defaults compile for one device. */
export interface CompileOptions {
  readonly replicas?: number;
  /** Number of shards the program is partitioned into; with more than one, SPMD partitioning is on. */
  readonly partitions?: number;
  /** Partitions with Shardy (`sdy.*` attributes) rather than GSPMD (`mhlo.sharding`). */
  readonly shardy?: boolean;
  /** Device ids, one row per replica and one column per partition; the client's own order when absent. */
  readonly deviceAssignment?: readonly (readonly number[])[];
  /** Compiler effort, from `O0` for quick compilation to `O3` for the fastest program; the compiler's choice when absent. */
  readonly effort?: keyof typeof EFFORT | undefined;
  /** XLA flags for this program by their plain name, such as `xla_cpu_enable_fast_math`; unknown names fail the compilation. */
  readonly flags?: Readonly<Record<string, FlagValue>>;
  /** For HLO that is optimised already: leaves it as it is, and takes all flags from this serialized `DebugOptions`. */
  readonly optimised?: { readonly debugOptions: Uint8Array | undefined };
}

/** Encodes compile options; equal options give equal bytes, so that these can be part of a cache key. */
export function encodeCompileOptions(options: CompileOptions = {}): Uint8Array {
  const { replicas = 1, partitions = 1, shardy = false, deviceAssignment, effort, flags = {}, optimised } = options;
  const build = new ProtoWriter().int(1, -1);
  if (optimised?.debugOptions) build.content(3, optimised.debugOptions);
  build.int(4, replicas).int(5, partitions);
  if (partitions > 1) build.int(6, 1);
  if (deviceAssignment) build.message(9, encodeDeviceAssignment(deviceAssignment));
  if (optimised) build.int(11, 1);
  if (shardy) build.int(19, 1);
  if (effort) build.int(24, EFFORT[effort]);
  const proto = new ProtoWriter().message(3, build);
  for (const name of Object.keys(flags).sort()) {
    proto.message(7, new ProtoWriter().text(1, name).message(2, encodeFlag(flags[name]!)));
  }
  return proto.bytes();
}

/** One message per partition, listing the device of each replica. */
function encodeDeviceAssignment(rows: readonly (readonly number[])[]): ProtoWriter {
  const partitions = rows[0]?.length ?? 0;
  const proto = new ProtoWriter().int(1, rows.length).int(2, partitions);
  for (let p = 0; p < partitions; p++) {
    const devices = new ProtoWriter();
    for (const row of rows) devices.varint(row[p]!);
    proto.message(3, new ProtoWriter().message(1, devices));
  }
  return proto;
}

function encodeFlag(value: FlagValue): ProtoWriter {
  const proto = new ProtoWriter();
  if (typeof value === 'string') return proto.text(1, value);
  if (typeof value === 'boolean') return proto.int(2, value ? 1 : 0);
  return Number.isInteger(value) ? proto.int(3, value) : proto.double(4, value);
}
