/**
 * Downloads files in pieces over several connections. An interrupted piece continues where it stopped. Notes beside the file record what
 * has arrived, so a killed process loses at most a second's work. A file gets its name only after its hash is verified.
 */

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { type FileHandle, open, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FluxionError } from '../../support/errors.ts';
import { updateFrom } from '../../support/hash-file.ts';
import { log } from '../../support/log.ts';
import { makeFolder } from '../../support/make-folder.ts';
import { writeWhole } from '../../support/write-file.ts';
import { PARTIAL } from './cache.ts';
import type { RemoteFile } from './files.ts';
import { type Hub, Interruption, type Reply, type RequestSubject } from './http.ts';

/** One file to fetch. */
export interface Transfer {
  readonly file: RemoteFile;
  readonly url: string;
  /** Its final path, once its hash is verified. */
  readonly target: string;
  readonly subject: RequestSubject;
}

export interface TransferOptions {
  readonly hub: Hub;
  /** Connections at once. */
  readonly connections: number;
  /** Bytes per request. */
  readonly pieceSize: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes written; negative if a file must be fetched again. */
  readonly onBytes: (count: number) => void;
  /** Called when a file's hash is computed. */
  readonly onCheck: (file: RemoteFile) => void;
}

/** Bytes from `start` up to `end`. */
interface Span {
  start: number;
  readonly end: number;
}

/** Milliseconds between notes. */
const NOTE = 1000;

/** Counts the bytes still to fetch; interrupted downloads continue where they stopped. */
export function missingBytes(transfers: readonly Transfer[]): number {
  return transfers.reduce((sum, { file, target }) => sum + total(openSpans(target, file)), 0);
}

/** Fetches all files; the first failure stops the others, and received bytes stay for the next try. */
export async function transferFiles(transfers: readonly Transfer[], options: TransferOptions): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  await using opened = new AsyncDisposableStack();
  const downloads = transfers.map((transfer) => opened.use(new Download(transfer, { ...options, signal })));
  const checks = new Set<Promise<void>>();

  const work = async (): Promise<void> => {
    for (;;) {
      signal.throwIfAborted();
      const download = downloads.find((candidate) => candidate.hasMore);
      if (download) {
        await download.fetchPiece();
        if (!download.isComplete) continue;
        const check = download.finish().finally(() => checks.delete(check));
        // A worker without pieces awaits this promise below; until then a rejection must not count as unhandled.
        check.catch(() => {});
        checks.add(check);
      } else if (checks.size > 0) {
        // A wrong hash makes all pieces of a file necessary again.
        await Promise.race(checks);
      } else return;
    }
  };
  const workers = Array.from({ length: options.connections }, () =>
    work().catch((error) => {
      // Only the first error is reported.
      if (!failed.signal.aborted) failed.abort(error);
    }),
  );
  await Promise.all(workers);
  await Promise.allSettled(checks);
  options.signal?.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
}

/** A file being downloaded. */
class Download implements AsyncDisposable {
  readonly #transfer: Transfer;
  readonly #options: TransferOptions;
  /** Spans that no connection has taken yet, and spans being fetched. */
  #open: Span[];
  readonly #active = new Set<Span>();
  #handle: Promise<FileHandle> | undefined;
  #notedAt = performance.now();
  #note: Promise<void> | undefined;
  #finished = false;
  #wrongHashes = 0;

  constructor(transfer: Transfer, options: TransferOptions) {
    this.#transfer = transfer;
    this.#options = options;
    this.#open = openSpans(transfer.target, transfer.file);
  }

  /** Whether there is a piece to fetch. An empty file is one empty piece. */
  get hasMore(): boolean {
    return this.#open.length > 0;
  }

  get isComplete(): boolean {
    return this.#open.length === 0 && this.#active.size === 0 && !this.#finished;
  }

  /** Takes the next piece and fetches it, through as many connections as it needs. */
  async fetchPiece(): Promise<void> {
    const span = this.#take();
    const { hub, signal, onBytes } = this.#options;
    const { file, url, subject } = this.#transfer;
    try {
      await hub.persistently(signal, async (arrived) => {
        if (span.start === span.end) return;
        const headers = { range: `bytes=${span.start}-${span.end - 1}` };
        using reply = await hub.get(url, subject, { signal, headers });
        if (reply.status === 200) this.#startOver(span, reply);
        else checkRange(reply, span, file);
        // Opened only now, so that a refused file leaves nothing behind.
        const handle = await this.#opened();
        for await (const chunk of reply.body) {
          const part = chunk.subarray(0, span.end - span.start);
          await writeAll(handle, part, span.start);
          span.start += part.length;
          arrived(part.length);
          onBytes(part.length);
          this.#noteSoon();
          if (span.start === span.end) break;
        }
        if (span.start < span.end) {
          throw new Interruption(`${file.path}: the connection ended ${span.end - span.start} bytes early`);
        }
      });
      await this.#opened();
    } catch (error) {
      if (span.start < span.end) this.#open.unshift({ ...span });
      throw error;
    } finally {
      this.#active.delete(span);
    }
  }

