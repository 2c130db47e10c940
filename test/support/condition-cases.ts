/** The recorded requests under test/fixtures/conditions: what diffusers made of pictures, written by tools/reference/record_conditions.py. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Knob } from '../../src/api/knobs.ts';
import { LOAD_KNOBS } from '../../src/api/load.ts';
import { REQUEST_KNOBS } from '../../src/api/request.ts';
import { repositoryPath } from './fixture.ts';

/** Settings by the keys of the command line. */
export type Keyed = Readonly<Record<string, unknown>>;

/** One recorded picture. Paths are from the repository root. */
export interface ConditionCase {
  readonly name: string;
  /** Class of the diffusers pipeline that made it. */
  readonly pipeline: string;
  /** A model folder, or one that has a transformer alone; test/fixtures/random-flux has the other parts. */
  readonly model: string;
  /** Keys of what is loaded with the model. */
  readonly load: Keyed;
  readonly request: Keyed;
}

/** Lists the recorded requests, in the order they were recorded. */
export function conditionCases(): readonly ConditionCase[] {
  const { cases } = JSON.parse(readFileSync(repositoryPath('test/fixtures/conditions/cases.json'), 'utf8')) as {
    cases: ConditionCase[];
  };
  return cases;
}

/** Whole model folders, made of links to the fixtures'. */
export class ModelFolders implements Disposable {
  readonly #root = mkdtempSync(join(tmpdir(), 'fluxion-conditions-'));
  readonly #base = repositoryPath('test/fixtures/random-flux');
  #count = 0;

  /** Returns the folder itself if it has all parts, else one with the base's parts beside its own. */
  whole(model: string): string {
    const own = repositoryPath(model);
    const parts = new Set(readdirSync(own));
    if (parts.has('vae')) return own;
    const folder = mkdtempSync(join(this.#root, `${this.#count++}-`));
    for (const part of parts) symlinkSync(join(own, part), join(folder, part));
    for (const part of readdirSync(this.#base)) {
      if (!parts.has(part)) symlinkSync(join(this.#base, part), join(folder, part));
    }
    return folder;
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true });
  }
}

/** Fields by their keys, and by other names of these. */
const FIELDS = new Map(
  Object.entries<Knob>({ ...REQUEST_KNOBS, ...LOAD_KNOBS }).flatMap(([field, { key = field, also = [] }]) =>
    [key, ...also].map((name) => [name, field] as const),
  ),
);

/** The same settings by the library's fields, with absolute paths. */
export function fields(keyed: Keyed): Record<string, unknown> {
  return Object.fromEntries(Object.entries(keyed).map(([key, value]) => [FIELDS.get(key) ?? key, absolute(value)]));
}

function absolute(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith('test/fixtures/') ? repositoryPath(value) : value;
  if (Array.isArray(value)) return value.map(absolute);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, absolute(each)]));
}
