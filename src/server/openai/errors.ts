/** Errors in OpenAI's form; they name fields as the client did. */

import { fieldNamed } from '../../api/field-names.ts';
import type { ErrorBody } from '../../api/jobs.ts';

/** The client's name of each field of our request. */
export type GivenNames = ReadonlyMap<string, string>;

/** An error for OpenAI's clients. They show only the message, so the hint becomes part of it. */
export function openaiError({ error }: ErrorBody, names: GivenNames = new Map()) {
  const { hint, param: field, ...told } = error;
  // The place inside a field stays: `redux_image[0]`.
  const param = field?.replace(/^\w+/, (name) => names.get(fieldNamed(name) ?? name) ?? name) ?? null;
  const text = field === null ? told.message : `${param}${told.message.slice(field.length)}`;
  return { error: { ...told, message: hint === undefined ? text : `${text} (${hint})`, param } } as const;
}
