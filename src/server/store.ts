/**
 * The jobs and pictures that a server keeps in its output_dir, with their history: a SQLite file beside the PNGs. A job is on the
 * disk before it is accepted, and a picture's file before its row, so that a killed server loses no job and leaves no partial file.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Report } from '../api/events.ts';
import type { JobEnd, JobError, JobPicture, JobStatus } from '../api/jobs.ts';
import type { Recipe } from '../api/recipe.ts';
import type { Image } from '../picture/image.ts';
import { writeDurably } from '../picture/save.ts';
import { FluxionError } from '../support/errors.ts';
import { makeFolder } from '../support/make-folder.ts';
import { explaining } from '../support/system-error.ts';
import { StoredPicture } from './stored-picture.ts';

/** The database's name in the folder. */
export const DATABASE = 'fluxion-server.sqlite';
const VERSION = 1;

const SCHEMA = `
  CREATE TABLE jobs (
    id TEXT PRIMARY KEY,           -- ascending in time
    caller TEXT,
    api TEXT NOT NULL,
    status TEXT NOT NULL,
    created INTEGER NOT NULL,      -- milliseconds since 1970, as all times here
    ended INTEGER,
    total INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    request TEXT NOT NULL,         -- without the content of pictures
    whole_request TEXT,            -- until the job has ended
    error TEXT,
    report TEXT
  ) STRICT;
  CREATE INDEX jobs_open ON jobs (id) WHERE whole_request IS NOT NULL;
  CREATE TABLE pictures (
    name TEXT PRIMARY KEY,
    job TEXT NOT NULL REFERENCES jobs (id),
    number INTEGER NOT NULL,
    recipe TEXT NOT NULL,
    favourite INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER
  ) STRICT;
  CREATE INDEX pictures_job ON pictures (job, number);
  PRAGMA user_version = ${VERSION};
`;

/** Added to older databases too; older versions of Fluxion ignore it. */
const LATER_INDEX = 'CREATE INDEX IF NOT EXISTS pictures_deleted ON pictures (deleted) WHERE deleted IS NOT NULL';

/** A job as the store keeps it. */
export interface JobRecord {
  readonly id: string;
  /** Whose job it is; null if the server asks for no key. */
  readonly caller: string | null;
  readonly api: string;
  readonly status: JobStatus;
  readonly created: number;
  readonly ended: number | null;
  readonly total: number;
  /** The request as JSON text, without the content of pictures. */
  readonly request: string;
  /** The last event of a job that has ended. */
  readonly end: JobEnd | undefined;
}

/** A job to be accepted. */
export interface NewJob extends Pick<JobRecord, 'id' | 'caller' | 'api' | 'created' | 'total' | 'request'> {
  readonly prompt: string;
  /** The request as JSON text, with pictures as data addresses. */
  readonly wholeRequest: string;
}

/** A page of the history, newest first. */
export interface HistoryQuery {
  /** The caller whose entries are listed; undefined for everybody's. */
  readonly caller?: string | undefined;
  /** Text that the prompt contains. */
  readonly search?: string | undefined;
  readonly status?: JobStatus | undefined;
  /** Only entries older than the job with this id, or the picture with this name. */
  readonly before?: string | undefined;
  readonly favourite?: boolean | undefined;
  readonly limit: number;
}

type Row = Record<string, SQLInputValue>;

/** Columns of a record: not the whole request, whose pictures may be many megabytes. */
const RECORD = 'id, caller, api, status, created, ended, total, request, error, report';

/** The jobs and pictures of a folder. */
export class Store implements Disposable {
  readonly folder: string;
  readonly #db: DatabaseSync;

