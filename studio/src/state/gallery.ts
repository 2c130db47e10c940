/** Pictures that were made, newest first, as far as they were asked for. */

import { computed, effect, signal } from '@preact/signals';
import { type JobPicture, server } from '../server.ts';
import { announce, notify, tellError } from './notices.ts';
import { selection } from './selection.ts';

const PAGE = 60;

export const pictures = signal<readonly JobPicture[]>([]);
/** Whether there may be older ones. */
export const hasMore = signal(false);
export const search = signal('');
export const favouritesOnly = signal(false);
/** Whether an answer is awaited. */
export const isLoading = signal(false);
/** Whether the first answer is there. */
export const loaded = signal(false);

/** The picture on the stage, where it is finished. */
export const selected = computed(() => {
  const shown = selection.value;
  return pictures.value.find(({ job, index }) => job === shown?.job && index === shown.index);
});

let asked = 0;

/** Asks for the pictures anew, as search and favourites say. */
export async function reload(): Promise<void> {
  await load(undefined);
}

export async function loadMore(): Promise<void> {
  if (!isLoading.value) await load(pictures.value.at(-1)?.name);
}

async function load(before: string | undefined): Promise<void> {
  const mine = ++asked;
  isLoading.value = true;
  try {
    const { pictures: found, next } = await server().pictures({
      limit: PAGE,
      ...(before !== undefined && { before }),
      ...(search.value.trim() && { search: search.value.trim() }),
      ...(favouritesOnly.value && { favourite: true }),
    });
    // A later question has been asked meanwhile.
    if (mine !== asked) return;
    pictures.value = before === undefined ? found : [...pictures.value, ...found];
    hasMore.value = next !== undefined;
    loaded.value = true;
  } catch (error) {
    tellError(error);
  } finally {
    if (mine === asked) isLoading.value = false;
  }
}

/** Asks again shortly after what is searched for has changed. */
export function followSearch(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    search.value;
    favouritesOnly.value;
    clearTimeout(timer);
    if (loaded.peek()) timer = setTimeout(() => void reload(), 200);
  });
}

/** Puts a picture that was just finished before the others. */
export function addPicture(picture: JobPicture): void {
  pictures.value = [picture, ...pictures.value.filter(({ name }) => name !== picture.name)];
}

export async function setFavourite(picture: JobPicture, favourite: boolean): Promise<void> {
  const set = (value: boolean): void => {
    pictures.value = pictures.value.map((other) =>
      other.name === picture.name ? { ...other, favourite: value } : other,
    );
  };
  set(favourite);
  try {
    await server().changePicture(picture.name, { favourite });
    announce(favourite ? 'Marked as a favourite' : 'No longer a favourite');
  } catch (error) {
    set(!favourite);
    tellError(error);
  }
}

/** Deletes a picture, which can be taken back for a while; the stage goes on to its neighbour. */
export async function remove(picture: JobPicture): Promise<void> {
  const before = pictures.value;
  const at = before.findIndex(({ name }) => name === picture.name);
  pictures.value = before.filter(({ name }) => name !== picture.name);
  const next = pictures.value[at] ?? pictures.value.at(-1);
  if (selection.value?.job === picture.job && selection.value.index === picture.index) {
    selection.value = next && { job: next.job, index: next.index };
  }
  try {
    await server().changePicture(picture.name, { deleted: true });
    notify('Picture deleted', { action: { label: 'Undo', undoes: true, run: () => restore(picture, at) } });
  } catch (error) {
    pictures.value = before;
    tellError(error);
  }
}

async function restore(picture: JobPicture, at: number): Promise<void> {
  try {
    await server().changePicture(picture.name, { deleted: false });
    pictures.value = pictures.value.toSpliced(at, 0, picture);
    selection.value = { job: picture.job, index: picture.index };
    announce('The picture is back');
  } catch (error) {
    tellError(error);
  }
}
