/** Pictures and masks as the model takes them: as numbers, at the size of the result. */

import { createHash } from 'node:crypto';
import { pixelsPerLatent } from '../../models/vae.ts';
import { gaussianBlur } from '../../picture/blur.ts';
import { crop as cut, type Fit, fit, modelSize, preferredSize, toSigned } from '../../picture/fit.ts';
import type { Pixels } from '../../picture/image.ts';
import { cropRegion, type Mask, readMask } from '../../picture/mask.ts';
import type { InputPicture } from '../../picture/read-picture.ts';
import { resample } from '../../picture/resample.ts';
import { type LatentSize, latentSize } from '../../sampling/latents.ts';
import type { ConditionRequest, SignedPicture, SizedPicture } from './condition.ts';

/** An input picture, resized to the size of the result. */
export function sized({ pixels }: InputPicture, asked: ConditionRequest): SizedPicture {
  return fitted(pixels, asked, asked.request.resize);
}

/** The picture to start from, or the part of it that is repainted. */
export function imageOf(asked: ConditionRequest): SizedPicture {
  const [image] = asked.inputs.image!;
  // diffusers never stretches a cropped part.
  return asked.crop ? fitted(cut(image!.pixels, asked.crop.box), asked, 'contain') : sized(image!, asked);
}

function fitted(pixels: Pixels, { width, height, size }: ConditionRequest, how: Fit | undefined): SizedPicture {
  return ofValues(toSigned(fit(pixels, width, height, how)), size);
}

/** The mask for the picture that `imageOf` returns. */
export function maskOf({ width, height, request, inputs, crop }: ConditionRequest): Mask {
  const { maskBlur: blur, softMask: soft, resize } = request;
  return crop
    ? readMask(crop.mask, { width, height, soft, fit: 'contain', box: crop.box })
    : readMask(inputs.maskImage![0]!.pixels, { width, height, blur, soft, fit: resize });
}

/** The part of a picture around its mask, and the mask at the picture's size, if `padding_mask_crop` is set. */
export function cropOf({ request, inputs, width, height }: Omit<ConditionRequest, 'crop'>): ConditionRequest['crop'] {
  const { paddingMaskCrop, maskBlur = 0 } = request;
  if (paddingMaskCrop === undefined) return undefined;
  const { pixels: image } = inputs.image![0]!;
  const { pixels } = inputs.maskImage![0]!;
  const fits = pixels.width === image.width && pixels.height === image.height;
  const mask = gaussianBlur(fits ? pixels : fit(pixels, image.width, image.height), maskBlur);
  return { mask, box: cropRegion(mask, width, height, paddingMaskCrop) };
}

/** A reference picture, at a size that Kontext was trained on, or at its own size as far as latents allow. */
export function referenced({ pixels }: InputPicture, { request, vae }: ConditionRequest): SizedPicture {
  const scale = pixelsPerLatent(vae);
  const { width, height } = request.referenceResize === false ? modelSize(pixels, 2 * scale) : preferredSize(pixels);
  return ofValues(toSigned(resample(pixels, width, height)), latentSize(width, height, scale));
}

/** A picture as an image encoder takes it: stretched to a square (transformers `SiglipImageProcessor`). */
export function squared({ pixels }: InputPicture, side: number): SignedPicture {
  const values = toSigned(resample(pixels, side, side, 'bicubic'));
  return { values, key: `${side} ${createHash('sha256').update(values).digest('hex')}` };
}

/** A picture of these values, [height, width, 3] in -1 to 1. */
export function ofValues(values: Float32Array, size: LatentSize): SizedPicture {
  const key = createHash('sha256').update(values).digest('hex');
  return { values, size, key: `${size.width}x${size.height} ${key}` };
}
