/**
 * A request as it may come over a network: with pictures by content and LoRAs by name, never by a path or address of this machine; with
 * its random seeds drawn, so that it makes the same pictures whenever it runs; and as text for the store.
 */

import { randomInt } from 'node:crypto';
import { checked } from '../api/check.ts';
import { type PictureSource, seedNumber } from '../api/kinds.ts';
import { type CheckedRequest, INPUT_FIELDS, REQUEST, type Request } from '../api/request.ts';
import type { JobLimits } from '../api/served.ts';
import { encode } from '../picture/image.ts';
import { dataAddress } from '../picture/read-picture.ts';
import { namedLora } from '../pipeline/loras.ts';
import { FluxionError } from '../support/errors.ts';
import { base64Text } from './base64.ts';
import { pictureSize } from './picture-head.ts';
import { Refusal } from './refusal.ts';

/** A request that was checked: all its values are JSON, but for bigint seeds. */
export interface NetworkRequest extends Omit<CheckedRequest, 'signal' | 'caller'> {
  /** The model, if a backend has several. */
  readonly model?: string;
}

/** Random seeds are below this, as in other tools. */
const RANDOM_SEEDS = 2 ** 32;
const DATA = /^data:[^,]*;base64,/;

/** Checks a request and its bounds; `requireLora` throws for an unknown LoRA. Throws `bad_request` naming the field, and `not_found` for a LoRA. */
export async function networkRequest(
  given: Request,
  limits: JobLimits,
  requireLora: (name: string) => void,
): Promise<NetworkRequest> {
  const { signal: _, caller: __, ...request } = checked(REQUEST, given, 'request');
  requireBounds(request, limits);
  if (request.allowUrl) throw new Refusal(400, 'this server downloads nothing for a request', { field: 'allowUrl' });
  try {
    for (const { path } of request.loras ?? []) requireLora(path);
  } catch (error) {
    if (!(error instanceof FluxionError)) throw error;
    const { code, message, hint } = error;
    throw new Refusal(400, message, { code, hint, field: 'loras' });
  }
  const pictures: Record<string, string | string[]> = {};
  for (const field of INPUT_FIELDS) {
    const value = request[field];
    if (value === undefined) continue;
    const data = await Promise.all([value].flat().map((item) => asData(item as PictureSource, field)));
    for (const item of data) await pictureSize(bytesOf(item), field, limits.inputPixels);
    pictures[field] = Array.isArray(value) ? data : data[0]!;
  }
  return { ...request, ...pictures, ...(request.seed !== undefined && { seed: drawn(request.seed) }) };
}

/** The request with its LoRAs' names replaced by their paths in the folder. Throws `not_found`, `bad_request`. */
export function withLoras(request: NetworkRequest, loraDir: string | undefined): NetworkRequest {
  const loras = request.loras?.map((lora) => ({ ...lora, path: namedLora(loraDir, lora.path) }));
  return { ...request, ...(loras && { loras }) };
}

/** Number of pictures that a request makes. */
export function picturesOf({ prompt, seed = 0, batch = 1 }: NetworkRequest): number {
  return [prompt].flat().length * [seed].flat().length * batch;
}

/** The request as JSON text: `whole`, which can run again, and `shown`, without the content of pictures. */
export function requestText(request: NetworkRequest): { readonly whole: string; readonly shown: string } {
  const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? seedNumber(value) : value);
  const inputs = Object.fromEntries(
    INPUT_FIELDS.filter((field) => request[field] !== undefined).map((field) => {
      const value = request[field] as string | readonly string[];
      return [field, typeof value === 'string' ? described(value) : value.map(described)];
    }),
  );
  return { whole: JSON.stringify(request, plain), shown: JSON.stringify({ ...request, ...inputs }, plain) };
}

function described(data: string): { readonly bytes: number } {
  return { bytes: Math.floor(((data.length - data.indexOf(',') - 1) * 3) / 4) };
}

function requireBounds(request: NetworkRequest, limits: JobLimits): void {
  const { width = 0, height = 0, steps = 0, sigmas = [] } = request;
  const over = (field: string, most: number, found: number, of = ''): void => {
    if (found > most) throw new Refusal(400, `expected at most ${most}${of} on this server, found ${found}`, { field });
  };
  over('batch', limits.pictures, picturesOf(request), ' pictures of all prompts and seeds');
  over('steps', limits.steps, steps);
  over('sigmas', limits.steps, sigmas.length);
  // If only one side is given, the other is at least one pixel.
  over(width > height ? 'width' : 'height', limits.pixels, Math.max(width * height, width, height), ' pixels');
}

async function asData(source: PictureSource, field: string): Promise<string> {
  if (typeof source === 'string') {
    if (DATA.test(source)) return source;
    throw new Refusal(400, 'expected the content of a picture, found a path or an address', {
      field,
      hint: 'send it as data:image/png;base64,…, or as a file of a form',
    });
  }
  if (source instanceof Uint8Array) return address(source);
  if ('arrayBuffer' in source) {
    const name = 'name' in source ? String(source.name) : '';
    return address(new Uint8Array(await source.arrayBuffer()), name);
  }
  if ('data' in source && source.data.length === source.width * source.height * 3)
    return address(await encode({ ...source, data: new Uint8Array(source.data) }, 'png'));
  throw new Refusal(400, 'expected the content of a picture file', { field });
}

function bytesOf(data: string): Uint8Array {
  return Buffer.from(data.slice(data.indexOf(',') + 1), 'base64');
}

function address(bytes: Uint8Array, name = ''): string {
  const base64 = base64Text(bytes);
  return name === '' ? `data:application/octet-stream;base64,${base64}` : dataAddress(name, base64);
}

function drawn(seed: NonNullable<NetworkRequest['seed']>): NonNullable<NetworkRequest['seed']> {
  const draw = (one: number | bigint | 'random') => (one === 'random' ? randomInt(RANDOM_SEEDS) : one);
  return Array.isArray(seed) ? seed.map(draw) : draw(seed as number | bigint | 'random');
}