  /** Opens the folder; creates it if needed. Throws `io` if it cannot be written, or if another server has it. */
  constructor(folder: string) {
    this.folder = folder;
    explaining(folder, () => makeFolder(folder));
    const path = join(folder, DATABASE);
    try {
      // Not imported: an older Node lacks this module, and would fail before it can say that it is too old.
      const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
      this.#db = new DatabaseSync(path, { enableForeignKeyConstraints: true });
      // Exclusive: a second server in this folder would take the first one's jobs for interrupted ones.
      this.#db.exec(
        'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE;',
      );
      const { user_version: version } = this.#db.prepare('PRAGMA user_version').get() as { user_version: number };
      if (version === 0) this.#db.exec(SCHEMA);
      if (version <= VERSION) this.#db.exec(LATER_INDEX);
      this.#db.exec('COMMIT');
      if (version <= VERSION) return;
    } catch (error) {
      throw sqliteError(error, path);
    }
    this.#db.close();
    throw new FluxionError('bad_file', `${path}: made by a newer version of Fluxion`, {
      hint: 'update Fluxion, or choose another output_dir',
    });
  }

  /** Keeps a job, as `queued`. Throws `io` if the job could not be kept. */
  accept({ id, caller, api, created, total, prompt, request, wholeRequest }: NewJob): JobRecord {
    // An accepted job must survive a power cut. Its progress need not, so other writes do not wait for the disk.
    this.#db.exec('PRAGMA synchronous = FULL');
    try {
      const sql = `INSERT INTO jobs (id, caller, api, status, created, total, prompt, request, whole_request) VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?)`;
      this.#run(sql, id, caller, api, created, total, prompt, request, wholeRequest);
    } finally {
      this.#db.exec('PRAGMA synchronous = NORMAL');
    }
    return { id, caller, api, created, total, request, status: 'queued', ended: null, end: undefined };
  }

  /** Writes a picture of a job: the file before the row, so that after a power cut every row has a whole file. Throws `io`. */
  async addPicture(job: string, index: number, image: Image): Promise<StoredPicture> {
    const name = `${job}_${index}.png`;
    const path = await writeDurably(join(this.folder, name), await image.png());
    try {
      const sql = 'INSERT OR REPLACE INTO pictures (name, job, number, recipe) VALUES (?, ?, ?, ?)';
      this.#run(sql, name, job, index, JSON.stringify(image.recipe));
    } catch (error) {
      // A file without a row would never be shown, and never be removed.
      await rm(path, { force: true });
      throw error;
    }
    return this.picture(name)!;
  }

  /** Keeps how and when a job ended; `ended` is in milliseconds since 1970. */
  finish(id: string, end: JobEnd, ended: number): void {
    const failure = errorOf(end);
    const error = failure ? JSON.stringify(failure) : null;
    const report = end.type === 'done' ? JSON.stringify(end.report) : null;
    const sql = 'UPDATE jobs SET status = ?, ended = ?, error = ?, report = ?, whole_request = NULL WHERE id = ?';
    this.#run(sql, end.type, ended, error, report, id);
  }

  /** Jobs that have not ended, oldest first, with their whole requests. */
  open(): (JobRecord & { readonly wholeRequest: string })[] {
    const columns = `${RECORD}, whole_request AS wholeRequest`;
    const rows = this.#run(`SELECT ${columns} FROM jobs WHERE whole_request IS NOT NULL ORDER BY id`);
    return rows.map((row) => jobOf(row) as JobRecord & { readonly wholeRequest: string });
  }

  job(id: string): JobRecord | undefined {
    return this.#run(`SELECT ${RECORD} FROM jobs WHERE id = ?`, id).map(jobOf)[0];
  }

  jobs({ caller, search, status, before, limit }: HistoryQuery): JobRecord[] {
    const { where, values } = conditions([
      ['(caller = ? OR caller IS NULL)', caller],
      ["prompt LIKE ? ESCAPE '\\'", search === undefined ? undefined : containing(search)],
      // Jobs that have not ended are few, and an index finds them.
      status === 'queued' ? ['whole_request IS NOT NULL', true] : ['status = ?', status],
      ['id < ?', before],
    ]);
    return this.#run(`SELECT ${RECORD} FROM jobs ${where} ORDER BY id DESC LIMIT ?`, ...values, limit).map(jobOf);
  }

  /** Pictures of a job, without deleted ones. */
  picturesOf(job: string): StoredPicture[] {
    return this.#pictures('SELECT * FROM pictures WHERE job = ? AND deleted IS NULL ORDER BY number', job);
  }

  /** Pictures of all jobs, newest first, without deleted ones. */
  pictures({ caller, search, favourite, before, limit }: HistoryQuery): StoredPicture[] {
    const { where, values } = conditions([
      ['deleted IS NULL', true],
      ['(caller = ? OR caller IS NULL)', caller],
      ["prompt LIKE ? ESCAPE '\\'", search === undefined ? undefined : containing(search)],
      ['favourite = ?', favourite === undefined ? undefined : Number(favourite)],
      ['(job, number) < (SELECT job, number FROM pictures WHERE name = ?)', before],
    ]);
    const from = 'pictures JOIN jobs ON jobs.id = pictures.job';
    const sql = `SELECT pictures.* FROM ${from} ${where} ORDER BY job DESC, number DESC LIMIT ?`;
    return this.#pictures(sql, ...values, limit);
  }

  /** A picture by its name, deleted or not; undefined if there is none. */
  picture(name: string): StoredPicture | undefined {
    return this.#pictures('SELECT * FROM pictures WHERE name = ?', name)[0];
  }

  /** Deletes or restores a picture; a deleted one can be restored until `purge`. */
  setDeleted(name: string, deleted: boolean): void {
    this.#run('UPDATE pictures SET deleted = ? WHERE name = ?', deleted ? Date.now() : null, name);
  }

  setFavourite(name: string, favourite: boolean): void {
    this.#run('UPDATE pictures SET favourite = ? WHERE name = ?', Number(favourite), name);
  }

  /** Removes pictures for good if they were deleted before this time, in milliseconds since 1970. */
  async purge(before: number): Promise<void> {
    for (const { name } of this.#run('SELECT name FROM pictures WHERE deleted < ?', before)) {
      await rm(join(this.folder, String(name)), { force: true });
      this.#run('DELETE FROM pictures WHERE name = ?', name!);
    }
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #pictures(sql: string, ...values: readonly SQLInputValue[]): StoredPicture[] {
    return this.#run(sql, ...values).map((row) => {
      const recipe = JSON.parse(String(row['recipe'])) as Recipe;
      const { seed, width, height } = recipe;
      const [name, job, index] = [String(row['name']), String(row['job']), Number(row['number'])];
      const info: JobPicture = { name, job, index, seed, width, height, recipe, favourite: row['favourite'] === 1 };
      return new StoredPicture(info, join(this.folder, name));
    });
  }

  /** Runs a statement; returns the rows that it selects. */
  #run(sql: string, ...values: readonly SQLInputValue[]): Row[] {
    try {
      return this.#db.prepare(sql).all(...values) as Row[];
    } catch (error) {
      throw sqliteError(error, this.folder);
    }
  }
}

