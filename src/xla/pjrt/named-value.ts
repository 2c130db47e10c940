/** PJRT_NamedValue lists: create options on the way in, attributes and statistics on the way out. */

import { ENUMS } from './header.gen.ts';
import { readString, readWords } from './memory.ts';
import { Struct, type StructFields } from './struct.ts';

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

/** Options in the fields of a call that creates a client or topology. */
export function createOptions(options: Options): {
  readonly create_options: Struct<'PJRT_NamedValue'> | null;
  readonly num_options: number;
} {
  const list = Object.entries(options).map(([name, value]) => ({ name, ...fieldsOf(value) }));
  return { create_options: Struct.array('PJRT_NamedValue', list), num_options: list.length };
}

function fieldsOf(value: OptionValue): StructFields<'PJRT_NamedValue'> {
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    return { type: TYPE.String, string_value: text, value_size: text.length };
  }
  if (typeof value === 'boolean') return { type: TYPE.Bool, bool_value: value, value_size: 1 };
  if (typeof value !== 'object') return { type: TYPE.Int64, int64_value: value, value_size: 1 };
  if ('float' in value) return { type: TYPE.Float, float_value: value.float, value_size: 1 };
  return { type: TYPE.Int64List, int64_array_value: BigInt64Array.from(value, BigInt), value_size: value.length };
}

/** Decodes a list that a plugin reports; values of unknown types are left out. */
export function decodeNamedValues(address: bigint, count: number): Map<string, AttributeValue> {
  const values = new Map<string, AttributeValue>();
  for (const named of Struct.each('PJRT_NamedValue', address, count)) {
    const value = read(named);
    if (value !== undefined) values.set(named.text('name'), value);
  }
  return values;
}

function read(named: Struct<'PJRT_NamedValue'>): AttributeValue | undefined {
  const length = named.get('value_size');
  switch (named.get('type')) {
    case TYPE.String:
      return readString(named.get('string_value'), length);
    case TYPE.Int64:
      return named.get('int64_value');
    case TYPE.Int64List:
      return readWords(named.get('int64_array_value'), length).map((word) => Number(BigInt.asIntN(64, word)));
    case TYPE.Float:
      return named.get('float_value');
    case TYPE.Bool:
      return named.get('bool_value');
    default:
      return undefined;
  }
}
