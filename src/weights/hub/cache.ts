/**
 * One model in the cache folder of Python's huggingface_hub: `blobs/HASH` holds each file once, `snapshots/COMMIT/PATH` links to a blob, and
 * `refs/REVISION` has the last known commit of a branch or tag. Each program finds the other's downloads.
 */

import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { copyFile, link, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { attempt } from '../../support/attempt.ts';
import { log } from '../../support/log.ts';
import { makeFolder } from '../../support/make-folder.ts';
import { writeWhole } from '../../support/write-file.ts';
import { kindOf } from '../files/file-bytes.ts';
import type { RemoteFile } from './files.ts';

/** Suffix of an unfinished blob. It differs from huggingface_hub's, which promises a file without holes. */
export const PARTIAL = '.fluxion.incomplete';

/** Tells whether a revision is a commit, which never changes. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** The folder of one model in the cache. */
export class RepoCache {
  /** `CACHE/models--ORG--NAME`. */
  readonly folder: string;
  /** Path of the lock that a downloading process holds. */
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

  /** Returns the last known commit of a revision; undefined if unknown. */
  commitOf(revision: string): string | undefined {
    if (isCommit(revision)) return revision;
    const commit = attempt(() => readFileSync(this.#ref(revision), 'utf8').trim(), '');
    return isCommit(commit) ? commit : undefined;
  }

  /** Folder of a revision's last known commit, complete or partial; undefined if it does not exist. */
  known(revision: string): string | undefined {
    const commit = this.commitOf(revision);
    const folder = commit && this.snapshot(commit);
    return folder && kindOf(folder) === 'folder' ? folder : undefined;
  }

  /** Remembers the commit of a branch or tag. */
  async remember(revision: string, commit: string): Promise<void> {
    if (isCommit(revision) || this.commitOf(revision) === commit) return;
    writeWhole(this.#ref(revision), commit);
  }

  /** Tells by its size whether a file is whole: a blob is named by its hash, and only after verification. */
  has(file: RemoteFile, commit: string): boolean {
    return sizeOf(this.blob(file)) === file.size || sizeOf(this.#pointer(file, commit)) === file.size;
  }

  /** Links a downloaded file into a commit's folder. */
  async place(file: RemoteFile, commit: string): Promise<void> {
    const pointer = this.#pointer(file, commit);
    if (sizeOf(pointer) === file.size) return;
    makeFolder(dirname(pointer));
    const blob = this.blob(file);
    const aside = `${pointer}.${randomBytes(4).toString('hex')}.tmp`;
    try {
      await symlink(relative(dirname(pointer), blob), aside);
    } catch (error) {
      log('debug', `${pointer}: no symbolic links here (${(error as Error).message}), so the file is linked or copied`);
      // Windows without developer mode and some network file systems have no symbolic links.
      await link(blob, aside).catch(() => copyFile(blob, aside));
    }
    await rename(aside, pointer).catch(async (error) => {
      await rm(aside, { force: true });
      throw error;
    });
  }

  #ref(revision: string): string {
    return join(this.folder, 'refs', ...revision.split('/'));
  }

  #pointer(file: RemoteFile, commit: string): string {
    return join(this.snapshot(commit), ...file.path.split('/'));
  }

  /** Tells whether an interrupted download left bytes to continue from. */
  get hasPartial(): boolean {
    const blobs = join(this.folder, 'blobs');
    return kindOf(blobs) === 'folder' && readdirSync(blobs).some((name) => name.endsWith(PARTIAL));
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
