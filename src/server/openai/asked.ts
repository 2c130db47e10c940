/** Translates a request to OpenAI's images API into our request, and options for the answer. */

import { z } from 'zod';
import { checked } from '../../api/check.ts';
import { byField, fieldNamed } from '../../api/field-names.ts';
import { FORMAT, oneOf, whole } from '../../api/kinds.ts';
import { pictureFields } from '../../api/picture-use.ts';
import type { Request } from '../../api/request.ts';
import { alphaMask } from '../../picture/alpha-mask.ts';
import { preferredSize } from '../../picture/fit.ts';
import type { Flux } from '../../pipeline/flux.ts';
import { pictureSize } from '../picture-head.ts';
import { Refusal } from '../refusal.ts';
import type { GivenNames } from './errors.ts';
import type { GivenBody } from './given.ts';

const text = z.string('text');
const SIZE = 'auto, or WIDTHxHEIGHT with sides divisible by 16, such as 1024x768';

/** Fields that only OpenAI has; `prompt` and `n` are fields of our requests too. */
const OPTIONS = z.object({
  model: text.optional(),
  size: text.regex(/^(auto|\d{1,5}x\d{1,5})$/, SIZE).optional(),
  quality: oneOf('auto', 'low', 'medium', 'high', 'xhigh', 'max', 'standard', 'hd').type.optional(),
  output_format: FORMAT.optional(),
  output_compression: whole(0, 100).type.optional(),
  response_format: oneOf('b64_json', 'url').type.optional(),
  background: oneOf('auto', 'opaque', 'transparent').type.optional(),
  stream: z.boolean('true or false').optional(),
  partial_images: whole(0, 3).type.optional(),
  // These have no effect: there is no moderation and no end user, and input pictures are used as they are.
  moderation: text.optional(),
  style: text.optional(),
  user: text.optional(),
  safety_identifier: text.optional(),
  input_fidelity: text.optional(),
});
type Options = z.output<typeof OPTIONS>;

/** Steps by quality, in multiples of the model's default. */
const STEPS: Readonly<Record<NonNullable<Options['quality']>, number>> = {
  auto: 1, low: 0.5, medium: 1, standard: 1, high: 2, hd: 2, xhigh: 3, max: 4,
}; // biome-ignore format: a table

/** A request, parsed as far as is possible without the model. */
export interface OpenAiRequest {
  readonly options: Options;
  /** Fields of our request, except for the pictures of an edit. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly images: readonly { readonly bytes: Uint8Array; readonly width: number; readonly height: number }[];
  readonly mask?: Uint8Array | undefined;
}

/** The client's names for the fields of our request, for errors. */
export function namesOf({ fields }: GivenBody): GivenNames {
  const given = Object.keys(fields).map((name) => [fieldNamed(name) ?? name, name] as const);
  const own = Object.keys(OPTIONS.shape).map((name) => [name, name] as const);
  const others = [['width', 'size'], ['height', 'size'], ['batch', 'n'], ['referenceImage', 'image'], ['controlImage', 'image'], ['maskImage', 'mask']] as const; // biome-ignore format: a list
  return new Map([...own, ...others, ...given]);
}

/** Parses a body whose pictures have at most `limit` pixels. Throws `bad_request` and `bad_file` naming the field. */
export async function understood({ fields, images, mask }: GivenBody, limit: number): Promise<OpenAiRequest> {
  const isOption = (name: string): boolean => Object.hasOwn(OPTIONS.shape, name);
  const entries = Object.entries(fields).filter(([, value]) => value !== null);
  const options = checked(OPTIONS, Object.fromEntries(entries.filter(([name]) => isOption(name))), 'the body');
  requirePossible(options);
  const { prompt, ...asked } = byField(Object.fromEntries(entries.filter(([name]) => !isOption(name))));
  if (typeof prompt !== 'string') {
    const found = prompt === undefined ? 'nothing' : 'something else';
    throw new Refusal(400, `expected text, found ${found}`, { field: 'prompt' });
  }
  for (const field of ['signal', 'caller', 'slot', 'preview'] as const)
    if (asked[field] !== undefined) throw new Refusal(400, 'there is no such field in this API', { field });
  const read = images.map(async (bytes, i) => {
    const size = await pictureSize(bytes, images.length > 1 ? `image[${i}]` : 'image', limit);
    return { bytes, ...size };
  });
  if (mask) await pictureSize(mask, 'mask', limit);
  return {
    options,
    fields: { seed: 'random', ...sidesOf(options.size), ...asked, prompt },
    images: await Promise.all(read),
    mask,
  };
}

function requirePossible(options: Options): void {
  const { background, output_format, output_compression, stream, partial_images, response_format } = options;
  if (background === 'transparent')
    throw new Refusal(400, 'these models make opaque pictures only', {
      field: 'background',
      hint: 'leave it out, or ask for opaque',
    });
  if (output_compression !== undefined && output_compression < 100 && (output_format ?? 'png') === 'png')
    throw new Refusal(400, 'a PNG is compressed without loss', {
      field: 'output_compression',
      hint: 'ask for output_format=jpeg or webp',
    });
  if (partial_images && !stream)
    throw new Refusal(400, 'only a stream has them', { field: 'partial_images', hint: 'ask for stream=true' });
  if (stream && response_format === 'url')
    throw new Refusal(400, 'a stream sends b64_json only', { field: 'response_format' });
}

function sidesOf(size = 'auto'): Pick<Request, 'width' | 'height'> {
  if (size === 'auto') return {};
  const [width, height] = size.split('x').map(Number) as [number, number];
  if (width % 16 > 0 || height % 16 > 0 || width === 0 || height === 0)
    throw new Refusal(400, `expected ${SIZE}, found '${size}'`, { field: 'size' });
  return { width, height };
}

/** Whether our request depends on the model. */
export function needsModel({ options, fields, images }: OpenAiRequest): boolean {
  return images.length > 0 || (STEPS[options.quality ?? 'auto'] !== 1 && fields['steps'] === undefined);
}

/** The facts of a model that a request depends on. */
interface Model extends Pick<Flux, 'pictureUse'> {
  /** Steps of a request that omits them. */
  readonly steps: number;
}

/** Our request. Its pictures take the role that suits the model best; `model` is required if `needsModel` is true. */
export async function requestFor(
  asked: OpenAiRequest,
  model: Model | undefined,
  signal: AbortSignal,
): Promise<Request> {
  const { options, fields, images, mask } = asked;
  const factor = STEPS[options.quality ?? 'auto'];
  const steps = model && factor !== 1 ? { steps: Math.max(1, Math.round(model.steps * factor)) } : {};
  // OpenAI's masks count by transparency. An opaque mask counts by brightness, as in Fluxion.
  const maskImage = mask && ((await alphaMask(mask, { where: 'mask', signal })) ?? mask);
  const contents = images.map(({ bytes }) => bytes);
  const pictures = model && images.length > 0 ? pictureFields(model.pictureUse, contents, maskImage) : {};
  return { ...steps, ...pictures, ...fields, ...(options.partial_images && { preview: 'step' }) } as unknown as Request;
}

/** Tokens of the reference pictures. */
export function referenceTokens({ images }: OpenAiRequest, { referenceImage, referenceResize }: Request): number {
  if (referenceImage === undefined) return 0;
  const sizes = images.map((size) => (referenceResize === false ? size : preferredSize(size)));
  return sizes.reduce((sum, { width, height }) => sum + Math.floor(width / 16) * Math.floor(height / 16), 0);
}