/** A row's record: the table is strict, so its values have the types of the columns. */
function jobOf({ error, report, ...record }: Row): JobRecord {
  return { ...record, end: endOf(record['status'], error, report) } as unknown as JobRecord;
}

/** The error of a job, as its state shows it. */
export function errorOf(end: JobEnd | undefined): JobError | undefined {
  if (end?.type === 'cancelled') return { code: 'aborted', message: end.reason };
  return end?.type === 'failed' ? end.error : undefined;
}

function endOf(status: unknown, error: unknown, report: unknown): JobEnd | undefined {
  const told = (text: unknown): unknown => JSON.parse(String(text));
  if (status === 'done') return { type: 'done', report: told(report) as Report };
  if (status === 'failed') return { type: 'failed', error: told(error) as JobError };
  if (status === 'cancelled') return { type: 'cancelled', reason: (told(error) as JobError).message };
  return status === 'interrupted' ? { type: 'interrupted' } : undefined;
}

/** A WHERE clause of all conditions whose value is not undefined; `true` means that the condition has no placeholder. */
function conditions(all: readonly (readonly [sql: string, value: SQLInputValue | true | undefined])[]) {
  const given = all.filter(([, value]) => value !== undefined);
  return {
    where: given.length === 0 ? '' : `WHERE ${given.map(([sql]) => sql).join(' AND ')}`,
    values: given.flatMap(([, value]) => (value === true ? [] : [value!])),
  };
}

/** A LIKE pattern that matches any text containing this one. */
function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}

/** SQLite's primary result codes, each with a reason and a remedy. */
const SQLITE: Readonly<Record<number, readonly [reason: string, hint: string]>> = {
  5: ['another server has this folder', 'stop it, or choose another output_dir'],
  8: ['the file cannot be written', 'check its permissions, or choose another output_dir'],
  10: ['the disk failed', 'check the disk, or choose another output_dir'],
  11: ['the file is damaged', 'move it away: pictures carry their recipes, the history is lost'],
  13: ['the disk is full', 'make room, or choose another output_dir'],
  14: ['the file cannot be opened', 'check its permissions, or choose another output_dir'],
  26: ['this is not a database', 'move it away, or choose another output_dir'],
};

function sqliteError(error: unknown, where: string): unknown {
  const { errcode } = error as { errcode?: number };
  if (errcode === undefined) return error;
  // Extended codes have the primary one in their low byte.
  const [reason, hint] = SQLITE[errcode & 0xff] ?? [(error as Error).message, undefined];
  return new FluxionError('io', `${where}: ${reason}`, { hint, cause: error });
}
