/** A grid of pictures over two keys, such as seeds × guidance: one job for each cell, with all other settings the same. */

import { computed, signal } from '@preact/signals';
import { type JobPicture, type Request, server } from '../server.ts';
import { pictures } from './gallery.ts';
import { submit } from './jobs.ts';
import { hasGuidance } from './model.ts';
import { requested } from './request.ts';
import { saved } from './saved.ts';
import * as settings from './settings.ts';

/** Keys that a grid can vary, by request field. */
export const GRID_KEYS = {
  seed: 'Seed',
  guidance: 'Guidance',
  steps: 'Steps',
  strength: 'Strength',
  trueCfgScale: 'True CFG',
} as const;
export type GridKey = keyof typeof GRID_KEYS;

/** Grid keys that affect the next picture, with their names. */
export const gridKeys = computed(() =>
  (Object.keys(GRID_KEYS) as GridKey[])
    .filter(
      (key) =>
        (key !== 'guidance' || hasGuidance.value) &&
        (key !== 'strength' || settings.startPicture.value) &&
        (key !== 'trueCfgScale' || settings.negativePrompt.value.trim() !== ''),
    )
    .map((key) => [key, GRID_KEYS[key]] as const),
);

export interface GridAxis {
  readonly key: GridKey;
  /** Decimal digits: a seed may be too large for an exact number. */
  readonly values: readonly string[];
}

export interface Grid {
  readonly across: GridAxis;
  readonly down: GridAxis;
  /** The jobs of the cells, row by row. */
  readonly jobs: readonly (readonly string[])[];
}

/** Most cells: as many jobs as a server takes from one caller at once. */
const MOST_CELLS = 64;

/** The latest grid, kept from visit to visit. */
export const grid = saved<Grid | undefined>('grid', undefined);
/** Pictures of cells that the gallery has not loaded, by job. */
const asked = signal<ReadonlyMap<string, JobPicture>>(new Map());

/** The distinct values in a text such as `1, 2, 3`; empty if one of them is not a number. */
export function gridValues(text: string): readonly string[] {
  const values = [...new Set(text.split(/[\s,;]+/).filter((part) => part !== ''))];
  return values.every((value) => Number.isFinite(Number(value))) ? values : [];
}

/** Why the grid cannot be made; undefined if it can. */
export function gridProblem(across: GridAxis, down: GridAxis): string | undefined {
  const isOffered = ({ key }: GridAxis): boolean => gridKeys.value.some(([offered]) => offered === key);
  const cells = across.values.length * down.values.length;
  if (settings.prompt.value.trim() === '') return 'Write a prompt first.';
  if (across.key === down.key || !isOffered(across) || !isOffered(down)) return 'Choose two different keys.';
  if (cells === 0) return 'Write numbers with commas between them.';
  return cells > MOST_CELLS ? `At most ${MOST_CELLS} pictures.` : undefined;
}

/** Submits a job for every cell. Rejects at the first refusal; earlier cells are made all the same. */
export async function makeGrid(across: GridAxis, down: GridAxis): Promise<void> {
  const shared = { ...(await requested()), seed: settings.seed.value };
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

/** The finished picture of a cell, if it is loaded. */
export function pictureOf(job: string): JobPicture | undefined {
  return pictures.value.find((picture) => picture.job === job) ?? asked.value.get(job);
}

/** Loads the picture of a cell; there is none if the job failed, or if the picture was deleted. */
export async function askForPicture(job: string): Promise<void> {
  const found = await server().job(job);
  if (found.pictures[0]) asked.value = new Map(asked.value).set(job, found.pictures[0]);
}
