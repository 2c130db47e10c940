/**
 * The cache folder of Python's huggingface_hub, for one model: `blobs/HASH` holds each file once, `snapshots/COMMIT/PATH` are links to
 * them, `refs/REVISION` says which commit a branch or tag was last seen at. Either program finds what the other has downloaded.
 */

import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { copyFile, link, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { log } from '../../support/log.ts';
import { makeFolder } from '../../support/make-folder.ts';
import { writeWhole } from '../../support/write-file.ts';
import { kindOf } from '../files/file-bytes.ts';
import type { RemoteFile } from './files.ts';

/** How a file's name in `blobs` ends while it is on its way; huggingface_hub would take its own ending for a file without holes. */
export const PARTIAL = '.fluxion.incomplete';

const COMMIT = /^[0-9a-f]{40}$/;

/** Tells whether a revision is a commit, which never changes. */
export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/** The place of one model in the cache. */
export class RepoCache {
  /** `CACHE/models--ORG--NAME`. */
  readonly folder: string;
  /** Where a process says that it is downloading this model. */
  readonly lock: string;

  constructor(cache: string, repo: string) {
    const name = `models--${repo.replace('/', '--')}`;
    this.folder = join(cache, name);
    this.lock = join(cache, '.locks', name, 'fluxion.lock');
  }

  /** Folder of a commit's files; it need not exist. */
  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** Path of a file's bytes; it need not exist. */
  blob(file: RemoteFile): string {
    return join(this.folder, 'blobs', file.hash.hex);
  }

  /** Returns the commit a revision was last seen at; nothing where it is not known. */
  commitOf(revision: string): string | undefined {
    if (isCommit(revision)) return revision;
    try {
      const commit = readFileSync(join(this.folder, 'refs', ...revision.split('/')), 'utf8').trim();
      return isCommit(commit) ? commit : undefined;
    } catch {
      return undefined;
    }
  }

  /** Remembers the commit of a branch or tag. */
  async remember(revision: string, commit: string): Promise<void> {
    if (isCommit(revision) || this.commitOf(revision) === commit) return;
    const path = join(this.folder, 'refs', ...revision.split('/'));
    writeWhole(path, commit);
  }

  /** Tells whether a file is there whole, by its size: names are hashes, and a blob gets its name only when it is checked. */
  has(file: RemoteFile, commit: string): boolean {
    return sizeOf(this.blob(file)) === file.size || sizeOf(this.#pointer(file, commit)) === file.size;
  }

  /** Makes a downloaded file appear in a commit's folder. */
  async place(file: RemoteFile, commit: string): Promise<void> {
    const pointer = this.#pointer(file, commit);
    if (sizeOf(pointer) === file.size) return;
    makeFolder(dirname(pointer));
    const blob = this.blob(file);
    const aside = asideOf(pointer);
    try {
      await symlink(relative(dirname(pointer), blob), aside);
    } catch (error) {
      log('debug', `${pointer}: no symbolic links here (${(error as Error).message}), so the file is linked or copied`);
      // Windows without developer mode; some network file systems.
      await link(blob, aside).catch(() => copyFile(blob, aside));
    }
    await rename(aside, pointer).catch(async (error) => {
      await rm(aside, { force: true });
      throw error;
    });
  }

  #pointer(file: RemoteFile, commit: string): string {
    return join(this.snapshot(commit), ...file.path.split('/'));
  }

  /** Tells whether a download that was broken off has left something to go on from. */
  get hasPartial(): boolean {
    const blobs = join(this.folder, 'blobs');
    return kindOf(blobs) === 'folder' && readdirSync(blobs).some((name) => name.endsWith(PARTIAL));
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function asideOf(path: string): string {
  return `${path}.${randomBytes(4).toString('hex')}.tmp`;
}
