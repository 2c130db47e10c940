/** What the next picture is to be: one signal for each thing that can be set. What is undefined is left to the model. */

import { batch, computed, effect, signal } from '@preact/signals';
import { type PictureIn, release } from '../files/picture-in.ts';
import type { Mark } from './mask.ts';
import { controlnets, loraList, pictureUse } from './model.ts';
import { saved } from './saved.ts';

export interface LoraSetting {
  readonly name: string;
  readonly scale: number;
}

/** A picture with how strongly it counts and, for a ControlNet of several kinds of control, which kind it is. */
export interface Weighted {
  readonly picture: PictureIn;
  readonly scale: number;
  readonly mode: number;
}

/** Pixels that a picture grows by on its left, right, top and bottom. */
export type Margins = readonly [left: number, right: number, top: number, bottom: number];
const NO_MARGINS: Margins = [0, 0, 0, 0];

export const prompt = saved('prompt', '');
export const negativePrompt = saved('negativePrompt', '');
/** How strongly a negative prompt keeps things out, unless that is set. */
export const TRUE_CFG_SCALE = 4;
export const trueCfgScale = saved<number | undefined>('trueCfgScale', undefined);
export const width = saved<number | undefined>('width', undefined);
export const height = saved<number | undefined>('height', undefined);
export const steps = saved<number | undefined>('steps', undefined);
export const guidance = saved<number | undefined>('guidance', undefined);
export const sampler = saved<string | undefined>('sampler', undefined);
export const schedule = saved<string | undefined>('schedule', undefined);
/** Decimal digits: seeds may be larger than numbers are exact. */
export const seed = saved('seed', '0');
/** Whether every picture has this seed, or each draws a new one. */
export const seedLocked = saved('seedLocked', false);
export const count = saved<number | undefined>('count', 1);
export const loras = saved<readonly LoraSetting[]>('loras', []);

export const startPicture = signal<PictureIn | undefined>(undefined);
export const strength = signal<number | undefined>(undefined);
export const resize = signal<'stretch' | 'cover' | 'contain'>('stretch');
/** A mask that was given as a picture; marks are made over it. */
export const maskPicture = signal<PictureIn | undefined>(undefined);
export const marks = signal<readonly Mark[]>([]);
export const margins = signal<Margins>(NO_MARGINS);
/** Pixels over which what is repainted goes over into the rest. */
export const maskBlur = signal(0);
/** Pixels around the mask that are worked on at full size; undefined for the whole picture. */
export const maskCrop = signal<number | undefined>(undefined);

export const references = signal<readonly PictureIn[]>([]);
export const controlPictures = signal<readonly Weighted[]>([]);
/** Whether the edges of control pictures are drawn by the server. */
export const drawsEdges = signal(false);
export const cannyLow = signal<number | undefined>(undefined);
export const cannyHigh = signal<number | undefined>(undefined);
/** Parts of the steps between which ControlNets steer. */
export const controlStart = signal(0);
export const controlEnd = signal(1);
export const promptPictures = signal<readonly Weighted[]>([]);

/** Whether a control picture has a use: a Control model or LoRA, or ControlNets. */
export const takesControl = computed(
  () =>
    pictureUse.value === 'control' ||
    controlnets.value.length > 0 ||
    loras.value.some(({ name }) => loraList.value.some((lora) => lora.name === name && lora.control)),
);
export const grows = computed(() => margins.value.some((margin) => margin > 0));
/** Whether only a part of the start picture is repainted. New edges have a mask of their own. */
export const hasMask = computed(
  () => !grows.value && (maskPicture.value !== undefined || marks.value.some(({ erases }) => !erases)),
);

/** Pictures whose addresses hold them in memory; those that no setting has any more are released. */
let held: readonly PictureIn[] = [];
effect(() => {
  const weighted = [...controlPictures.value, ...promptPictures.value].map(({ picture }) => picture);
  const single = [startPicture.value, maskPicture.value].filter((picture) => picture !== undefined);
  const now = [...single, ...references.value, ...weighted];
  for (const picture of held) if (!now.includes(picture)) release(picture);
  held = now;
});

/** Puts a picture in the place of the start picture, with no mask; undefined takes it away. */
export function setStart(picture: PictureIn | undefined): void {
  batch(() => {
    startPicture.value = picture;
    setMaskPicture(undefined);
  });
}

/** Begins the mask anew, on a picture of one or on none. */
export function setMaskPicture(picture: PictureIn | undefined): void {
  batch(() => {
    maskPicture.value = picture;
    marks.value = [];
    margins.value = NO_MARGINS;
  });
}

/** Sets both sides; what is undefined is left to the model. */
export function setSize(size: { readonly width?: number; readonly height?: number }): void {
  batch(() => {
    width.value = size.width;
    height.value = size.height;
  });
}

/** A seed as tools draw them: 32 bits. */
export function drawSeed(): string {
  return String(crypto.getRandomValues(new Uint32Array(1))[0]);
}
