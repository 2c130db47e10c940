/** Translates the bodies of A1111's `txt2img` and `img2img` into requests. */

import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { checked } from '../../api/check.ts';
import type { Request } from '../../api/request.ts';
import type { Pixels } from '../../picture/image.ts';
import { grey, inColours } from '../../picture/mask.ts';
import { readPicture } from '../../picture/read-picture.ts';
import { base64Bytes } from '../base64.ts';
import { pictureSize } from '../picture-head.ts';
import { Refusal } from '../refusal.ts';
import { samplerNamed } from './names.ts';

const text = z.string('text').nullish();
const number = z.number('a number').nullish();
const boolean = z.boolean('true or false').nullish();
const picture = z.string('a picture in base64');

/**
 * The fields that have an effect here. Programs send every field that A1111 has; FLUX.1 has no use for the others, and the answer's `info`
 * lists them.
 */
const BODY = z.looseObject({
  prompt: text,
  negative_prompt: text,
  seed: z.union([z.number('a number'), z.string('a number')], 'a number').nullish(),
  steps: number,
  width: number,
  height: number,
  batch_size: number,
  n_iter: number,
  /** Scale of true guidance, away from the negative prompt. */
  cfg_scale: number,
  /** Forge's name for the distilled guidance. */
  distilled_cfg_scale: number,
  sampler_name: text,
  sampler_index: text,
  scheduler: text,
  init_images: z.array(picture, 'a list of pictures in base64').max(16, 'at most 16 pictures').nullish(),
  mask: picture.nullish(),
  mask_blur: number,
  inpainting_mask_invert: z.union([z.number(), z.boolean()], '0 or 1').nullish(),
  inpaint_full_res: boolean,
  inpaint_full_res_padding: number,
  denoising_strength: number,
  resize_mode: number,
  send_images: boolean,
}, 'an object'); // biome-ignore format: a list
type A1111Body = z.output<typeof BODY>;

/** Fields that programs always send and that do not affect a picture: `info` does not list them. */
const SILENT = [
  'send_images',
  'save_images',
  'do_not_save_samples',
  'do_not_save_grid',
  'override_settings',
  'override_settings_restore_afterwards',
  'alwayson_scripts',
  'script_args',
  'script_name',
  'styles',
  'force_task_id',
];

/** Most rounds of a batch. */
const MOST_ROUNDS = 1000;

/** How input pictures are resized, by A1111's number: just resize, crop and resize, resize and fill. */
const RESIZE = ['stretch', 'cover', 'contain'] as const;

export interface A1111Asked {
  /** One request; or, with several start pictures, one for each, all with the same number of results. */
  readonly requests: readonly Request[];
  /** Given fields that have no effect. */
  readonly ignored: readonly string[];
  readonly sendImages: boolean;
}

/** Parses a body. `img2img` needs a picture; pictures have at most `limit` pixels. Throws `bad_request` naming the field. */
export async function understood(given: unknown, kind: 'txt2img' | 'img2img', limit: number): Promise<A1111Asked> {
  const body = checked(BODY, given, 'the body');
  const isSet = ([name, value]: [string, unknown]): boolean =>
    !Object.hasOwn(BODY.shape, name) &&
    !SILENT.includes(name) &&
    value !== null &&
    value !== false &&
    value !== 0 &&
    value !== '';
  const {
    prompt, negative_prompt: negative, seed, steps, width, height, cfg_scale: cfg, distilled_cfg_scale: guidance,
    sampler_name: sampler, sampler_index: index, scheduler,
  } = body; // biome-ignore format: a list
  const { images, ...steering } = kind === 'img2img' ? await pictures(body, limit) : { images: [] };
  const request = {
    prompt: prompt ?? '',
    // Programs send an empty negative prompt; guidance away from nothing would double the time for no gain.
    ...(negative && { negativePrompt: negative, ...(typeof cfg === 'number' && cfg > 1 && { trueCfgScale: cfg }) }),
    seed: seed === undefined || seed === null || Number(seed) === -1 ? 'random' : seed,
    batch: (body.batch_size ?? 1) * (body.n_iter ?? 1),
    ...(typeof steps === 'number' && { steps }),
    ...(typeof width === 'number' && { width }),
    ...(typeof height === 'number' && { height }),
    ...(typeof guidance === 'number' && { guidance }),
    ...samplerNamed(sampler ?? index ?? undefined, scheduler ?? undefined),
    ...steering,
    preview: 'step',
  } as Request;
  return {
    requests:
      images.length > 1 ? batchOf(request, images, body) : [{ ...request, ...(images[0] && { image: images[0] }) }],
    ignored: Object.entries(body)
      .filter(isSet)
      .map(([name]) => name),
    sendImages: body.send_images ?? true,
  };
}

/** Several start pictures are a batch: each of `n_iter` rounds starts once from each picture; seeds count up across all results. */
function batchOf(
  request: Request,
  images: readonly Uint8Array[],
  { batch_size: size, n_iter: rounds }: A1111Body,
): Request[] {
  if ((size ?? 1) < images.length)
    throw new Refusal(422, `init_images: expected ${size ?? 1} or fewer, as batch_size says, found ${images.length}`);
  if (!Number.isInteger(rounds ?? 1) || (rounds ?? 1) < 1 || (rounds ?? 1) > MOST_ROUNDS)
    throw new Refusal(422, `n_iter: expected a whole number from 1 to ${MOST_ROUNDS}, found ${rounds}`);
  const first = request.seed === 'random' ? randomInt(2 ** 32) : Number(request.seed);
  return images.map((image, i) => {
    const seed = Array.from({ length: rounds ?? 1 }, (_, round) => first + round * images.length + i);
    return { ...request, image, seed, batch: 1 };
  });
}

async function pictures(
  body: A1111Body,
  limit: number,
): Promise<Partial<Request> & { readonly images: readonly Uint8Array[] }> {
  const images = (body.init_images ?? []).map((one, i) => contentOf(one, `init_images[${i}]`));
  if (images.length === 0) throw new Refusal(422, 'init_images: expected a picture, found none');
  const { denoising_strength: strength, resize_mode: mode } = body;
  return {
    images,
    strength: strength ?? 0.75,
    ...(typeof mode === 'number' && { resize: RESIZE[mode] ?? 'stretch' }),
    ...(body.mask && (await maskOf(body, body.mask, limit))),
  };
}

/** The mask of a body, with A1111's defaults: blurred by 4 pixels, on the whole picture. */
async function maskOf(body: A1111Body, mask: string, limit: number): Promise<Partial<Request>> {
  const bytes = contentOf(mask, 'mask');
  return {
    maskImage: body.inpainting_mask_invert ? await inverted(bytes, limit) : bytes,
    maskBlur: body.mask_blur ?? 4,
    softMask: true,
    ...(body.inpaint_full_res && { paddingMaskCrop: body.inpaint_full_res_padding ?? 32 }),
  };
}

async function inverted(bytes: Uint8Array, limit: number): Promise<Pixels> {
  await pictureSize(bytes, 'mask', limit);
  const { pixels } = await readPicture(bytes, { where: 'mask' });
  const shown = grey(pixels);
  return inColours({ ...shown, data: shown.data.map((value) => 255 - value) });
}

/** The bytes of a picture in base64. Throws for anything else, such as an address. */
export function contentOf(given: string, where: string): Uint8Array {
  const bytes = base64Bytes(given);
  if (bytes) return bytes;
  throw new Refusal(422, `${where}: expected a picture in base64`);
}
