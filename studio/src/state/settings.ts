/** What the next picture is to be: one signal for each thing that can be set. What is undefined is left to the model. */

import { batch, computed, effect, signal } from '@preact/signals';
import { type PictureIn, release } from '../files/picture-in.ts';
import type { Request } from '../server.ts';
import { type Mark, paintedMask } from './mask.ts';
import { controlnets, hasGuidance, hasRedux, loraList, model, pictureUse, takesReferences } from './model.ts';
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

/** The request that these settings ask for. A seed that is not locked is drawn, and shown. */
export async function requested(): Promise<Request> {
  if (!seedLocked.value) seed.value = drawSeed();
  const negative = negativePrompt.value.trim();
  return {
    prompt: prompt.value,
    ...defined({
      negativePrompt: negative || undefined,
      trueCfgScale: negative ? (trueCfgScale.value ?? 4) : undefined,
      width: width.value,
      height: height.value,
      steps: steps.value,
      guidance: hasGuidance.value ? guidance.value : undefined,
      sampler: offered(sampler.value, model.value?.samplers),
      schedule: offered(schedule.value, model.value?.schedules),
      loras: some(loras.value.map(({ name, scale }) => ({ path: name, scale }))),
      referenceImage: takesReferences.value ? some(references.value.map(({ file }) => file)) : undefined,
    }),
    ...(await startFields()),
    ...controlFields(),
    ...promptFields(),
    seed: seedsFrom(seed.value, count.value ?? 1),
    preview: 'step',
  } as Request;
}

async function startFields(): Promise<Partial<Request>> {
  const picture = startPicture.value;
  if (!picture) return {};
  const mask = hasMask.value ? await paintedMask(marks.value, picture, maskPicture.value) : undefined;
  const isSized = width.value !== undefined || height.value !== undefined;
  return defined({
    image: picture.file,
    strength: strength.value,
    resize: isSized && resize.value !== 'stretch' ? resize.value : undefined,
    outpaint: grows.value ? ([...margins.value] as [number, number, number, number]) : undefined,
    maskImage: mask,
    ...(mask && {
      maskBlur: maskBlur.value || undefined,
      softMask: maskBlur.value > 0 || undefined,
      paddingMaskCrop: maskCrop.value,
    }),
  }) as Partial<Request>;
}

function controlFields(): Partial<Request> {
  const given = controlPictures.value;
  if (!takesControl.value || given.length === 0) return {};
  const nets = controlnets.value;
  const modes = given.map(({ mode }, i) => (nets[nets.length === 1 ? 0 : i]?.modes === undefined ? null : mode));
  return defined({
    controlImage: given.map(({ picture }) => picture.file),
    ...(drawsEdges.value && { control: 'canny' as const, cannyLow: cannyLow.value, cannyHigh: cannyHigh.value }),
    ...(nets.length > 0 && {
      controlMode: modes.some((mode) => mode !== null) ? modes : undefined,
      controlnetConditioningScale: given.map(({ scale }) => scale),
      controlGuidanceStart: controlStart.value || undefined,
      controlGuidanceEnd: controlEnd.value < 1 ? controlEnd.value : undefined,
    }),
  }) as Partial<Request>;
}

function promptFields(): Partial<Request> {
  const given = promptPictures.value;
  if (!hasRedux.value || given.length === 0) return {};
  return { reduxImage: given.map(({ picture }) => picture.file), promptEmbedsScale: given.map(({ scale }) => scale) };
}

/** What was chosen, unless this server does not have it. */
function offered(chosen: string | undefined, from: readonly string[] | undefined): string | undefined {
  return chosen !== undefined && from?.includes(chosen) === false ? undefined : chosen;
}

function some<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** A seed, or as many as there are pictures, one after the other. */
function seedsFrom(first: string, pictures: number): string | string[] {
  if (pictures === 1) return first;
  return Array.from({ length: pictures }, (_, i) => String(BigInt(first) + BigInt(i)));
}

/** The fields that have a value. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
