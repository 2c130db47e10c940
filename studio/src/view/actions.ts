/** Actions on whole pictures: start from one, reuse its recipe, save it, and take in dropped files. */

import { type PictureIn, pictureIn, release } from '../files/picture-in.ts';
import { type JobPicture, type Recipe, server } from '../server.ts';
import { limits } from '../state/model.ts';
import { announce, notify, tellError } from '../state/notices.ts';
import { recipeOf, reuse } from '../state/recipe.ts';
import { setStart } from '../state/settings.ts';
import { plainText } from '../text.ts';
import { openSection } from './section.tsx';
import { START } from './start-fields.tsx';

/** Formats of files that can carry a recipe. */
const CARRIERS: readonly string[] = ['image/png', 'image/jpeg', 'image/webp'];

/** Reuses a recipe and moves the focus to the button that generates it. */
export async function useRecipe(recipe: Recipe): Promise<void> {
  try {
    await reuse(recipe);
    document.querySelector<HTMLElement>('.composer .primary')?.focus();
  } catch (error) {
    tellError(error);
  }
}

/** The start picture that was chosen last, while it is loading. */
let latest: JobPicture | undefined;

/** Makes a picture of the gallery the start picture. */
export async function useAsStart(picture: JobPicture): Promise<void> {
  const { name } = picture;
  latest = picture;
  try {
    const read = await pictureIn(await server().picture(name), name, limits.value?.inputPixels);
    // Another picture was chosen meanwhile.
    if (latest !== picture) return release(read);
    startFrom(read);
    announce('The next picture starts from this one');
  } catch (error) {
    tellError(error);
  }
}

function startFrom(picture: PictureIn): void {
  latest = undefined;
  setStart(picture);
  openSection(START);
}

/** Restores the recipe of a file; a file without one becomes the start picture. */
export async function takeIn(file: File): Promise<void> {
  let picture: PictureIn | undefined;
  try {
    picture = await pictureIn(file, file.name, limits.value?.inputPixels);
    const recipe = CARRIERS.includes(file.type) ? await recipeOf(file) : undefined;
    if (recipe) return await useRecipe(recipe);
    startFrom(picture);
    notify(`There is no recipe in ${picture.name}: the next picture starts from it`);
    picture = undefined;
  } catch (error) {
    tellError(error);
  } finally {
    if (picture) release(picture);
  }
}

/** Downloads a picture's PNG, which contains its recipe. */
export async function download({ name, recipe }: JobPicture): Promise<void> {
  try {
    const url = URL.createObjectURL(await server().picture(name));
    Object.assign(document.createElement('a'), {
      href: url,
      download: `${fileWords(recipe)}-${recipe.seed}.png`,
    }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    tellError(error);
  }
}

/** The first words of the prompt, as a file name. */
function fileWords({ prompt }: Recipe): string {
  const words =
    plainText(prompt, 200)
      .normalize('NFC')
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  let name = words[0]?.slice(0, 40) ?? 'picture';
  for (const word of words.slice(1)) if (name.length + word.length < 40) name += `-${word}`;
  return name.toLowerCase();
}
