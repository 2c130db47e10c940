/** Fields of a request by all their names: the field's own, its configuration key, and the key's everyday names. */

import { namesOf, plainName } from './knobs.ts';
import { type REQUEST, REQUEST_KNOBS } from './request.ts';

type RequestField = keyof typeof REQUEST.shape;

const NAMES = namesOf(REQUEST_KNOBS) as ReadonlyMap<string, RequestField>;

/** The field of a request that a name means, such as `guidance` for `guidance_scale`; undefined for an unknown name. */
export function fieldNamed(name: string): RequestField | undefined {
  return NAMES.get(plainName(name));
}

/** Renames given fields to the request's own names. Unknown names stay, so that the check can report them. */
export function byField(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [fieldNamed(name) ?? name, value]));
}
