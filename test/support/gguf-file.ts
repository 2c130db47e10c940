/** Writes GGUF files for tests, honest and lying ones, independently of the reader. */

/** A tensor to write: `shape` outermost first, `data` as stored. */
export interface GgufEntry {
  readonly name: string;
  /** Number of the ggml type. */
  readonly type: number;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
  /** A lie about where the data begin. */
  readonly offset?: bigint;
}

export interface GgufLies {
  readonly version?: number;
  readonly tensorCount?: bigint;
  /** Text metadata. */
  readonly text?: readonly (readonly [key: string, value: string])[];
  /** Shapes given by `comfy.gguf.orig_shape.<tensor>`. */
  readonly shapes?: readonly (readonly [tensor: string, shape: readonly number[]])[];
}

const ALIGNMENT = 32;

/** Lays tensors out as a GGUF file. */
export function ggufBytes(tensors: readonly GgufEntry[], lies: GgufLies = {}): Uint8Array {
  const { version = 3, tensorCount = BigInt(tensors.length), text = [], shapes = [] } = lies;
  const header: Buffer[] = [Buffer.from('GGUF'), u32(version), u64(tensorCount), u64(text.length + shapes.length)];
  for (const [key, value] of text) header.push(string(key), u32(8), string(value));
  for (const [tensor, shape] of shapes) {
    header.push(string(`comfy.gguf.orig_shape.${tensor}`), u32(9), u32(5), u64(shape.length), ...shape.map(u32));
  }
  let at = 0;
  for (const { name, type, shape, data, offset } of tensors) {
    header.push(string(name), u32(shape.length), ...shape.toReversed().map(u64), u32(type), u64(offset ?? at));
    at += Math.ceil(data.length / ALIGNMENT) * ALIGNMENT;
  }
  return Buffer.concat([padded(Buffer.concat(header)), ...tensors.map(({ data }) => padded(data))]);
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT)]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function string(text: string): Buffer {
  return Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)]);
}
