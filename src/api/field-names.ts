/** Fields of a request by every name they go by: their own, their configuration keys, and the everyday names of these. */

import { namesOf, plainName } from './knobs.ts';
import { type REQUEST, REQUEST_KNOBS } from './request.ts';

type RequestField = keyof typeof REQUEST.shape;

const NAMES = namesOf(REQUEST_KNOBS) as ReadonlyMap<string, RequestField>;

/** The field of a request that a name means, such as `guidance` for `guidance_scale`; undefined for a name of nothing. */
export function fieldNamed(name: string): RequestField | undefined {
  return NAMES.get(plainName(name));
}

/** Spells what was given by the names of the request's fields; other names stay, for the check to name them. */
export function byField(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [fieldNamed(name) ?? name, value]));
}
