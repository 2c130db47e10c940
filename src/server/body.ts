/** Reads request bodies up to a limit: JSON, and forms with files. The bytes decide what is refused, whatever the headers claim. */

import type { Context } from 'hono';
import { readUpTo } from '../support/read-stream.ts';
import type { ServerEnv } from './context.ts';
import { Refusal } from './refusal.ts';

/** Most bytes of a body by default: a few photographs in base64. */
export const BODY_LIMIT = 64 * 2 ** 20;
/** Most parts of a form, and most values of a JSON text: parsing more would hold up other requests. */
const MOST_PARTS = 256;
const MOST_VALUES = 200_000;
/** Codes of the characters of which one stands before every value of a JSON text but the outermost, or before a name. */
const BEFORE_VALUES = Buffer.from(',[{');

/** The bytes of a body. Refuses a larger body with 413, and a compressed one with 415. */
export async function bodyBytes(c: Context<ServerEnv>, limit: number = BODY_LIMIT): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw new Refusal(415, `content-encoding: expected none, found '${encoding}'`);
  const tooLarge = () => new Refusal(413, `the body: expected at most ${limit} bytes`);
  if (Number(c.req.header('content-length') ?? 0) > limit) throw tooLarge();
  try {
    return await readUpTo(limit, c.req.raw.body ?? [], tooLarge, (length) => c.get('held').take(length));
  } catch (error) {
    throw error instanceof Refusal
      ? error
      : new Refusal(400, 'the body: the connection broke off before its end', { code: 'aborted' });
  }
}

/** The JSON of a body, whatever its content type. Refuses other text with 400. */
export async function jsonBody(c: Context<ServerEnv>, limit?: number): Promise<unknown> {
  const bytes = await bodyBytes(c, limit);
  if (hasMore(MOST_VALUES, BEFORE_VALUES, bytes))
    throw new Refusal(400, `the body: expected at most ${MOST_VALUES} values`);
  return parseJson(bytes, 'the body');
}

export function isForm(c: Context<ServerEnv>): boolean {
  return /^multipart\/form-data\b/i.test(c.req.header('content-type') ?? '');
}

/** A form: all values of each field, by its name. Refuses any other body with 400. */
export async function formBody(c: Context<ServerEnv>, limit?: number): Promise<Map<string, (string | File)[]>> {
  const type = c.req.header('content-type') ?? '';
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
  const bytes = await bodyBytes(c, limit);
  if (boundary && hasMore(MOST_PARTS, [boundary[1] ?? boundary[2]!], bytes))
    throw new Refusal(400, `the form: expected at most ${MOST_PARTS} parts`);
  let form: FormData;
  try {
    form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  } catch {
    throw new Refusal(
      400,
      'the body: expected a whole form (multipart/form-data), found something else or a part of one',
    );
  }
  const fields = new Map<string, (string | File)[]>();
  for (const [name, value] of form) fields.set(name, [...(fields.get(name) ?? []), value]);
  return fields;
}

/** Parses JSON; `what` names the text in messages. Refuses with 400. */
export function parseJson(text: Uint8Array | string, what: string): unknown {
  try {
    return JSON.parse(typeof text === 'string' ? text : new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (cause) {
    const message = cause instanceof SyntaxError ? cause.message : 'it is not UTF-8';
    throw new Refusal(400, `${what}: expected JSON: ${message}`);
  }
}

/** Whether these texts or codes occur more than `most` times in the bytes. Searches natively, as bodies have megabytes between two of them. */
function hasMore(most: number, wanted: Iterable<string | number>, bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let found = 0;
  for (const one of wanted)
    for (let at = buffer.indexOf(one); at !== -1; at = buffer.indexOf(one, at + 1)) if (++found > most) return true;
  return false;
}
