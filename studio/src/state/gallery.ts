/** Finished pictures, newest first, as far as they are loaded. */

import { computed, effect, signal } from '@preact/signals';
import { type JobPicture, server } from '../server.ts';
import { announce, notify, tellError } from './notices.ts';
import { isSelected, select, selection } from './selection.ts';

const PAGE = 60;

export const pictures = signal<readonly JobPicture[]>([]);
/** Whether the server may have older pictures. */
export const hasMore = signal(false);
export const search = signal('');
export const favouritesOnly = signal(false);
/** Whether a page of pictures is being loaded. */
export const isLoading = signal(false);
/** Whether the first page has arrived. */
export const loaded = signal(false);

let shown: JobPicture | undefined;
/** The picture on the stage, if it is finished; it stays there even if a search does not find it. */
export const selected = computed(() => {
  shown = [...pictures.value, shown].find((picture) => picture && isSelected(picture));
  return shown;
});

/** The picture that others are compared with. */
export const comparedTo = signal<JobPicture | undefined>(undefined);

/** Starts comparing the picture on the stage with the ones chosen next, or stops it. */
export function toggleComparison(): void {
  comparedTo.value = comparedTo.value ? undefined : selected.value;
}

let asked = 0;
/** Pictures put before the others since the server was last asked, newest first: its answer may be from before them. */
let arrived: readonly JobPicture[] = [];

/** Loads the pictures again, for the current search and filter. */
export async function reload(): Promise<void> {
  await load(undefined);
}

export async function loadMore(): Promise<void> {
  if (!isLoading.value) await load(pictures.value.at(-1)?.name);
}

async function load(before: string | undefined): Promise<void> {
  const mine = ++asked;
  arrived = [];
  isLoading.value = true;
  try {
    const { pictures: found, next } = await server().pictures({
      limit: PAGE,
      ...(before !== undefined && { before }),
      ...(search.value.trim() && { search: search.value.trim() }),
      ...(favouritesOnly.value && { favourite: true }),
    });
    // A newer request is under way.
    if (mine !== asked) return;
    if (before !== undefined) pictures.value = [...pictures.value, ...found];
    else {
      const known = new Set(found.map(({ name }) => name));
      pictures.value = [...arrived.filter(({ name }) => !known.has(name)), ...found];
    }
    hasMore.value = next !== undefined;
    loaded.value = true;
  } catch (error) {
    tellError(error);
  } finally {
    if (mine === asked) isLoading.value = false;
  }
}

/** Loads again shortly after the search text has changed. */
export function followSearch(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    search.value;
    favouritesOnly.value;
    clearTimeout(timer);
    if (loaded.peek()) timer = setTimeout(() => void reload(), 200);
  });
}

/** Adds a picture to the list, at its beginning if the picture was just finished. */
export function addPicture(picture: JobPicture, at = 0): void {
  if (at === 0) arrived = [picture, ...arrived];
  pictures.value = pictures.value.filter(({ name }) => name !== picture.name).toSpliced(at, 0, picture);
}

export async function toggleFavourite(picture: JobPicture): Promise<void> {
  const { name, favourite } = picture;
  const set = (value: boolean): void => {
    const changed = (other: JobPicture) => (other.name === name ? { ...other, favourite: value } : other);
    shown &&= changed(shown);
    pictures.value = pictures.value.map(changed);
  };
  set(!favourite);
  try {
    await server().changePicture(name, { favourite: !favourite });
    announce(favourite ? 'No longer a favourite' : 'Marked as a favourite');
  } catch (error) {
    set(favourite);
    tellError(error);
  }
}

/** Deletes a picture and offers to undo that for a while; the stage moves on to its neighbour. */
export async function remove(picture: JobPicture): Promise<void> {
  const at = Math.max(
    0,
    pictures.value.findIndex(({ name }) => name === picture.name),
  );
  const putBack = (): void => {
    addPicture(picture, at);
    select(picture);
  };
  pictures.value = pictures.value.filter(({ name }) => name !== picture.name);
  if (comparedTo.value?.name === picture.name) comparedTo.value = undefined;
  const next = pictures.value[at] ?? pictures.value.at(-1);
  if (isSelected(picture)) selection.value = next;
  try {
    await server().changePicture(picture.name, { deleted: true });
    const restore = async (): Promise<void> => {
      await server().changePicture(picture.name, { deleted: false });
      putBack();
      announce('The picture is back');
    };
    notify('Picture deleted', { action: { label: 'Undo', undoes: true, run: () => restore().catch(tellError) } });
  } catch (error) {
    putBack();
    tellError(error);
  }
}
