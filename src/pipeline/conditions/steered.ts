/** A request with its pictures read, its size taken from them, and its conditions. */

import type { LoraReport } from '../../api/events.ts';
import { SIDE_LIMIT } from '../../api/kinds.ts';
import type { CheckedRequest } from '../../api/request.ts';
import type { ModelSizes } from '../../families/flux1/flux1.ts';
import { pixelsPerLatent } from '../../models/vae.ts';
import { canny } from '../../picture/canny.ts';
import { inColours } from '../../picture/mask.ts';
import { outpaint } from '../../picture/outpaint.ts';
import type { InputPicture } from '../../picture/read-picture.ts';
import { evaluationsOf } from '../../sampling/samplers/by-name.ts';
import type { Extras } from '../extras.ts';
import { type Inputs, readInputs, recipeInputs } from '../inputs.ts';
import { type DecidedRequest, decide, type RequestDefaults } from '../request.ts';
import { checkConditions, conditionsOf } from './conditions.ts';
import { cropOf } from './sized.ts';

/** The parts of a model that deciding a request needs. */
export interface DecidingModel extends Pick<ModelSizes, 'transformer' | 'vae' | 'scheduler'> {
  readonly defaults: RequestDefaults;
  readonly extras: Extras;
}

/** Decides what it can about a request without a device and without reading its pictures or LoRAs. Throws `bad_request`. */
export function decideUnread(request: CheckedRequest, model: DecidingModel): DecidedRequest {
  checkConditions(request, model);
  return decide(request, model.defaults, model.scheduler, pixelsPerLatent(model.vae));
}

/**
 * Decides everything about a request that needs no device; `loras` has a list for each prompt and seed. Throws `bad_request`, and what
 * reading a picture throws.
 */
export async function decideWhole(
  request: CheckedRequest,
  model: DecidingModel,
  loras: readonly (readonly LoraReport[])[],
): Promise<DecidedRequest> {
  const tool = checkConditions(request, model, loras);
  const { transformer, vae, extras } = model;
  const scale = pixelsPerLatent(vae);
  const given = await readInputs(request);
  const inputs = prepare(given, request, 2 * scale);
  const natural = naturalSize(inputs, request, model.defaults, 2 * scale);
  const decided = decide(request, model.defaults, model.scheduler, scale, natural);
  const { width, height, size } = decided;
  const evaluations = evaluationsOf(decided).length;
  const asked = { request, inputs, width, height, size, evaluations, transformer, vae, tool, extras };
  const conditions = conditionsOf({ ...asked, crop: cropOf(asked) });
  return { ...decided, inputs: recipeInputs(given, request.embedInputs ?? false), conditions };
}

/** The pictures as conditions take them: with margins to fill, or as edges. */
function prepare(
  inputs: Inputs,
  { outpaint: margins, control, cannyLow, cannyHigh }: CheckedRequest,
  step: number,
): Inputs {
  const { image, controlImage } = inputs;
  const grown = margins && image && grow(image[0]!, margins, step);
  const edges =
    control === 'canny' &&
    controlImage?.map(({ pixels, ...picture }) => ({
      ...picture,
      pixels: canny(pixels, { low: cannyLow ?? 100, high: cannyHigh ?? 200 }),
    }));
  return { ...inputs, ...grown, ...(edges && { controlImage: edges }) };
}

/** A picture with margins around it, and the mask of the margins. */
function grow(picture: InputPicture, margins: NonNullable<CheckedRequest['outpaint']>, step: number): Inputs {
  const [left, right, top, bottom] = margins;
  const { pixels, mask } = outpaint(picture.pixels, { left, right, top, bottom }, step);
  return { image: [{ ...picture, pixels }], maskImage: [{ ...picture, pixels: inColours(mask) }] };
}

/** The size of the picture that steers most, with at most the pixels that the model makes by default; sides are multiples of `step`. */
function naturalSize(inputs: Inputs, request: CheckedRequest, defaults: RequestDefaults, step: number) {
  const [picture] = inputs.image ?? inputs.controlImage ?? inputs.referenceImage ?? [];
  // A cropped part does not decide the size of the result.
  if (!picture || request.paddingMaskCrop !== undefined) return defaults;
  const { width, height } = picture.pixels;
  const shrink =
    request.width !== undefined
      ? request.width / width
      : request.height !== undefined
        ? request.height / height
        : request.outpaint !== undefined
          ? 1
          : Math.min(1, Math.sqrt((defaults.width * defaults.height) / (width * height)));
  const sideOf = (side: number): number =>
    Math.min(SIDE_LIMIT, Math.max(step, Math.round((side * shrink) / step) * step));
  return { width: sideOf(width), height: sideOf(height) };
}
