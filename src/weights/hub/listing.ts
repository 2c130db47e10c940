/**
 * Asks the hub what a repository has: the commit of a revision, and its files. `@huggingface/hub` knows how to ask; the requests are
 * Fluxion's own (http.ts), and their answers are bounded and checked.
 */

import type { ListFileEntry } from '@huggingface/hub';
import { FluxionError } from '../../support/errors.ts';
import { readUpTo } from '../../support/read-stream.ts';
import { withoutSecrets } from '../../support/shown-url.ts';
import { quote } from '../files/json.ts';
import { isCommit } from './cache.ts';
import type { RemoteFile } from './files.ts';
import type { Hub, RequestSubject } from './http.ts';

/** A model on the hub, at a branch, tag or commit. */
export interface HubModel {
  /** `ORG/NAME`. */
  readonly repo: string;
  readonly revision: string;
}

/** Limits on the listing: files of a repository, pages, bytes of a page, milliseconds in total. */
const MOST_FILES = 100_000;
const MOST_PAGES = 1000;
const LONGEST_PAGE = 8 * 2 ** 20;
const LONGEST_LISTING = 900_000;

/** Asks the hub for the commit of a revision. */
export async function findCommit(
  hub: Hub,
  { repo, revision }: HubModel,
  signal: AbortSignal | undefined,
): Promise<string> {
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

/** Lists the files of a commit. */
export async function listCommit(hub: Hub, commit: HubModel, signal: AbortSignal | undefined): Promise<RemoteFile[]> {
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
      { hint: 'such a path is an attack or a mistake, so nothing is downloaded from this repository' },
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
function asker(hub: Hub, subject: RequestSubject, signal: AbortSignal | undefined): typeof fetch {
  const asked = new Set<string>();
  const start = performance.now();
  const endless = () => new FluxionError('bad_file', `${subject.repo}: the list of its files has no end`);
  return async (input) => {
    const url = input instanceof Request ? input.url : String(input);
    if (asked.has(url) || asked.size >= MOST_PAGES) throw endless();
    asked.add(url);
    return hub.persistently(signal, async (arrived) => {
      using reply = await hub.get(url, subject, { signal, headers: { accept: 'application/json' } });
      const tooLong = () => new FluxionError('bad_file', `${withoutSecrets(url)}: more than ${LONGEST_PAGE} bytes`);
      const page = await readUpTo(LONGEST_PAGE, reply.body, tooLong, (length) => {
        if (performance.now() - start > LONGEST_LISTING) throw endless();
        arrived(length);
      });
      return new Response(page, { status: reply.status, headers: reply.headers });
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
