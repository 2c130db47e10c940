/** Checks callers' values field by field. A mistake is a `bad_request` that names the field, what was expected and what was found. */

import { z } from 'zod';
import { didYouMean, FluxionError } from '../support/errors.ts';
import { oneLine } from '../support/quote.ts';
import { namesOf, plainName } from './knobs.ts';
import { DEVICE_WORDS, LOAD_KNOBS } from './load.ts';
import { REQUEST_KNOBS } from './request.ts';

/** Fields by their configuration keys, everyday names and other programs' words. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ...namesOf({ ...REQUEST_KNOBS, ...LOAD_KNOBS }),
  ...[['num', 'batch'], ['lora', 'loras'], ['abort_signal', 'signal'], ['torch_dtype', 'dtype']] as const,
]); // biome-ignore format: a name and its field are one word each

/**
 * Returns a copy of a caller's value in the form of the schema. Throws `bad_request` naming the field, or `what` for the whole value.
 * Fields are read once, so a getter that throws, or that changes its answer, does no harm.
 */
export function checked<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  let result: z.ZodSafeParseResult<z.output<T>>;
  try {
    result = schema.safeParse(value);
  } catch (cause) {
    throw new FluxionError('bad_request', `${what}: a field cannot be read: ${oneLine(String(cause), 200)}`, { cause });
  }
  if (result.success) return result.data;
  const issue = innermost(result.error.issues[0]!);
  const field = issue.path.reduce<string>(
    (path, key) =>
      typeof key === 'number' ? `${path || what}[${key}]` : path ? `${path}.${String(key)}` : String(key),
    '',
  );
  if (issue.code === 'unrecognized_keys') throw unknownField(field, issue.keys[0]!, fieldsAt(schema, issue.path));
  const found = valueAt(value, issue.path);
  throw new FluxionError('bad_request', `${field || what}: expected ${issue.message}, found ${shown(found)}`, {
    field: field || undefined,
    hint: issue.code === 'invalid_value' ? meant(found, issue.values) : undefined,
  });
}

/** A hint with the valid value nearest to the given one. */
function meant(value: unknown, values: readonly unknown[]): string | undefined {
  if (typeof value !== 'string') return undefined;
  const device = Object.hasOwn(DEVICE_WORDS, value) ? DEVICE_WORDS[value] : undefined;
  return didYouMean(device !== undefined && values.includes(device) ? device : value, values.map(String));
}

type Issue = z.core.$ZodIssue;

/** The issue inside the list, for a field that takes one value or a list. */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const inside = issue.errors.flat().find(({ path }) => path.length > 0);
  return inside ? { ...inside, path: [...issue.path, ...inside.path] } : issue;
}

/** The field names of the object at a path of a schema. */
function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const [key, ...rest] = path;
  if (schema instanceof z.ZodOptional) return fieldsAt(schema.unwrap() as z.ZodType, path);
  if (schema instanceof z.ZodArray) return fieldsAt(schema.element as z.ZodType, rest);
  if (!(schema instanceof z.ZodObject)) return [];
  return key === undefined ? Object.keys(schema.shape) : fieldsAt(schema.shape[key as string], rest);
}

function unknownField(field: string, key: string, known: readonly string[]): FluxionError {
  const synonym = FIELDS.get(plainName(key)) ?? '';
  return new FluxionError('bad_request', 'there is no such field', {
    field: `${field === '' ? '' : `${field}.`}${key.slice(0, 200)}`,
    hint: didYouMean(known.includes(synonym) ? synonym : key, known) ?? `there are ${known.join(', ')}`,
  });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
}

/** Names a value of any type. */
function shown(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'nothing';
    case 'string':
      return `the text '${oneLine(value, 80)}'`;
    case 'bigint':
      return `the bigint ${oneLine(String(value), 80)}n`;
    case 'number':
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? (value.length === 0 ? 'an empty list' : `a list of ${value.length}`) : 'an object';
    default:
      return `a ${typeof value}`;
  }
}
