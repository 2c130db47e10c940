/** A grid of pictures over two keys, such as seeds × guidance: one job for each cell, everything else as the settings say. */

import { computed, signal } from '@preact/signals';
import { type JobPicture, type Request, server } from '../server.ts';
import { pictures } from './gallery.ts';
import { liveJobs, submit } from './jobs.ts';
import { hasGuidance } from './model.ts';
import { saved } from './saved.ts';
import * as settings from './settings.ts';

/** Keys that a grid can go over, by the fields of requests. */
export const GRID_KEYS = {
  seed: 'Seed',
  guidance: 'Guidance',
  steps: 'Steps',
  strength: 'Strength',
  trueCfgScale: 'True CFG',
} as const;
export type GridKey = keyof typeof GRID_KEYS;

/** Those that have an effect on the next picture. */
export const gridKeys = computed(() =>
  Object.entries(GRID_KEYS).filter(
    ([key]) =>
      (key !== 'guidance' || hasGuidance.value) &&
      (key !== 'strength' || settings.startPicture.value) &&
      (key !== 'trueCfgScale' || settings.negativePrompt.value.trim() !== ''),
  ),
);

export interface GridAxis {
  readonly key: GridKey;
  /** Decimal digits, since seeds may be larger than numbers are exact. */
  readonly values: readonly string[];
}

export interface Grid {
  readonly across: GridAxis;
  readonly down: GridAxis;
  /** The jobs of the cells, row by row. */
  readonly jobs: readonly (readonly string[])[];
}

/** Most cells: what a server takes of one caller at once. */
export const MOST_CELLS = 64;

/** The latest grid, kept from visit to visit. */
export const grid = saved<Grid | undefined>('grid', undefined);
/** Pictures of cells that the gallery has not loaded; undefined where there is none. */
const asked = signal<ReadonlyMap<string, JobPicture | undefined>>(new Map());

/** The values in a text such as `1, 2, 3`, each once; undefined where one is no number. */
export function gridValues(text: string): readonly string[] | undefined {
  const values = [...new Set(text.split(/[\s,;]+/).filter((part) => part !== ''))];
  return values.length > 0 && values.every((value) => Number.isFinite(Number(value))) ? values : undefined;
}

/** Asks for all cells. Rejects at the first that is refused; those before it are made. */
export async function makeGrid(across: GridAxis, down: GridAxis): Promise<void> {
  const shared = { ...(await settings.requested()), seed: settings.seed.value };
  const jobs: string[][] = [];
  for (const y of down.values) {
    const row: string[] = [];
    jobs.push(row);
    for (const x of across.values) {
      const cell = { ...shared, [down.key]: cellValue(down.key, y), [across.key]: cellValue(across.key, x) } as Request;
      row.push((await submit(cell)).id);
      grid.value = { across, down, jobs: jobs.map((ids) => [...ids]) };
    }
  }
}

function cellValue(key: GridKey, text: string): string | number {
  return key === 'seed' ? text : Number(text);
}

/** The finished picture of a cell; asks for one that is not known. */
export function pictureOf(job: string): JobPicture | undefined {
  const known = pictures.value.find((picture) => picture.job === job) ?? asked.value.get(job);
  if (!known && !asked.value.has(job) && !liveJobs.value.some(({ id }) => id === job)) void askFor(job);
  return known;
}

async function askFor(job: string): Promise<void> {
  asked.value = new Map(asked.value).set(job, undefined);
  const found = await server()
    .job(job)
    .catch(() => undefined);
  if (found?.pictures[0]) asked.value = new Map(asked.value).set(job, found.pictures[0]);
}
