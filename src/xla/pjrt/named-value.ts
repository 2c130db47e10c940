/** PJRT_NamedValue lists: create options on the way in, attributes and statistics on the way out. */

import { roundUp } from '../../support/multiples.ts';
import { ENUMS, STRUCTS } from './header.gen.ts';
import { addressOf, readString, readWords, viewNative } from './memory.ts';

/** A value a client or topology can be created with. Plain numbers must be whole and are sent as int64; `{ float }` is sent as float. */
export type OptionValue =
  | string
  | number
  | bigint
  | boolean
  | readonly (number | bigint)[]
  | { readonly float: number };
/** Named options of a client or topology. */
export type Options = Readonly<Record<string, OptionValue>>;
/** A value a plugin reports. */
export type AttributeValue = string | number | boolean | readonly number[];

const TYPE = ENUMS.PJRT_NamedValue_Type;
const { stride, size, fields } = STRUCTS.PJRT_NamedValue;

/** Encodes options as one block of memory: the structs first, then the text and lists they point to. */
export function encodeNamedValues(options: Options): { memory: ArrayBuffer; count: number } {
  const entries = Object.entries(options);
  const payloads = entries.map(([name, value]) => ({ name: Buffer.from(name), data: payload(value), value }));
  const room = payloads.reduce((sum, { name, data }) => sum + pad(name.length) + pad(data.length), 0);
  const memory = new ArrayBuffer(entries.length * stride + room);
  const bytes = new Uint8Array(memory);
  const view = new DataView(memory);
  const base = addressOf(memory);
  let free = entries.length * stride;
  const place = (data: Uint8Array): bigint => {
    const at = free;
    bytes.set(data, at);
    free += pad(data.length);
    return base + BigInt(at);
  };
  for (const [i, { name, data, value }] of payloads.entries()) {
    const at = i * stride;
    view.setBigUint64(at, BigInt(size), true);
    view.setBigUint64(at + fields.name[0], place(name), true);
    view.setBigUint64(at + fields.name_size[0], BigInt(name.length), true);
    const write = (type: number, length: number) => {
      view.setInt32(at + fields.type[0], type, true);
      view.setBigUint64(at + fields.value_size[0], BigInt(length), true);
    };
    if (typeof value === 'string') {
      write(TYPE.String, data.length);
      view.setBigUint64(at + fields.string_value[0], place(data), true);
    } else if (typeof value === 'boolean') {
      write(TYPE.Bool, 1);
      view.setUint8(at + fields.bool_value[0], value ? 1 : 0);
    } else if (typeof value === 'number' || typeof value === 'bigint') {
      write(TYPE.Int64, 1);
      view.setBigInt64(at + fields.int64_value[0], BigInt(value), true);
    } else if ('float' in value) {
      write(TYPE.Float, 1);
      view.setFloat32(at + fields.float_value[0], value.float, true);
    } else {
      write(TYPE.Int64List, value.length);
      view.setBigUint64(at + fields.int64_array_value[0], place(data), true);
    }
  }
  return { memory, count: entries.length };
}

/** The bytes a value keeps outside its struct. */
function payload(value: OptionValue): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  if (typeof value !== 'object' || 'float' in value) return new Uint8Array();
  return new Uint8Array(BigInt64Array.from(value, BigInt).buffer);
}

/** Lengths and offsets are multiples of 8 bytes. */
const pad = (length: number): number => roundUp(length, 8);

/** Decodes a list that a plugin reports, whose structs may be longer than the header's. */
export function decodeNamedValues(address: bigint, count: number): Map<string, AttributeValue> {
  const values = new Map<string, AttributeValue>();
  let at = address;
  for (let i = 0; i < count; i++) {
    const view = new DataView(viewNative(at, stride));
    const word = (offset: number) => view.getBigUint64(offset, true);
    const length = Number(word(fields.value_size[0]));
    const name = readString(word(fields.name[0]), Number(word(fields.name_size[0])));
    switch (view.getInt32(fields.type[0], true)) {
      case TYPE.String:
        values.set(name, readString(word(fields.string_value[0]), length));
        break;
      case TYPE.Int64:
        values.set(name, Number(view.getBigInt64(fields.int64_value[0], true)));
        break;
      case TYPE.Int64List:
        values.set(
          name,
          readWords(word(fields.int64_array_value[0]), length).map((v) => Number(BigInt.asIntN(64, v))),
        );
        break;
      case TYPE.Float:
        values.set(name, view.getFloat32(fields.float_value[0], true));
        break;
      case TYPE.Bool:
        values.set(name, view.getUint8(fields.bool_value[0]) !== 0);
        break;
    }
    at += BigInt(Math.max(stride, pad(Number(word(0)))));
  }
  return values;
}
