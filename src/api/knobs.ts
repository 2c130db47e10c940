/**
 * Knobs: every setting, written down once with its type and bounds, its spelling in configurations, its default and its purpose. Fields of
 * requests and of loading, configuration keys, rows of the help text and fields of recipes are views of them.
 */

import { z } from 'zod';
import { type Kind, kind } from './kinds.ts';

/** The groups of `--help`, in its order. */
export const GROUPS = [
  'Picture',
  'Pictures in',
  'Sampling',
  'Model',
  'Numbers',
  'Output',
  'Devices',
  'Parallelism',
  'LoRA',
  'Server',
] as const;
export type KnobGroup = (typeof GROUPS)[number];

/** One thing that can be set. */
export interface Knob {
  readonly kind: Kind;
  /** Its configuration key; a knob without one exists only in the library. */
  readonly key?: string;
  /** Everyday names of its key. */
  readonly also?: readonly string[];
  readonly group?: KnobGroup;
  /** One sentence. */
  readonly help: string;
  readonly required?: true;
  /** Its value if it is not set. */
  readonly default?: unknown;
  /** What happens if a knob without default is not set. */
  readonly unset?: string;
  /** A value for examples. */
  readonly example?: string;
}

export type Knobs = Readonly<Record<string, Knob>>;

type Fields<K extends Knobs> = {
  -readonly [F in keyof K]: K[F] extends { readonly required: true }
    ? K[F]['kind']['type']
    : z.ZodOptional<K[F]['kind']['type']>;
};

/** Callers' values are never changed. */
export type Immutable<T> = T extends
  | AbortSignal
  | URL
  | Blob
  | Uint8Array
  | Uint8ClampedArray
  | ((...given: never) => unknown)
  ? T
  : T extends object
    ? { readonly [K in keyof T]: Immutable<T[K]> }
    : T;

/** An object with only these fields. */
export function strict<F extends z.ZodRawShape>(fields: F, example: string) {
  return z.strictObject(fields, `an object such as ${example}`);
}

/** The type of an object that sets these knobs. */
export function settings<K extends Knobs>(knobs: K, example: string) {
  const fields = Object.entries(knobs).map(([field, { kind, required }]) => [
    field,
    required ? kind.type : kind.type.optional(),
  ]);
  return strict(Object.fromEntries(fields) as Fields<K>, example);
}

/** Values of knobs, by configuration key instead of field. */
export function byKey(knobs: Knobs, fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const keyed = Object.entries(knobs).flatMap(([field, { key }]) => (key === undefined ? [] : [[key, fields[field]]]));
  return Object.fromEntries(keyed);
}

export const callback = <T>(help: string) => ({
  kind: kind(
    'callback',
    z.custom<T>((value) => typeof value === 'function', 'a function'),
    'a function',
  ),
  help,
});

const SIGNAL = z.custom<AbortSignal>((value) => {
  const { throwIfAborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  return typeof throwIfAborted === 'function' && typeof addEventListener === 'function';
}, 'an AbortSignal, such as that of an AbortController');

export const signal = (help: string) => ({
  kind: kind('signal', SIGNAL, 'an AbortSignal'),
  help,
});

/** Spells a name as configurations do: `numInferenceSteps` and `num-inference-steps` are `num_inference_steps`. */
export function plainName(written: string): string {
  return written
    .replaceAll('-', '_')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

/** The fields of knobs by all their names, spelt as in configurations: the field's own, its key, and the key's everyday names. */
export function namesOf(knobs: Knobs): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(knobs).flatMap(([field, { key, also = [] }]) =>
      [field, ...(key === undefined ? [] : [key]), ...also].map((name) => [plainName(name), field]),
    ),
  );
}
