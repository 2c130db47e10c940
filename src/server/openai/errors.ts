/** Errors in OpenAI's form; they name fields as the client did. */

import { fieldNamed } from '../../api/field-names.ts';
import type { ErrorBody } from '../refusal.ts';

/** The client's name of each field of our request. */
export type GivenNames = ReadonlyMap<string, string>;

/** The field at the beginning of a message, and the place inside it. */
const FIELD = /^([A-Za-z_]\w*)((?:\[\d+\]|\.\w+)*): /;
const UNKNOWN_FIELD = /there is no field '([^']{1,200})'/;

/** An error for OpenAI's clients. They show only the message, so the hint becomes part of it. */
export function openaiError(given: ErrorBody, names: GivenNames = new Map()) {
  const { hint, ...told } = given.error;
  const [prefix = '', field, rest = ''] = FIELD.exec(told.message) ?? [];
  const name = field === undefined ? undefined : (names.get(fieldNamed(field) ?? field) ?? ownName(field));
  const text = name === undefined ? told.message : `${name}${rest}: ${told.message.slice(prefix.length)}`;
  const param = UNKNOWN_FIELD.exec(told.message)?.[1] ?? (name === undefined ? null : name + rest);
  return { error: { ...told, message: hint === undefined ? text : `${text} (${hint})`, param } } as const;
}

/** OpenAI's name for a field that the client did not give, or of a body that could not be read. */
function ownName(field: string): string | undefined {
  return fieldNamed(field) !== undefined || field === 'images' || field === 'model' ? field : undefined;
}
