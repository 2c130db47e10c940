/**
 * Input pictures, kept by the browser under the hashes that recipes contain: a server forgets them when their job ends.
 * The least recently used make room for others.
 */

import { pictureHash } from './picture-in.ts';

/** Most bytes that are kept. */
const MOST_BYTES = 256e6;
const STORE = 'inputs';

interface Kept {
  readonly hash: string;
  readonly file: File;
  /** The time of the last use, in milliseconds since 1970. */
  readonly used: number;
}

/** Keeps as many of the pictures as fit. Does nothing if the browser stores nothing, such as in a private window. */
export async function keepInputs(files: readonly File[]): Promise<void> {
  if (files.length === 0) return;
  const kept = await Promise.all(
    files.map(async (file): Promise<Kept> => ({ hash: await pictureHash(file), file, used: Date.now() })),
  );
  try {
    using database = await open();
    const store = database.store('readwrite');
    for (const one of kept) store.put(one);
    await makeRoom(store);
    await written(store.transaction);
  } catch {
    // When a recipe is reused, the page says which picture is missing.
  }
}

/** The picture with this hash; undefined if it was never kept, or was removed. */
export async function keptInput(hash: string): Promise<File | undefined> {
  try {
    using database = await open();
    const store = database.store('readwrite');
    const found = (await answered(store.get(hash))) as Kept | undefined;
    if (found) store.put({ ...found, used: Date.now() });
    return found?.file;
  } catch {
    return undefined;
  }
}

/** Removes the least recently used pictures. */
async function makeRoom(store: IDBObjectStore): Promise<void> {
  const newest = ((await answered(store.getAll())) as Kept[]).toSorted((a, b) => b.used - a.used);
  let bytes = 0;
  for (const { hash, file } of newest) {
    bytes += file.size;
    if (bytes > MOST_BYTES) store.delete(hash);
  }
}

async function open(): Promise<Disposable & { store(mode: IDBTransactionMode): IDBObjectStore }> {
  const opening = indexedDB.open('fluxion', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: 'hash' });
  const database = await answered(opening);
  return {
    store: (mode) => database.transaction(STORE, mode).objectStore(STORE),
    [Symbol.dispose]: () => database.close(),
  };
}

function written(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
