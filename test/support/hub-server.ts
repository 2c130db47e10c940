/**
 * A server on 127.0.0.1 that speaks the hub's API: model info, paged trees, `resolve` with its headers, and a second server, another
 * origin as the hub's storage is, that large files are redirected to. A test makes either one fail.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative, sep } from 'node:path';

/** A repository: one commit, its files by path. */
export interface ServedRepo {
  readonly commit: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Branches and tags that stand for the commit, besides `main`. */
  readonly refs?: readonly string[];
  /** Entries of the tree that are sent as they are, true or not. */
  readonly extraEntries?: readonly unknown[];
  /** Tokens that may download; anybody unless given. */
  readonly gatedFor?: readonly string[];
}

export interface SeenRequest {
  readonly server: 'hub' | 'storage';
  readonly method: string;
  readonly url: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** What a test makes of a request: `pass`, an answer of its own, or a body that goes wrong. */
export type Fault =
  | 'pass'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Sends this many bytes and then nothing more. */
  | { readonly stallAfter: number }
  /** Sends this many bytes and then breaks the connection. */
  | { readonly resetAfter: number }
  /** Says that the body is only this long. */
  | { readonly truncateTo: number }
  /** Sends other bytes of the same length. */
  | { readonly corrupt: true }
  /** Sends the whole file whatever range was asked for. */
  | { readonly ignoreRange: true }
  /** Sends at most this many bytes a second. */
  | { readonly bytesPerSecond: number };

/** Files at least this long are kept in storage, as are all safetensors. */
const LARGE = 1 << 20;

/** A hash of files, each computed once: a server that hashes all files for each request is a slow one. */
function remembered(hash: (bytes: Uint8Array) => string): (bytes: Uint8Array) => string {
  const known = new WeakMap<Uint8Array, string>();
  return (bytes) => {
    const found = known.get(bytes) ?? hash(bytes);
    known.set(bytes, found);
    return found;
  };
}

export const sha256: (bytes: Uint8Array) => string = remembered((bytes) =>
  createHash('sha256').update(bytes).digest('hex'),
);

export const gitSha1: (bytes: Uint8Array) => string = remembered((bytes) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'),
);

export function isLarge(path: string, bytes: Uint8Array): boolean {
  return bytes.length >= LARGE || path.endsWith('.safetensors');
}

/** Reads a folder as a repository; the commit is made from its files. */
export function repoOf(folder: string): ServedRepo {
  const files = new Map(
    readdirSync(folder, { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((path) => statSync(path).isFile())
      .sort()
      .map((path) => [relative(folder, path).split(sep).join('/'), readFileSync(path)]),
  );
  return { commit: commitOf(files), files };
}

export function commitOf(files: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash('sha1');
  for (const [path, bytes] of files) hash.update(`${path}\0${gitSha1(bytes)}`);
  return hash.digest('hex');
}

export class HubServer implements AsyncDisposable {
  readonly repos: Map<string, ServedRepo> = new Map();
  readonly requests: SeenRequest[] = [];
  /** Bytes of bodies that storage has sent. */
  storageBytes = 0;
  /** Entries on one page of a tree. */
  pageSize = 1000;
  /** Decides what becomes of a request. */
  fault: (request: SeenRequest) => Fault = () => 'pass';
  readonly #hub: Server;
  readonly #storage: Server;

  private constructor() {
    this.#hub = createServer((request, response) => this.#answer('hub', request, response));
    this.#storage = createServer((request, response) => this.#answer('storage', request, response));
  }

  static async start(repos: Readonly<Record<string, ServedRepo>>): Promise<HubServer> {
    const server = new HubServer();
    for (const [name, repo] of Object.entries(repos)) server.repos.set(name, repo);
    for (const one of [server.#hub, server.#storage]) {
      await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
    }
    return server;
  }

  get endpoint(): string {
    return originOf(this.#hub);
  }

  get storageOrigin(): string {
    return originOf(this.#storage);
  }

  /** Requests for bytes of files, of one path where that is given. */
  downloads(path = ''): SeenRequest[] {
    return this.requests.filter(
      ({ url, method }) => method === 'GET' && url.includes('/resolve/') && url.endsWith(path),
    );
  }

  #answer(server: 'hub' | 'storage', request: IncomingMessage, response: ServerResponse): void {
    const seen: SeenRequest = {
      server,
      method: request.method ?? '',
      url: request.url ?? '',
      range: request.headers.range,
      authorization: request.headers.authorization,
    };
    this.requests.push(seen);
    const fault = this.fault(seen);
    if (fault !== 'pass' && 'status' in fault) {
      response.writeHead(fault.status, fault.headers).end(fault.body ?? '');
      return;
    }
    const url = new URL(seen.url, 'http://hub');
    const path = decodeURIComponent(url.pathname);
    if (server === 'storage') return void this.#storedFile(path, seen, response, fault);
    const info = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/(.+)$/.exec(path);
    const tree = /^\/api\/models\/([^/]+\/[^/]+)\/tree\/([^/]+)$/.exec(path);
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const [, name = '', revision = '', inside = ''] = info ?? tree ?? file ?? [];
    const repo = this.repos.get(name);
    if (!repo) {
      const known = seen.authorization !== undefined;
      return void refuse(response, known ? 404 : 401, 'RepoNotFound', 'Repository not found');
    }
    if (!['main', repo.commit, ...(repo.refs ?? [])].includes(revision)) {
      return void refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    }
    if (info) return void json(response, this.#info(name, repo));
    if (tree) return void this.#tree(url, repo, response);
    if (repo.gatedFor && !repo.gatedFor.some((token) => seen.authorization === `Bearer ${token}`)) {
      const status = seen.authorization === undefined ? 401 : 403;
      return void refuse(response, status, 'GatedRepo', `Access to model ${name} is restricted.`);
    }
    const bytes = repo.files.get(inside);
    if (!bytes) return void refuse(response, 404, 'EntryNotFound', 'Entry not found');
    response.setHeader('x-repo-commit', repo.commit);
    if (!isLarge(inside, bytes)) {
      response.setHeader('etag', `"${gitSha1(bytes)}"`);
      return void this.#send(bytes, seen, response, fault);
    }
    const hash = sha256(bytes);
    response.writeHead(302, {
      location: `${this.storageOrigin}/${name}/${hash}?signature=1`,
      'x-linked-etag': `"${hash}"`,
      'x-linked-size': String(bytes.length),
    });
    response.end();
  }

  #info(name: string, repo: ServedRepo): unknown {
    const siblings = [...repo.files.keys()].map((rfilename) => ({ rfilename }));
    const gated = repo.gatedFor ? 'auto' : false;
    const lastModified = '2024-08-01T00:00:00.000Z';
    return { _id: '66aa', id: name, modelId: name, sha: repo.commit, private: false, gated, lastModified, siblings };
  }

  #tree(url: URL, { files, extraEntries = [] }: ServedRepo, response: ServerResponse): void {
    const entries = [...files].map(([path, bytes]) => {
      const pointer = { type: 'file', path, size: bytes.length, oid: gitSha1(bytes) };
      const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize: 135 };
      return isLarge(path, bytes) ? { ...pointer, lfs } : pointer;
    });
    const folders = new Set(
      entries.flatMap(({ path }) => (path.includes('/') ? [path.slice(0, path.indexOf('/'))] : [])),
    );
    const all = [
      ...[...folders].map((path) => ({ type: 'directory', path, size: 0, oid: '0'.repeat(40) })),
      ...entries,
      ...extraEntries,
    ];
    const start = Number(url.searchParams.get('cursor') ?? 0);
    if (start + this.pageSize < all.length) {
      const next = new URL(url.pathname + url.search, this.endpoint);
      next.searchParams.set('cursor', String(start + this.pageSize));
      response.setHeader('link', `<${next.href}>; rel="next"`);
    }
    json(response, all.slice(start, start + this.pageSize));
  }

  #storedFile(path: string, seen: SeenRequest, response: ServerResponse, fault: Fault): void {
    // As S3 does with a request that is signed and has a token too.
    if (seen.authorization !== undefined) return void response.writeHead(400).end('only one auth mechanism allowed');
    const hash = path.split('/').at(-1);
    const all = [...this.repos.values()].flatMap(({ files }) => [...files.values()]);
    const bytes = all.find((candidate) => sha256(candidate) === hash);
    if (!bytes) return void response.writeHead(404).end();
    this.#send(bytes, seen, response, fault);
  }

  #send(whole: Uint8Array, { method, range, server }: SeenRequest, response: ServerResponse, fault: Fault): void {
    const asked = /^bytes=(\d+)-(\d*)$/.exec(range ?? '');
    const ignored = fault !== 'pass' && 'ignoreRange' in fault;
    const start = asked && !ignored ? Number(asked[1]) : 0;
    const end = asked && !ignored && asked[2] ? Math.min(Number(asked[2]) + 1, whole.length) : whole.length;
    if (start > end) return void response.writeHead(416).end();
    let bytes = whole.subarray(start, end);
    response.setHeader('accept-ranges', 'bytes');
    if (asked && !ignored) response.setHeader('content-range', `bytes ${start}-${end - 1}/${whole.length}`);
    const length = fault !== 'pass' && 'truncateTo' in fault ? Math.min(fault.truncateTo, bytes.length) : bytes.length;
    response.setHeader('content-length', length);
    response.writeHead(asked && !ignored ? 206 : 200);
    if (method === 'HEAD') return void response.end();
    const count = (sent: Uint8Array): Uint8Array => {
      if (server === 'storage') this.storageBytes += sent.length;
      return sent;
    };
    if (fault === 'pass' || 'ignoreRange' in fault) return void response.end(count(bytes));
    if ('truncateTo' in fault) return void response.end(count(bytes.subarray(0, length)));
    if ('corrupt' in fault) {
      bytes = bytes.map((byte) => byte ^ 1);
      return void response.end(count(bytes));
    }
    if ('stallAfter' in fault) return void response.write(count(bytes.subarray(0, fault.stallAfter)));
    if ('resetAfter' in fault) {
      response.write(count(bytes.subarray(0, fault.resetAfter)), () => response.destroy());
      return;
    }
    if ('bytesPerSecond' in fault) {
      let at = 0;
      const timer = setInterval(() => {
        // A test may change the rate on the way.
        const step = Math.max(1, Math.floor(fault.bytesPerSecond / 50));
        if (response.destroyed) return clearInterval(timer);
        response.write(count(bytes.subarray(at, at + step)));
        at += step;
        if (at < bytes.length) return;
        clearInterval(timer);
        response.end();
      }, 20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#hub, this.#storage]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  const headers = { 'content-type': 'application/json', 'x-error-code': code, 'x-error-message': message };
  response.writeHead(status, headers).end(JSON.stringify({ error: message }));
}
