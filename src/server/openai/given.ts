/** Reads bodies of OpenAI's images API, JSON or a form: fields by name, and the pictures of an edit. */

import type { Context } from 'hono';
import { fieldNamed } from '../../api/field-names.ts';
import { REQUEST_KNOBS } from '../../api/request.ts';
import { attempt } from '../../support/attempt.ts';
import { base64Bytes } from '../base64.ts';
import { formBody, isForm, jsonBody } from '../body.ts';
import type { ServerEnv } from '../context.ts';
import { Refusal } from '../refusal.ts';

/** The content of a body. */
export interface GivenBody {
  /** All fields but `image`, `images` and `mask`; fields that were null are left out. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Files of the pictures to edit, in order. */
  readonly images: readonly Uint8Array[];
  readonly mask?: Uint8Array | undefined;
}

/** Reads a body. Throws a refusal that names the field. */
export async function readGiven(c: Context<ServerEnv>, limit: number | undefined): Promise<GivenBody> {
  return isForm(c) ? ofForm(await formBody(c, limit)) : ofJson(await jsonBody(c, limit));
}

/** Reads a JSON body; its `image`, `images` and `mask` are base64, `data:` addresses, or one of these as `{ image_url }`. */
function ofJson(body: unknown): GivenBody {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal(400, 'the body: expected an object');
  const { image, images, mask, ...fields } = withoutNulls(body as Record<string, unknown>);
  const list = (value: unknown, name: string): Uint8Array[] =>
    value === undefined
      ? []
      : [value].flat().map((one, i) => content(one, Array.isArray(value) ? `${name}[${i}]` : name));
  return {
    fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, inputs(name, value)])),
    images: [...list(image, 'image'), ...list(images, 'images')],
    mask: mask === undefined ? undefined : content(mask, 'mask'),
  };
}

function withoutNulls(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** The value of a field: decoded if it is one of Fluxion's picture fields, otherwise as given. */
function inputs(name: string, value: unknown): unknown {
  const field = fieldNamed(name);
  const { kind } = field === undefined ? { kind: undefined } : REQUEST_KNOBS[field];
  if (kind?.name === 'picture') return content(value, name);
  if (kind?.name === 'pictures')
    return Array.isArray(value) ? value.map((one, i) => content(one, `${name}[${i}]`)) : content(value, name);
  return value;
}

function content(value: unknown, field: string): Uint8Array {
  const given = typeof value === 'object' && value !== null && 'image_url' in value ? value.image_url : value;
  if (given instanceof Uint8Array) return given;
  const bytes = typeof given === 'string' ? base64Bytes(given) : undefined;
  if (bytes) return bytes;
  throw new Refusal(400, 'expected the content of a picture in base64, or data:image/png;base64,…', {
    field,
    hint: 'this server reads no addresses, paths or file ids',
  });
}

/** Reads a form: its texts become values of the types that the fields take. */
async function ofForm(form: ReadonlyMap<string, readonly (string | File)[]>): Promise<GivenBody> {
  const fields: Record<string, unknown> = {};
  const images: Uint8Array[] = [];
  let mask: Uint8Array | undefined;
  for (const [given, parts] of form) {
    const name = given.replace(/\[\d*\]$/, '');
    const isPicture = name === 'image' || name === 'images' || name === 'mask';
    const values = await Promise.all(
      parts.map((part) => {
        if (typeof part !== 'string') return bytesOf(part, name);
        return isPicture ? content(part, name) : inputs(name, fieldValue(name, part));
      }),
    );
    if (name === 'mask') mask = values[0] as Uint8Array;
    else if (isPicture) images.push(...(values as Uint8Array[]));
    else {
      const all = [fields[name] ?? [], values].flat(2);
      fields[name] = all.length === 1 ? all[0] : all;
    }
  }
  return { fields, images, mask };
}

async function bytesOf(file: File, name: string): Promise<Uint8Array> {
  if (file.size === 0) throw new Refusal(400, 'expected a picture, found an empty file', { field: name });
  return new Uint8Array(await file.arrayBuffer());
}

/** Kinds of fields whose values stay text. */
const TEXTS: readonly string[] = ['text', 'prompts', 'word', 'path', 'caller'];
/** OpenAI's own fields whose values are not text. */
const VALUES: readonly string[] = ['n', 'output_compression', 'stream', 'partial_images'];

function fieldValue(name: string, text: string): unknown {
  const field = fieldNamed(name);
  const isValue = VALUES.includes(name) || (field !== undefined && !TEXTS.includes(REQUEST_KNOBS[field].kind.name));
  if (!isValue) return text;
  // A seed may have more digits than a number is exact for.
  if (field === 'seed' && /^[+-]?\d+$/.test(text)) return text;
  return attempt(() => JSON.parse(text) as unknown, text);
}
