/**
 * Finds models by name in the cache that Python's huggingface_hub shares, or downloads them from the Hugging Face hub into it.
 *
 * `@huggingface/hub` resolves revisions and lists files; requests and transfers are Fluxion's own, for reasons in docs/decisions.
 */

import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListFileEntry } from '@huggingface/hub';
import type { PullProgress } from '../../api/load.ts';
import { byteText } from '../../support/byte-text.ts';
import { FluxionError } from '../../support/errors.ts';
import { makeFolder } from '../../support/make-folder.ts';
import { withoutSecrets } from '../../support/shown-url.ts';
import { kindOf } from '../files/file-bytes.ts';
import { type JsonObject, quote, readJsonObject } from '../files/json.ts';
import type { Family } from '../folders/family.ts';
import { notRun, recogniseConfig, requirePipeline } from '../folders/recognise.ts';
import { isCommit, RepoCache } from './cache.ts';
import { missingFiles, neededFiles, type RemoteFile, type Without } from './files.ts';
import { Hub, PATIENCE, type Patience, type Subject } from './http.ts';
import { lockFile } from './lock-file.ts';
import { type HubSettings, hubSettings } from './settings.ts';
import { arrivedBytes, type Transfer, transferFiles } from './transfer.ts';

/** A model on the hub, at a branch, tag or commit. */
export interface HubModel {
  /** `ORG/NAME`. */
  readonly repo: string;
  readonly revision: string;
}

/** Called with a line a person can read, and the same as data. */
export type OnPullProgress = (message: string, progress: PullProgress) => void;

/** How a model is downloaded from the Hugging Face hub. */
export interface PullOptions {
  readonly onProgress?: OnPullProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly without?: Without;
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
/** Limits on the hub's listing: files of a repository, pages, bytes of a page, milliseconds in total. */
const MOST_FILES = 100_000;
const MOST_PAGES = 1000;
const LONGEST_PAGE = 8 * 2 ** 20;
const LONGEST_LISTING = 900_000;

/** Reads `ORG/NAME` or `ORG/NAME@REVISION`; undefined for anything that cannot be a hub name, such as a path. */
export function parseHubName(text: string, revision?: string): HubModel | undefined {
  const [repo = '', given, ...more] = text.split('@');
  const part = /^(?![-.])(?!.*(--|\.\.))[\w.-]{1,96}(?<![-.])$/;
  const parts = repo.split('/');
  if (more.length > 0 || given === '' || parts.length !== 2 || !parts.every((name) => part.test(name)))
    return undefined;
  return { repo, revision: checkedRevision(given ?? (revision || 'main')) };
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
  const cache = new RepoCache(settings.cache, repo);
  const commit = cache.commitOf(revision);
  if (commit === undefined) return undefined;
  const folder = cache.snapshot(commit);
  return kindOf(folder) === 'folder' && missingFiles(family, folder, without).length === 0 ? folder : undefined;
}

function notCached(
  family: Family,
  { repo, revision }: HubModel,
  settings: HubSettings,
  without?: Without,
): FluxionError {
  const cache = new RepoCache(settings.cache, repo);
  const commit = cache.commitOf(revision);
  const folder = commit && cache.snapshot(commit);
  const missing = folder && kindOf(folder) === 'folder' ? missingFiles(family, folder, without) : [];
  const at = revision === 'main' ? repo : `${repo} at revision ${quote(revision)}`;
  const what = missing.length > 0 ? `lacks ${missing.slice(0, 5).join(', ')} of ${at}` : `does not have ${at}`;
  return new FluxionError('not_found', `${settings.cache} ${what}, and HF_HUB_OFFLINE forbids downloading it`, {
    hint: `unset HF_HUB_OFFLINE and run: fluxion pull ${repo}${revision === 'main' ? '' : `@${revision}`}`,
  });
}

async function findCommit(hub: Hub, { repo, revision }: HubModel, signal: AbortSignal | undefined): Promise<string> {
  const { modelInfo } = await import('@huggingface/hub');
  const { endpoint } = hub.settings;
  const fetch = asker(hub, { repo, revision }, signal);
  const { sha } = await answered(endpoint, () =>
    modelInfo({ name: repo, revision, hubUrl: endpoint, additionalFields: ['sha'], fetch }),
  );
  // The commit becomes the name of a folder in the cache.
  if (typeof sha === 'string' && isCommit(sha)) return sha;
  throw new FluxionError('bad_file', `${endpoint}: expected a commit hash for ${repo}, found ${quote(String(sha))}`);
}

async function listCommit(hub: Hub, commit: HubModel, signal: AbortSignal | undefined): Promise<RemoteFile[]> {
  const { listFiles } = await import('@huggingface/hub');
  const { endpoint } = hub.settings;
  const { repo } = commit;
  return answered(endpoint, async () => {
    const files: RemoteFile[] = [];
    const list = listFiles({ ...commit, recursive: true, hubUrl: endpoint, fetch: asker(hub, commit, signal) });
    for await (const entry of list) {
      if (entry.type === 'file') files.push(readEntry(entry, repo));
      if (files.length > MOST_FILES) throw new FluxionError('bad_file', `${repo} has more than ${MOST_FILES} files`);
    }
    return files;
  });
}

/** Checks a file's entry in the listing: its path and hash become paths on this machine. */
function readEntry({ path, size, oid, lfs }: ListFileEntry, repo: string): RemoteFile {
  const parts = typeof path === 'string' && path.length <= 1024 ? path.split('/') : [];
  const plain = (part: string): boolean => part !== '' && part !== '.' && part !== '..' && !/[\\:\p{Cc}]/u.test(part);
  if (parts.length === 0 || !parts.every(plain)) {
    throw new FluxionError(
      'bad_file',
      `${repo} lists a file that would not stay in its folder: ${quote(String(path))}`,
      {
        hint: 'such a path is an attack or a mistake, so nothing is downloaded from this repository',
      },
    );
  }
  const bytes = lfs?.size ?? size;
  const hash = lfs ? ({ kind: 'sha256', hex: lfs.oid } as const) : ({ kind: 'git-sha1', hex: String(oid) } as const);
  const digits = hash.kind === 'sha256' ? 64 : 40;
  const valid = Number.isSafeInteger(bytes) && bytes >= 0 && hash.hex.length === digits && /^[0-9a-f]+$/.test(hash.hex);
  if (valid) return { path, size: bytes, hash };
  throw new FluxionError(
    'bad_file',
    `${repo}: ${path}: expected a size and a hash, found ${bytes} and ${quote(hash.hex)}`,
  );
}

/** Returns the `fetch` for `@huggingface/hub`: it retries, sends the token, reads whole answers and bounds their number. */
function asker(hub: Hub, subject: Subject, signal: AbortSignal | undefined): typeof fetch {
  const asked = new Set<string>();
  const start = performance.now();
  const endless = () => new FluxionError('bad_file', `${subject.repo}: the list of its files has no end`);
  return async (input) => {
    const url = input instanceof Request ? input.url : String(input);
    if (asked.has(url) || asked.size >= MOST_PAGES) throw endless();
    asked.add(url);
    return hub.persistently(signal, async (arrived) => {
      using reply = await hub.get(url, subject, { signal, headers: { accept: 'application/json' } });
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of reply.body) {
        length += chunk.length;
        if (length > LONGEST_PAGE) {
          throw new FluxionError('bad_file', `${withoutSecrets(url)}: more than ${LONGEST_PAGE} bytes`);
        }
        if (performance.now() - start > LONGEST_LISTING) throw endless();
        chunks.push(chunk);
        arrived(chunk.length);
      }
      return new Response(Buffer.concat(chunks), { status: reply.status, headers: reply.headers });
    });
  };
}

