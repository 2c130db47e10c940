/**
 * Compile options, as the serialized `CompileOptionsProto` that PJRT takes.
 *
 * Field numbers are those of xla/pjrt/proto/compile_options.proto and of `DeviceAssignmentProto` in xla/xla_data.proto.
 */

/** An XLA flag's value. Whole numbers are sent as int64, others as double; `{ double }` forces the latter. */
export type FlagValue = boolean | string | number | bigint | { readonly double: number };

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
  /** What the compiler spends its time on: `O0` on being quick, `O3` on the program; its own choice when absent. */
  readonly effort?: keyof typeof EFFORT | undefined;
  /** XLA flags for this program by their plain name, such as `xla_cpu_enable_fast_math`; unknown names fail the compilation. */
  readonly flags?: Readonly<Record<string, FlagValue>>;
}

/** Encodes compile options; equal options give equal bytes, so that these can be part of a cache key. */
export function encodeCompileOptions(options: CompileOptions = {}): Uint8Array {
  const { replicas = 1, partitions = 1, shardy = false, deviceAssignment, effort, flags = {} } = options;
  const build = new ProtoWriter().int(1, -1).int(4, replicas).int(5, partitions);
  if (partitions > 1) build.int(6, 1);
  if (deviceAssignment) build.message(9, encodeDeviceAssignment(deviceAssignment));
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
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) return proto.int(3, value);
  return proto.double(4, typeof value === 'number' ? value : value.double);
}

/** The part of the protobuf wire format that these messages need. */
class ProtoWriter {
  readonly #bytes: number[] = [];

  /** Base-128, least significant group first; negative numbers in 64-bit two's complement. */
  varint(value: number | bigint): this {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) this.#bytes.push(Number(rest & 0x7fn) | 0x80);
    this.#bytes.push(Number(rest));
    return this;
  }

  int(field: number, value: number | bigint): this {
    return this.varint(field << 3).varint(value);
  }

  double(field: number, value: number): this {
    this.varint((field << 3) | 1).#bytes.push(...new Uint8Array(Float64Array.of(value).buffer));
    return this;
  }

  text(field: number, value: string): this {
    return this.#delimited(field, Buffer.from(value));
  }

  message(field: number, value: ProtoWriter): this {
    return this.#delimited(field, value.#bytes);
  }

  #delimited(field: number, content: Iterable<number> & { readonly length: number }): this {
    this.varint((field << 3) | 2).varint(content.length);
    for (const byte of content) this.#bytes.push(byte);
    return this;
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
