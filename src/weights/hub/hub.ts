/**
 * Finds models by name in the cache that Python's huggingface_hub shares, or downloads them from the Hugging Face hub into it.
 *
 * `@huggingface/hub` resolves revisions and lists files; requests and transfers are Fluxion's own, for reasons in docs/decisions.
 */

import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { byteText } from '../../support/byte-text.ts';
import { FluxionError } from '../../support/errors.ts';
import { makeFolder } from '../../support/make-folder.ts';
import { kindOf } from '../files/file-bytes.ts';
import { type JsonObject, quote, readJsonObject } from '../files/json.ts';
import type { Family } from '../folders/family.ts';
import { notRun, recogniseConfig, requirePipeline } from '../folders/recognise.ts';
import { RepoCache } from './cache.ts';
import { missingFiles, neededFiles, type RemoteFile } from './files.ts';
import { Hub, PATIENCE, type Patience, type RequestSubject } from './http.ts';
import { findCommit, type HubModel, listCommit } from './listing.ts';
import { lockFile } from './lock-file.ts';
import { Meter, type OnPullProgress } from './meter.ts';
import { type HubSettings, hubSettings } from './settings.ts';
import { missingBytes, type Transfer, transferFiles } from './transfer.ts';

export type { HubModel, OnPullProgress };

/** How a model is downloaded from the Hugging Face hub. */
export interface PullOptions {
  readonly onProgress?: OnPullProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Components whose weights are not downloaded. */
  readonly without?: readonly string[];
  /** Read from the environment unless given. */
  readonly settings?: HubSettings;
  readonly patience?: Patience;
  /** Connections at once; 8 unless given. */
  readonly connections?: number;
  /** Bytes asked for in one request; 32 MiB unless given. */
  readonly pieceSize?: number;
}

/** Most bytes of a file that describes a model; real ones are far smaller. */
const LARGEST_CONFIG = 2 ** 20;
const CONNECTIONS = 8;
const PIECE = 32 * 2 ** 20;

/** Reads `ORG/NAME` or `ORG/NAME@REVISION`; undefined for anything that cannot be a hub name, such as a path. */
export function parseHubName(text: string, revision?: string): HubModel | undefined {
  const [repo = '', given, ...more] = text.split('@');
  const part = /^(?![-.])(?!.*(--|\.\.))[\w.-]{1,96}(?<![-.])$/;
  const parts = repo.split('/');
  if (more.length > 0 || given === '' || parts.length !== 2 || !parts.every((name) => part.test(name)))
    return undefined;
  return { repo, revision: checkedRevision(given ?? (revision || 'main')) };
}

/** Reads `ORG/NAME`, or `ORG/NAME/FILE.safetensors` for a file in a repository; undefined for anything that cannot be one. */
export function parseHubFile(text: string): { readonly hub: HubModel; readonly file: string | undefined } | undefined {
  const [, repo, file] = /^([^/]+\/[^/]+)\/(.+\.safetensors)$/.exec(text) ?? [];
  const inside = file?.split('/').every((name) => !/^\.*$/.test(name)) ?? true;
  if (!inside || (repo === undefined && text.endsWith('.safetensors'))) return undefined;
  const hub = parseHubName(repo ?? text);
  return hub && { hub, file };
}

