/** From a recipe back to settings: the recipe of a picture in the gallery, or of any file. */

import { batch } from '@preact/signals';
import { keptInput } from '../files/kept-inputs.ts';
import { type PictureIn, pictureIn, release } from '../files/picture-in.ts';
import { type Recipe, type ServerError, server } from '../server.ts';
import { bytesOf, plainText } from '../text.ts';
import { clearFieldError } from './field-errors.ts';
import { limits, loraNames } from './model.ts';
import { notify } from './notices.ts';
import * as settings from './settings.ts';

type Inputs = NonNullable<Recipe['inputs']>;
type Input = NonNullable<Inputs[keyof Inputs]>[number];

/** The recipe inside a file, read and checked by the server; undefined if there is none. */
export async function recipeOf(file: Blob): Promise<Recipe | undefined> {
  try {
    return await server().recipe(file);
  } catch (error) {
    if ((error as ServerError).status === 404) return undefined;
    throw error;
  }
}

let latest: Recipe | undefined;

/** Sets everything as it was for this picture, including the input pictures that are available, and locks its seed. */
export async function reuse(recipe: Recipe): Promise<void> {
  latest = recipe;
  const names = loraNames.value;
  const loras = (recipe.loras ?? []).map(({ name, file, scale }) => ({
    name: [name, file ?? name].find((n) => names.includes(n)) ?? name,
    scale,
  }));
  const found = await inputsOf(recipe.inputs ?? {});
  // Another recipe was chosen meanwhile.
  if (latest !== recipe) return found.pictures.forEach(release);
  batch(() => {
    clearFieldError();
    settings.prompt.value = recipe.prompt;
    settings.negativePrompt.value = recipe.negativePrompt ?? '';
    settings.trueCfgScale.value = recipe.trueCfgScale;
    settings.setSize(recipe);
    settings.steps.value = recipe.steps;
    settings.guidance.value = recipe.guidance;
    settings.sampler.value = recipe.sampler;
    settings.schedule.value = recipe.schedule;
    settings.seed.value = String(recipe.seed);
    settings.seedLocked.value = true;
    settings.count.value = 1;
    settings.loras.value = loras;
    setPictures(recipe, found.pictures);
  });
  const missing = loras.filter(({ name }) => !names.includes(name)).map(({ name }) => name);
  const lacks = [
    ...(missing.length > 0 ? [`the LoRA ${missing.join(', ')} is not on this server`] : []),
    ...(recipe.prompt2 !== undefined || recipe.sigmas ? ['only fluxion redo can make it exactly'] : []),
    ...(found.missing.length > 0
      ? [`this browser no longer has ${found.missing.join(', ')}: add the picture again`]
      : []),
  ];
  notify(lacks.length > 0 ? `Recipe restored, but ${lacks.join('; ')}` : 'Recipe restored');
}

/** Restores the input pictures, and the settings of their use. */
function setPictures(recipe: Recipe, found: ReadonlyMap<Input, PictureIn>): void {
  const { inputs = {}, outpaint } = recipe;
  const all = (field: keyof Inputs) =>
    (inputs[field] ?? []).flatMap((input, i) => {
      const picture = found.get(input);
      return picture ? [{ picture, i }] : [];
    });
  const one = (values: number | readonly (number | null)[] | undefined, i: number) =>
    typeof values === 'number' ? values : values?.[i];
  settings.setStart(all('image')[0]?.picture);
  settings.setMaskPicture(all('maskImage')[0]?.picture);
  if (outpaint && settings.startPicture.value) settings.margins.value = outpaint;
  settings.strength.value = recipe.strength;
  settings.resize.value = recipe.resize ?? 'stretch';
  settings.maskBlur.value = recipe.maskBlur ?? 0;
  settings.maskCrop.value = recipe.paddingMaskCrop;
  settings.references.value = all('referenceImage').map(({ picture }) => picture);
  settings.controlPictures.value = all('controlImage').map(({ picture, i }) => ({
    picture,
    scale: one(recipe.controlnetConditioningScale, i) ?? 1,
    mode: one(recipe.controlMode, i) ?? 0,
  }));
  settings.drawsEdges.value = recipe.control === 'canny';
  settings.cannyLow.value = recipe.cannyLow;
  settings.cannyHigh.value = recipe.cannyHigh;
  settings.controlStart.value = one(recipe.controlGuidanceStart, 0) ?? 0;
  settings.controlEnd.value = one(recipe.controlGuidanceEnd, 0) ?? 1;
  settings.promptPictures.value = all('reduxImage').map(({ picture, i }) => ({
    picture,
    scale: one(recipe.promptEmbedsScale, i) ?? 1,
    mode: 0,
  }));
}

/** The input pictures of a recipe that the browser kept or the recipe contains, and the names of the missing ones. */
async function inputsOf(inputs: Inputs) {
  const pictures = new Map<Input, PictureIn>();
  const missing: string[] = [];
  for (const input of Object.values(inputs).flat()) {
    const blob = (await keptInput(input.hash)) ?? carried(input);
    const picture = blob && (await pictureIn(blob, input.name, limits.value?.inputPixels).catch(() => undefined));
    if (picture) pictures.set(input, picture);
    else missing.push(plainText(input.name, 60));
  }
  return { pictures, missing };
}

/** The content of a picture that the recipe contains. */
function carried({ name, data }: Input): Blob | undefined {
  if (data === undefined) return undefined;
  const bytes = bytesOf(data);
  return new File([bytes], name, { type: formatOf(bytes) });
}

/** The format of a picture file, by its first bytes. */
function formatOf(bytes: Uint8Array): string {
  const head = String.fromCharCode(...bytes.subarray(0, 16));
  if (head.startsWith('\x89PNG')) return 'image/png';
  if (head.startsWith('GIF8')) return 'image/gif';
  if (head.slice(8, 12) === 'WEBP') return 'image/webp';
  return head.slice(4, 8) === 'ftyp' ? 'image/avif' : 'image/jpeg';
}
