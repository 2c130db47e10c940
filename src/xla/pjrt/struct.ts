/**
 * The structs of the PJRT C API, in JavaScript's memory or in native memory. Field names and kinds are checked by the compiler against
 * `header.gen.ts`.
 */

import { roundUp } from '../../support/multiples.ts';
import { type FieldLayout, FUNCTIONS, STRUCTS, type StructName } from './header.gen.ts';
import { addressOf, copyNative, readString, readWords, viewNative } from './memory.ts';

const LAYOUTS = { ...FUNCTIONS, ...STRUCTS };

type Fields<S extends StructName> = (typeof LAYOUTS)[S]['fields'];
type Kind<S extends StructName, N extends keyof Fields<S>> = Fields<S>[N] extends readonly [number, number, infer K]
  ? K
  : never;

/** What a field reads as: pointers as bigint, numbers as number (64-bit ones must be below 2^53), booleans as boolean. */
type Read<K> = K extends 'pointer' ? bigint : K extends 'bool' ? boolean : K extends 'struct' ? bigint : number;
/** What a field can be set to: memory and text stand for their address and are kept reachable; null is the null pointer. */
type Written<K> = K extends 'pointer'
  ? bigint | string | ArrayBufferView | ArrayBuffer | Struct<StructName> | null
  : K extends 'bool'
    ? boolean
    : K extends 'struct'
      ? never
      : number | bigint;

/** Values for fields of a struct. The length of text or a typed array is also written to `NAME_size` or `num_NAME`. */
export type StructFields<S extends StructName> = { readonly [N in keyof Fields<S>]?: Written<Kind<S, N>> };
/** Pointer fields of a struct that has another field for their length. */
type Pointer<S extends StructName, Length extends 'NAME_size' | 'num_NAME'> = {
  [N in keyof Fields<S> & string]: (Length extends 'NAME_size' ? `${N}_size` : `num_${N}`) extends keyof Fields<S>
    ? N
    : never;
}[keyof Fields<S> & string];

/** A C struct. Everything it points to through `set` stays reachable with it. */
export class Struct<S extends StructName> {
  readonly address: bigint;
  readonly #fields: Record<string, FieldLayout>;
  readonly #view: DataView<ArrayBuffer>;
  readonly #held: unknown[] = [];

  /** Makes a struct with its `struct_size`, by default in memory of its own; without `fields`, shows the struct that is in memory already. */
  constructor(name: S, fields: StructFields<S> | undefined, memory?: ArrayBuffer, offset = 0) {
    const { size, stride, fields: layouts } = LAYOUTS[name];
    this.#fields = layouts;
    this.#view = new DataView(memory ?? new ArrayBuffer(stride), offset, stride);
    this.address = addressOf(this.#view);
    if (!fields) return;
    this.#view.setBigUint64(0, BigInt(size), true);
    this.set(fields);
  }

  /** A struct in native memory, which must stay valid for as long as this is used. */
  static at<S extends StructName>(name: S, address: bigint): Struct<S> {
    return new Struct(name, undefined, viewNative(address, LAYOUTS[name].stride));
  }

  /** The structs of an array in native memory; those of a newer plugin may be longer than the header's. */
  static *each<S extends StructName>(name: S, address: bigint, count: number): Generator<Struct<S>> {
    let at = address;
    for (let i = 0; i < count; i++) {
      const struct = Struct.at(name, at);
      yield struct;
      const size = Number(struct.#view.getBigUint64(0, true));
      at += BigInt(Math.max(LAYOUTS[name].stride, roundUp(size, 8)));
    }
  }

  /** An array of structs in JavaScript's memory: its first, which keeps the others reachable; null if there are none. */
  static array<S extends StructName>(name: S, list: readonly StructFields<S>[]): Struct<S> | null {
    const { stride } = LAYOUTS[name];
    const memory = new ArrayBuffer(list.length * stride);
    const [first = null, ...others] = list.map((fields, i) => new Struct(name, fields, memory, i * stride));
    if (first) first.#held.push(...others);
    return first;
  }

  set(fields: StructFields<S>): this {
    for (const name in fields) {
      const value: unknown = fields[name];
      if (value !== undefined) this.#write(name, value);
    }
    return this;
  }

  get<N extends keyof Fields<S> & string>(name: N): Read<Kind<S, N>> {
    return this.#read(name) as Read<Kind<S, N>>;
  }

  /** Fills in a struct that this one contains by value. */
  embed<T extends StructName>(name: keyof Fields<S> & string, struct: T, fields: StructFields<T>): this {
    const [offset] = this.#fields[name]!;
    this.#held.push(new Struct(struct, fields, this.#view.buffer, this.#view.byteOffset + offset));
    return this;
  }

  /** The text at a pointer field; the field `NAME_size` has its length. */
  text(name: Pointer<S, 'NAME_size'>): string {
    return readString(this.#read(name) as bigint, this.#read(`${name}_size`) as number);
  }

  /** A copy of the bytes at a pointer field; the field `NAME_size` has their count. */
  bytes(name: Pointer<S, 'NAME_size'>): Uint8Array {
    return copyNative(this.#read(name) as bigint, this.#read(`${name}_size`) as number);
  }

  /** The words at a pointer field; the field `num_NAME` has their count. */
  words(name: Pointer<S, 'num_NAME'>): bigint[] {
    return readWords(this.#read(name) as bigint, this.#read(`num_${name}`) as number);
  }

  #write(name: string, value: unknown): void {
    const [offset, , kind] = this.#fields[name]!;
    const view = this.#view;
    switch (kind) {
      case 'pointer':
        view.setBigUint64(offset, this.#pointer(name, value), true);
        return;
      case 'size':
      case 'uint64':
      case 'int64':
        view.setBigInt64(offset, BigInt(value as number | bigint), true);
        return;
      case 'int':
      case 'enum':
        view.setInt32(offset, Number(value), true);
        return;
      case 'float':
        view.setFloat32(offset, Number(value), true);
        return;
      case 'bool':
        view.setUint8(offset, value ? 1 : 0);
        return;
      case 'struct':
        throw new TypeError(`${name} is a struct by value`);
      default:
        kind satisfies never;
    }
  }

  #pointer(name: string, value: unknown): bigint {
    if (typeof value === 'bigint') return value;
    if (value === null) return 0n;
    const target = typeof value === 'string' ? Buffer.from(value) : value;
    this.#held.push(target);
    if (target instanceof Struct) return target.address;
    const { length } = target as Partial<Uint8Array>;
    const lengthField = [`${name}_size`, `num_${name}`].find((one) => one in this.#fields);
    if (length !== undefined && lengthField !== undefined) this.#write(lengthField, length);
    return addressOf(target as ArrayBufferView);
  }

  #read(name: string): bigint | number | boolean {
    const [offset, , kind] = this.#fields[name]!;
    const view = this.#view;
    switch (kind) {
      case 'pointer':
        return view.getBigUint64(offset, true);
      case 'size':
      case 'uint64':
        return Number(view.getBigUint64(offset, true));
      case 'int64':
        return Number(view.getBigInt64(offset, true));
      case 'int':
      case 'enum':
        return view.getInt32(offset, true);
      case 'float':
        return view.getFloat32(offset, true);
      case 'bool':
        return view.getUint8(offset) !== 0;
      case 'struct':
        return this.address + BigInt(offset);
      default:
        return kind satisfies never;
    }
  }
}