/** Checks a revision, since it becomes part of a path in the cache. */
function checkedRevision(revision: string): string {
  const valid =
    /^[^\s\\:*?"<>|~^[\p{Cc}]{1,200}$/u.test(revision) && revision.split('/').every((part) => /^[^.]/.test(part));
  if (valid) return revision;
  throw new FluxionError('bad_config', `revision: expected a branch, tag or commit, found ${quote(revision)}`);
}

/** Returns the folder of a model: at once if the cache is complete, else after downloading missing files. */
export async function hubFolder(family: Family, model: HubModel, options: PullOptions = {}): Promise<string> {
  return cachedFolder(family, model, options) ?? pullModel(family, model, options);
}

/** Downloads the files of a model's current commit that the cache lacks, and returns its folder. */
export async function pullModel(family: Family, model: HubModel, options: PullOptions = {}): Promise<string> {
  const { without, settings = hubSettings() } = options;
  if (settings.network === 'forbidden') {
    const found = cachedFolder(family, model, options);
    if (found !== undefined) return found;
    throw notCached(family, model, settings, without);
  }
  const choose = (files: readonly RemoteFile[]) => neededFiles(family, files, model.repo, without);
  return pullFiles(model, choose, { ...options, identify: (read) => requireFamily(family, model.repo, read) });
}

/** Downloads and reads a small JSON file of a repository; undefined if it has none. */
type ReadRemote = (path: string) => Promise<JsonObject | undefined>;

/** Throws `unsupported` if a repository's index and configs describe another model. */
async function requireFamily(family: Family, repo: string, read: ReadRemote): Promise<void> {
  const index = await read('model_index.json');
  if (index) requirePipeline(index, `${repo}: model_index.json`, family);
  const [main] = family.components;
  const file = `${main.folder}/${main.configFile}`;
  const known = index && (await read(file));
  if (known) main.config.read(known, `${repo}: ${file}`);
  const config = index ? undefined : await read('config.json');
  const foreign = config && recogniseConfig(config);
  if (foreign !== undefined) throw notRun(repo, foreign);
}

/**
 * Downloads the files of a repository that `choose` selects and the cache lacks, and returns the commit's folder. `identify` may first read
 * small files and refuse the repository.
 */
export async function pullFiles(
  model: HubModel,
  choose: (files: readonly RemoteFile[]) => readonly RemoteFile[],
  options: Omit<PullOptions, 'without'> & { readonly identify?: (read: ReadRemote) => Promise<void> } = {},
): Promise<string> {
  const { signal, onProgress, settings = hubSettings(), patience = PATIENCE } = options;
  const { repo, revision } = model;
  const cache = new RepoCache(settings.cache, repo);
  const meter = new Meter(repo, onProgress);
  const hub = new Hub({ settings, patience, onRetry: (message) => meter.say('retrying', message) });
  try {
    meter.say('listing', `looking up ${repo}`);
    const commit = await findCommit(hub, model, signal);
    const listed = await listCommit(hub, { repo, revision: commit }, signal);
    const chosen = options.identify ? undefined : choose(listed);
    makeFolder(cache.folder);
    await using _lock = await lockFile(cache.lock, {
      signal,
      onWait: (holder) => meter.say('waiting', `waiting for ${holder}, which is downloading ${repo}`),
    });
    const transfer = (files: readonly RemoteFile[]) =>
      files
        .filter((file) => !cache.has(file, commit))
        .map((file) => transferOf(file, cache, settings, { repo, revision: commit }));
    const how = {
      hub,
      signal,
      connections: options.connections ?? CONNECTIONS,
      pieceSize: options.pieceSize ?? PIECE,
      onCheck: (file: RemoteFile) => meter.check(file),
    };
    await options.identify?.(async (path) => {
      const file = listed.find((entry) => entry.path === path);
      if (!file || file.size > LARGEST_CONFIG) return undefined;
      await transferFiles(transfer([file]), { ...how, onBytes: () => {}, onCheck: () => {} });
      const blob = cache.blob(file);
      return readJsonObject(kindOf(blob) === 'file' ? blob : join(cache.snapshot(commit), path));
    });
    const files = chosen ?? choose(listed);
    // Files with equal bytes share a blob.
    const blobs = [...new Map(files.map((file) => [file.hash.hex, file])).values()];
    const transfers = transfer(blobs);
    await checkSpace(cache.folder, transfers);
    meter.begin(blobs, transfers);
    await transferFiles(transfers, { ...how, onBytes: (count) => meter.add(count) });
    // The pipeline's index comes last, so a folder with an index is whole.
    for (const file of files.toSorted((a, b) => depth(b) - depth(a))) await cache.place(file, commit);
    await cache.remember(revision, commit);
    return cache.snapshot(commit);
  } catch (error) {
    throw explained(error, settings, signal, meter.bytes > 0 || cache.hasPartial);
  }
}

/** Returns the folder of a completely cached model; undefined otherwise. Makes no request. */
export function cachedFolder(
  family: Family,
  { repo, revision }: HubModel,
  options: PullOptions = {},
): string | undefined {
  const { settings = hubSettings(), without } = options;
  const folder = new RepoCache(settings.cache, repo).known(revision);
  return folder !== undefined && missingFiles(family, folder, without).length === 0 ? folder : undefined;
}

function notCached(
  family: Family,
  { repo, revision }: HubModel,
  settings: HubSettings,
  without?: readonly string[],
): FluxionError {
  const folder = new RepoCache(settings.cache, repo).known(revision);
  const missing = folder === undefined ? [] : missingFiles(family, folder, without);
  const at = revision === 'main' ? repo : `${repo} at revision ${quote(revision)}`;
  const what = missing.length > 0 ? `lacks ${missing.slice(0, 5).join(', ')} of ${at}` : `does not have ${at}`;
  const name = revision === 'main' ? repo : `${repo}@${revision}`;
  return offline(settings, what, `unset HF_HUB_OFFLINE and run: fluxion pull ${name}`);
}

/** The error for what the cache `lacks` while downloads are forbidden. */
export function offline({ cache }: HubSettings, lacks: string, hint: string): FluxionError {
  return new FluxionError('not_found', `${cache} ${lacks}, and HF_HUB_OFFLINE forbids downloading it`, { hint });
}

function transferOf(file: RemoteFile, cache: RepoCache, settings: HubSettings, subject: RequestSubject): Transfer {
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  return {
    file,
    url: `${settings.endpoint}/${subject.repo}/resolve/${subject.revision}/${path}`,
    target: cache.blob(file),
    subject: { ...subject, path: file.path },
  };
}

/** Refuses a download that does not fit on the disk. */
async function checkSpace(folder: string, transfers: readonly Transfer[]): Promise<void> {
  const needed = missingBytes(transfers);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (needed <= free) return;
  throw new FluxionError(
    'io',
    `${folder}: the download needs ${byteText(needed)}, and the disk has ${byteText(free)} free`,
    { hint: 'make room, or set HF_HUB_CACHE to a folder on a larger disk' },
  );
}

/** The depth of a file's folder. */
function depth({ path }: RemoteFile): number {
  return path.split('/').length;
}

/** Turns a system error in the cache folder into a FluxionError; adds that an interrupted download can continue. */
function explained(
  error: unknown,
  { cache }: HubSettings,
  signal: AbortSignal | undefined,
  hasArrived: boolean,
): unknown {
  if (signal?.aborted) return signal.reason;
  const kept = hasArrived ? 'what has arrived is kept, and the same command goes on from there' : undefined;
  if (error instanceof FluxionError) {
    if (error.code !== 'io' || kept === undefined) return error;
    const hint = error.hint === undefined ? kept : `${kept}; ${error.hint}`;
    return new FluxionError(error.code, error.message, { hint, cause: error.cause });
  }
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new FluxionError('io', full ? `${cache}: the disk is full` : `${cache}: ${message}`, {
    cause: error,
    hint: full
      ? `make room, or set HF_HUB_CACHE to a folder on a larger disk${kept === undefined ? '' : `; ${kept}`}`
      : 'set HF_HUB_CACHE to a folder that can be written to',
  });
}