  /** Verifies the hash and gives the file its name; a wrong hash restarts the file once, then throws `bad_file`. */
  async finish(): Promise<void> {
    this.#finished = true;
    const { signal, onBytes, onCheck } = this.#options;
    const { file, target } = this.#transfer;
    await this.#note;
    await (await this.#handle)?.close();
    this.#handle = undefined;
    await this.#write(); // a kill during the check costs only the check
    onCheck(file);
    const found = await hashFile(partialOf(target), file, signal);
    if (found === file.hash.hex) {
      await rename(partialOf(target), target);
      await rm(noteOf(target), { force: true });
      return;
    }
    await discard(target);
    if (++this.#wrongHashes > 1) {
      throw new FluxionError(
        'bad_file',
        `${file.path}: expected ${file.hash.kind} ${file.hash.hex}, found ${found}, twice`,
        { hint: 'something on the network alters the files: a mirror (HF_ENDPOINT), a proxy or a virus scanner' },
      );
    }
    log('warn', `${file.path}: its hash differs from the hub's; fetching it again`);
    onBytes(-file.size);
    this.#open = [{ start: 0, end: file.size }];
    this.#finished = false;
  }

  /** Records what has arrived and closes the file; removes it if nothing has. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#note;
    if (!this.#handle || this.#finished) return;
    const handle = await this.#handle.catch(() => undefined);
    await handle?.close();
    const { file, target } = this.#transfer;
    if (total([...this.#active, ...this.#open]) === file.size) await discard(target);
    else if (handle) await this.#write();
  }

  #take(): Span {
    const first = this.#open[0]!;
    const end = Math.min(first.end, first.start + this.#options.pieceSize);
    const span = { start: first.start, end };
    if (end === first.end) this.#open.shift();
    else first.start = end;
    this.#active.add(span);
    return span;
  }

  /** Accepts a whole file in place of its first range, if no other range of it is being fetched. */
  #startOver(span: Span, { url }: Reply): void {
    const { path, size } = this.#transfer.file;
    if (span.end === size && this.#open.length === 0 && this.#active.size === 1) {
      this.#options.onBytes(-span.start);
      span.start = 0;
      return;
    }
    throw new FluxionError(
      'unsupported',
      `${new URL(url).host} does not serve byte ranges, which are needed to fetch ${path}`,
      { hint: 'use another mirror (HF_ENDPOINT), or none' },
    );
  }

  #opened(): Promise<FileHandle> {
    this.#handle ??= this.#create();
    return this.#handle;
  }

  /** Opens the file of an interrupted download, or creates an empty one of the full size. */
  async #create(): Promise<FileHandle> {
    const { file, target } = this.#transfer;
    const partial = partialOf(target);
    makeFolder(dirname(target));
    if (readNote(target, file.size) === undefined) {
      await discard(target);
      await writeFile(partial, '');
      await truncate(partial, file.size);
    }
    return open(partial, 'r+');
  }

  /** Records the missing spans, at most once a second. */
  #noteSoon(): void {
    if (this.#note || performance.now() - this.#notedAt < NOTE) return;
    this.#note = this.#write()
      // Without notes, a kill only costs more downloading.
      .catch((error) => log('debug', `${this.#transfer.target}: ${error}`))
      .finally(() => {
        this.#note = undefined;
        this.#notedAt = performance.now();
      });
  }

  async #write(): Promise<void> {
    const { file, target } = this.#transfer;
    const missing = [...this.#active, ...this.#open].filter(({ start, end }) => start < end);
    const note = { size: file.size, missing: missing.map(({ start, end }) => [start, end]) };
    writeWhole(noteOf(target), JSON.stringify(note));
  }
}

function partialOf(target: string): string {
  return target + PARTIAL;
}

function noteOf(target: string): string {
  return `${target}.fluxion.missing`;
}

async function discard(target: string): Promise<void> {
  // The note goes first: a partial file without a note is restarted, but a note without its file would be trusted.
  await rm(noteOf(target), { force: true });
  await rm(partialOf(target), { force: true });
}

/** The spans of a file that have not arrived. */
function openSpans(target: string, { size }: RemoteFile): Span[] {
  return readNote(target, size) ?? [{ start: 0, end: size }];
}

/** Reads the missing spans of an interrupted download; undefined if there is none, or if its files do not match. */
function readNote(target: string, size: number): Span[] | undefined {
  try {
    if (statSync(partialOf(target)).size !== size) return undefined;
    const note = JSON.parse(readFileSync(noteOf(target), 'utf8')) as { size?: unknown; missing?: unknown };
    if (note.size !== size || !Array.isArray(note.missing)) return undefined;
    const spans = note.missing.map((span: unknown) => {
      const [start, end] = Array.isArray(span) ? (span as unknown[]) : [];
      if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) throw new TypeError('not a span');
      return { start: start as number, end: end as number };
    });
    spans.sort((a, b) => a.start - b.start);
    const apart = spans.every(({ start, end }, i) => start >= (spans[i - 1]?.end ?? 0) && start < end && end <= size);
    if (!apart) return undefined;
    // Everything has arrived but the hash is unverified: an empty piece leads to the check.
    return spans.length > 0 ? spans : [{ start: size, end: size }];
  } catch {
    return undefined;
  }
}

function total(spans: readonly Span[]): number {
  return spans.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Checks that the server sends the requested bytes of the listed file. */
function checkRange({ headers }: Reply, { start, end }: Span, { path, size }: RemoteFile): void {
  const found = headers.get('content-range') ?? 'none';
  const [, from, of] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(found) ?? [];
  if (Number(from) === start && (of === '*' || Number(of) === size)) return;
  throw new Interruption(`${path}: expected bytes ${start} to ${end - 1} of ${size}, found range '${found}'`);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

async function hashFile(path: string, { hash, size }: RemoteFile, signal: AbortSignal | undefined): Promise<string> {
  const sum = createHash(hash.kind === 'sha256' ? 'sha256' : 'sha1');
  if (hash.kind === 'git-sha1') sum.update(`blob ${size}\0`);
  await updateFrom(sum, path, signal);
  return sum.digest('hex');
}
