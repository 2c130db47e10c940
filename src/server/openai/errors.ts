/** Errors in OpenAI's shape, which name fields as the client did. */

import { fieldNamed } from '../../api/field-names.ts';
import type { ErrorBody } from '../refusal.ts';

/** What a client called the fields of a request, by the fields. */
export type GivenNames = ReadonlyMap<string, string>;

/** A field at the beginning of a message, and the place in it. */
const FIELD = /^([A-Za-z_]\w*)((?:\[\d+\]|\.\w+)*): /;
const UNKNOWN_FIELD = /there is no field '([^']{1,200})'/;

/** An error as the client of OpenAI's reads it: all that it shows is the message. */
export function openaiError(given: ErrorBody, names: GivenNames = new Map()) {
  const { hint, ...told } = given.error;
  const [prefix = '', field, rest = ''] = FIELD.exec(told.message) ?? [];
  const name = field === undefined ? undefined : (names.get(fieldNamed(field) ?? field) ?? ownName(field));
  const text = name === undefined ? told.message : `${name}${rest}: ${told.message.slice(prefix.length)}`;
  const param = UNKNOWN_FIELD.exec(told.message)?.[1] ?? (name === undefined ? null : name + rest);
  return { error: { ...told, message: hint === undefined ? text : `${text} (${hint})`, param } } as const;
}

/** The name of a field that the client did not give, or of a body that could not be read. */
function ownName(field: string): string | undefined {
  return fieldNamed(field) !== undefined || field === 'images' || field === 'model' ? field : undefined;
}
