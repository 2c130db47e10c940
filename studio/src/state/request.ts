/** Makes the request from the settings. Undefined fields are not sent. */

import type { Request } from '../server.ts';
import { paintedMask } from './mask.ts';
import { controlnets, hasGuidance, hasRedux, model, takesReferences } from './model.ts';
import * as settings from './settings.ts';

/** The request of the settings at the time of the call, even if drawing its mask takes long. Draws and shows a seed that is not locked. */
export async function requested(): Promise<Request> {
  const { seed, seedLocked, count, startPicture, marks, maskPicture, loras, references } = settings;
  if (!seedLocked.value) seed.value = settings.drawSeed();
  const picture = startPicture.value;
  const mask = picture && settings.hasMask.value ? paintedMask(marks.value, picture, maskPicture.value) : undefined;
  const negative = settings.negativePrompt.value.trim();
  const request = {
    prompt: settings.prompt.value,
    negativePrompt: negative || undefined,
    trueCfgScale: negative ? (settings.trueCfgScale.value ?? settings.TRUE_CFG_SCALE) : undefined,
    width: settings.width.value,
    height: settings.height.value,
    steps: settings.steps.value,
    guidance: hasGuidance.value ? settings.guidance.value : undefined,
    sampler: offered(settings.sampler.value, model.value?.samplers),
    schedule: offered(settings.schedule.value, model.value?.schedules),
    loras: some(loras.value.map(({ name, scale }) => ({ path: name, scale }))),
    referenceImage: takesReferences.value ? some(references.value.map(({ file }) => file)) : undefined,
    ...startFields(),
    ...controlFields(),
    ...promptFields(),
    seed: seedsFrom(seed.value, count.value ?? 1),
    preview: 'step',
  };
  return { ...request, maskImage: await mask } as Request;
}

function startFields() {
  const { startPicture, width, height, resize, margins, maskBlur } = settings;
  if (!startPicture.value) return {};
  const isSized = width.value !== undefined || height.value !== undefined;
  return {
    image: startPicture.value.file,
    strength: settings.strength.value,
    resize: isSized && resize.value !== 'stretch' ? resize.value : undefined,
    outpaint: settings.grows.value ? margins.value : undefined,
    ...(settings.hasMask.value && {
      maskBlur: maskBlur.value || undefined,
      softMask: maskBlur.value > 0 || undefined,
      paddingMaskCrop: settings.maskCrop.value,
    }),
  };
}

function controlFields() {
  const { controlStart, controlEnd, cannyLow, cannyHigh } = settings;
  const given = settings.controlPictures.value;
  if (!settings.takesControl.value || given.length === 0) return {};
  const nets = controlnets.value;
  const modes = given.map(({ mode }, i) => (nets[nets.length === 1 ? 0 : i]?.modes === undefined ? null : mode));
  return {
    controlImage: given.map(({ picture }) => picture.file),
    ...(settings.drawsEdges.value && { control: 'canny', cannyLow: cannyLow.value, cannyHigh: cannyHigh.value }),
    ...(nets.length > 0 && {
      controlMode: modes.some((mode) => mode !== null) ? modes : undefined,
      controlnetConditioningScale: given.map(({ scale }) => scale),
      controlGuidanceStart: controlStart.value || undefined,
      controlGuidanceEnd: controlEnd.value < 1 ? controlEnd.value : undefined,
    }),
  };
}

function promptFields() {
  const given = settings.promptPictures.value;
  if (!hasRedux.value || given.length === 0) return {};
  return { reduxImage: given.map(({ picture }) => picture.file), promptEmbedsScale: given.map(({ scale }) => scale) };
}

/** The choice, unless this server does not offer it. */
function offered(chosen: string | undefined, from: readonly string[] | undefined): string | undefined {
  return chosen !== undefined && from?.includes(chosen) === false ? undefined : chosen;
}

function some<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** The seed of one picture, or consecutive seeds of several. */
function seedsFrom(first: string, pictures: number): string | string[] {
  if (pictures === 1) return first;
  return Array.from({ length: pictures }, (_, i) => String(BigInt(first) + BigInt(i)));
}