/** Runs a request of `@huggingface/hub`; turns its parse errors into `bad_file`. */
async function answered<T>(endpoint: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof FluxionError || !(cause instanceof SyntaxError || cause instanceof TypeError)) throw cause;
    throw new FluxionError('bad_file', `${endpoint} does not answer as a hub does: ${withoutSecrets(cause.message)}`, {
      cause,
      hint: 'a login page of the network may answer instead, or HF_ENDPOINT may not be a mirror of the hub',
    });
  }
}

function transferOf(file: RemoteFile, cache: RepoCache, settings: HubSettings, subject: Subject): Transfer {
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
  const needed = transfers.reduce((sum, transfer) => sum + transfer.file.size - arrivedBytes(transfer), 0);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (needed <= free) return;
  throw new FluxionError(
    'io',
    `${folder}: the download needs ${byteText(needed)}, and the disk has ${byteText(free)} free`,
    {
      hint: 'make room, or set HF_HUB_CACHE to a folder on a larger disk',
    },
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

/** Seconds over which the rate is measured, and milliseconds between reports. */
const WINDOW = 5;
const REPORT = 100;

/** Counts received bytes and reports progress. */
class Meter {
  readonly #repo: string;
  readonly #onProgress: OnPullProgress | undefined;
  #bytes = 0;
  #totalBytes = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;
  /** Samples within the window: seconds and bytes so far. */
  #samples: { readonly at: number; readonly bytes: number }[] = [];

  constructor(repo: string, onProgress: OnPullProgress | undefined) {
    this.#repo = repo;
    this.#onProgress = onProgress;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  begin(files: readonly RemoteFile[], transfers: readonly Transfer[]): void {
    const missing = transfers.reduce((sum, transfer) => sum + transfer.file.size - arrivedBytes(transfer), 0);
    this.#totalBytes = files.reduce((sum, { size }) => sum + size, 0);
    this.#bytes = this.#totalBytes - missing;
    if (transfers.length > 0) this.#downloading();
  }

  add(count: number): void {
    this.#bytes += count;
    if (performance.now() - this.#reportedAt >= REPORT) this.#downloading();
  }

  check({ path }: RemoteFile): void {
    // While other files are still downloading, their progress says more.
    if (this.#bytes >= this.#totalBytes) this.say('checking', `checking ${path}`);
  }

  say(phase: PullProgress['phase'], message: string): void {
    const bytesPerSecond = phase === 'downloading' ? this.#rate() : 0;
    this.#reportedAt = performance.now();
    this.#onProgress?.(message, { phase, bytes: this.#bytes, totalBytes: this.#totalBytes, bytesPerSecond });
  }

  #downloading(): void {
    this.say('downloading', `downloading ${this.#repo}`);
  }

  #rate(): number {
    const now = { at: performance.now() / 1000, bytes: this.#bytes };
    this.#samples = [...this.#samples.filter(({ at }) => now.at - at <= WINDOW), now];
    const first = this.#samples[0]!;
    return now.at > first.at ? Math.max(0, (now.bytes - first.bytes) / (now.at - first.at)) : 0;
  }
}
