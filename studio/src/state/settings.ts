/** The settings of the next picture, one signal each. Undefined leaves a setting to the model. */

import { batch, computed, effect, signal } from '@preact/signals';
import { type PictureIn, release } from '../files/picture-in.ts';
import type { Mark } from './mask.ts';
import { controlnets, loraList, pictureUse } from './model.ts';
import { saved } from './saved.ts';

export interface LoraSetting {
  readonly name: string;
  readonly scale: number;
}

/** A picture with its strength and, for a ControlNet with several kinds of control, its kind. */
export interface Weighted {
  readonly picture: PictureIn;
  readonly scale: number;
  readonly mode: number;
}

/** Pixels to add on the left, right, top and bottom of a picture. */
export type Margins = readonly [left: number, right: number, top: number, bottom: number];
const NO_MARGINS: Margins = [0, 0, 0, 0];

export const prompt = saved('prompt', '');
export const negativePrompt = saved('negativePrompt', '');
/** The default strength of a negative prompt. */
export const TRUE_CFG_SCALE = 4;
export const trueCfgScale = saved<number | undefined>('trueCfgScale', undefined);
export const width = saved<number | undefined>('width', undefined);
export const height = saved<number | undefined>('height', undefined);
export const steps = saved<number | undefined>('steps', undefined);
export const guidance = saved<number | undefined>('guidance', undefined);
export const sampler = saved<string | undefined>('sampler', undefined);
export const schedule = saved<string | undefined>('schedule', undefined);
/** Decimal digits: a seed may be too large for an exact number. */
export const seed = saved('seed', '0');
/** Whether every request uses this seed, instead of drawing a new one. */
export const seedLocked = saved('seedLocked', false);
export const count = saved<number | undefined>('count', 1);
export const loras = saved<readonly LoraSetting[]>('loras', []);

export const startPicture = signal<PictureIn | undefined>(undefined);
export const strength = signal<number | undefined>(undefined);
export const resize = signal<'stretch' | 'cover' | 'contain'>('stretch');
/** A mask given as a picture; marks are drawn over it. */
export const maskPicture = signal<PictureIn | undefined>(undefined);
export const marks = signal<readonly Mark[]>([]);
export const margins = signal<Margins>(NO_MARGINS);
/** Width in pixels of the soft edge between repainted and kept parts. */
export const maskBlur = signal(0);
/** Margin in pixels around the mask, if only that area is repainted, at full size; undefined for the whole picture. */
export const maskCrop = signal<number | undefined>(undefined);

export const references = signal<readonly PictureIn[]>([]);
export const controlPictures = signal<readonly Weighted[]>([]);
/** Whether the server draws the edges of control pictures. */
export const drawsEdges = signal(false);
export const cannyLow = signal<number | undefined>(undefined);
export const cannyHigh = signal<number | undefined>(undefined);
/** The part of the steps in which ControlNets steer, from 0 to 1. */
export const controlStart = signal(0);
export const controlEnd = signal(1);
export const promptPictures = signal<readonly Weighted[]>([]);

/** Whether control pictures have an effect: there is a Control model or LoRA, or a ControlNet. */
export const takesControl = computed(
  () =>
    pictureUse.value === 'control' ||
    controlnets.value.length > 0 ||
    loras.value.some(({ name }) => loraList.value.some((lora) => lora.name === name && lora.control)),
);
export const grows = computed(() => margins.value.some((margin) => margin > 0));
/** Whether a mask limits what is repainted. New edges have a mask of their own. */
export const hasMask = computed(
  () => !grows.value && (maskPicture.value !== undefined || marks.value.some(({ erases }) => !erases)),
);

/** Pictures kept in memory by their addresses; released once no setting uses them. */
let held: readonly PictureIn[] = [];
effect(() => {
  const weighted = [...controlPictures.value, ...promptPictures.value].map(({ picture }) => picture);
  const single = [startPicture.value, maskPicture.value].filter((picture) => picture !== undefined);
  const now = [...single, ...references.value, ...weighted];
  for (const picture of held) if (!now.includes(picture)) release(picture);
  held = now;
});

/** Sets the start picture, without a mask; undefined removes it. */
export function setStart(picture: PictureIn | undefined): void {
  batch(() => {
    startPicture.value = picture;
    setMaskPicture(undefined);
  });
}

/** Starts a new mask, on the given picture or empty. */
export function setMaskPicture(picture: PictureIn | undefined): void {
  batch(() => {
    maskPicture.value = picture;
    marks.value = [];
    margins.value = NO_MARGINS;
  });
}

/** Sets both sides; an undefined side is left to the model. */
export function setSize(size: { readonly width?: number; readonly height?: number }): void {
  batch(() => {
    width.value = size.width;
    height.value = size.height;
  });
}

/** Draws a seed of 32 bits, as other tools do. */
export function drawSeed(): string {
  return String(crypto.getRandomValues(new Uint32Array(1))[0]);
}
