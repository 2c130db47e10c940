/** Reads and writes the protobuf wire format, https://protobuf.dev/programming-guides/encoding. Reading never exceeds the bytes given. */

import { FluxionError } from './errors.ts';

/** One field of a message. */
export interface ProtoField {
  readonly field: number;
  /** The value of a number field, exact up to 2^53; 0 for other fields. */
  readonly value: number;
  /** The bytes of a length-delimited field, or the 4 or 8 bytes of a fixed-width one. */
  readonly content: Uint8Array | undefined;
  /** The whole field, with its key. */
  readonly whole: Uint8Array;
}

/** A 64-bit number has at most this many base-128 digits. */
const LONGEST_VARINT = 10;

/** Reads the fields of a message in order; throws `bad_file` if it is truncated. `what` names the file, as in `an optimised program`. */
export function* fields(bytes: Uint8Array, what = 'an optimised program'): Generator<ProtoField> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (let digits = 0; digits < LONGEST_VARINT; digits++) {
      const byte = bytes[at++];
      if (byte === undefined) throw cutOff(what);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw new FluxionError('bad_file', `${what} has a number of more than ${LONGEST_VARINT} bytes`);
  };
  while (at < bytes.length) {
    const start = at;
    const key = varint();
    // XLA's profiler returns one byte more than its message has, and no field has number 0.
    if (key === 0 && at === bytes.length) return;
    const [field, wire] = [Math.floor(key / 8), key % 8];
    let value = 0;
    let content: Uint8Array | undefined;
    if (wire === 0) value = varint();
    else {
      const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? varint() : undefined;
      if (length === undefined)
        throw new FluxionError('bad_file', `${what} has wire type ${wire}, which protobuf does not define`);
      if (at + length > bytes.length) throw cutOff(what);
      content = bytes.subarray(at, at + length);
      at += length;
    }
    yield { field, value, content, whole: bytes.subarray(start, at) };
  }
}

/** A message, its fields by number. An absent field reads as 0, an empty text or nothing; of a field that is to stand once, the last counts. */
export class Message {
  readonly #fields: ReadonlyMap<number, readonly ProtoField[]>;
  readonly #what: string | undefined;

  /** Throws `bad_file` as `fields` does. */
  constructor(bytes: Uint8Array, what?: string) {
    this.#what = what;
    this.#fields = Map.groupBy(fields(bytes, what), ({ field }) => field);
  }

  int(field: number): number {
    return this.#fields.get(field)?.at(-1)?.value ?? 0;
  }

  /** The numbers of a repeated field, packed or not. */
  ints(field: number): number[] {
    const all = this.#fields.get(field) ?? [];
    return all.flatMap(({ value, content }) => (content ? varints(content) : [value]));
  }

  text(field: number): string {
    return protoText(this.content(field) ?? new Uint8Array());
  }

  content(field: number): Uint8Array | undefined {
    return this.contents(field).at(-1);
  }

  contents(field: number): Uint8Array[] {
    return (this.#fields.get(field) ?? []).flatMap(({ content }) => content ?? []);
  }

  message(field: number): Message | undefined {
    return this.messages(field).at(-1);
  }

  messages(field: number): Message[] {
    return this.contents(field).map((content) => new Message(content, this.#what));
  }
}

/** Reads packed numbers. */
function varints(bytes: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte >= 128) continue;
    values.push(value);
    [value, scale] = [0, 1];
  }
  return values;
}

/** Reads UTF-8. */
export function protoText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function cutOff(what: string): FluxionError {
  return new FluxionError('bad_file', `${what} ends in the middle of a field`);
}

/** Writes a message field by field. */
export class ProtoWriter {
  readonly #pieces: Uint8Array[] = [];
  #bytes: number[] = [];

  /** Writes a number in base 128, least significant group first; negative ones as 64-bit two's complement. */
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
    return this.content(field, Buffer.from(value));
  }

  message(field: number, value: ProtoWriter): this {
    return this.content(field, value.bytes());
  }

  /** Writes a field of bytes, or of an encoded message. */
  content(field: number, value: Uint8Array): this {
    return this.varint((field << 3) | 2)
      .varint(value.length)
      .raw(value);
  }

  /** Appends encoded fields unchanged. */
  raw(bytes: Uint8Array): this {
    this.#pieces.push(Uint8Array.from(this.#bytes), bytes);
    this.#bytes = [];
    return this;
  }

  bytes(): Uint8Array {
    return Buffer.concat([...this.#pieces, Uint8Array.from(this.#bytes)]);
  }
}
