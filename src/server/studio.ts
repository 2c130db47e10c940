/**
 * The studio's page: static files built by Vite, under a content security policy that allows nothing from elsewhere. In a checkout,
 * the first request builds them; the package contains them.
 */

import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { FluxionError } from '../support/errors.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUILT = join(ROOT, 'dist/studio');
/** Exists only in a checkout. */
const BUILD = join(ROOT, 'studio/build.ts');
/** Sources of the page, in a checkout. */
const SOURCES = ['studio', 'src/api', 'src/client.ts'];

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Input pictures are shown by blob addresses. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  vary: 'accept-encoding',
};

type Encoding = 'br' | 'gzip' | 'identity';
type File = {
  readonly headers: Record<string, string>;
  readonly bodies: Readonly<Record<Encoding, Uint8Array<ArrayBuffer>>>;
};

let pages: Promise<ReadonlyMap<string, File>> | undefined;

/** Answers `/` and `/assets/…`; undefined if there is no such file. Throws `not_found` if the page is not built and cannot be built. */
export async function studioPage(request: Request): Promise<Response | undefined> {
  pages ??= open();
  // After a failed build, the next request tries again.
  pages.catch(() => (pages = undefined));
  const file = (await pages).get(new URL(request.url).pathname);
  if (!file) return undefined;
  const accepted = request.headers.get('accept-encoding') ?? '';
  const encoding = (['br', 'gzip'] as const).find((name) => accepted.includes(name)) ?? 'identity';
  const headers = { ...file.headers, ...(encoding !== 'identity' && { 'content-encoding': encoding }) };
  return new Response(file.bodies[encoding], { headers });
}

/** Builds the page if this is a checkout and its sources are newer than what is built. */
export async function buildIfStale(): Promise<void> {
  if (!existsSync(BUILD)) {
    if (existsSync(BUILT)) return;
    throw new FluxionError('not_found', `${BUILT}: the studio's page is not there`, { hint: 'install fluxion again' });
  }
  if (existsSync(join(BUILT, 'index.html')) && (await newest()) <= (await stat(join(BUILT, 'index.html'))).mtimeMs)
    return;
  const { buildStudio } = (await import(pathToFileURL(BUILD).href)) as { buildStudio: () => Promise<void> };
  await buildStudio();
}

/** When the sources were changed last, in milliseconds since 1970. */
async function newest(): Promise<number> {
  const paths = await Promise.all(
    SOURCES.map(async (source) => {
      const path = join(ROOT, source);
      if (!(await stat(path)).isDirectory()) return [path];
      return (await readdir(path, { recursive: true })).map((name) => join(path, name));
    }),
  );
  const times = await Promise.all(paths.flat().map(async (path) => (await stat(path)).mtimeMs));
  return Math.max(...times);
}

/** Reads all files into memory and compresses them: there are few. */
async function open(): Promise<ReadonlyMap<string, File>> {
  await buildIfStale();
  const names = await readdir(BUILT, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile());
  return new Map(
    await Promise.all(
      files.map(async ({ parentPath, name }): Promise<[string, File]> => {
        const path = join(parentPath, name);
        const below = path.slice(BUILT.length).replaceAll('\\', '/');
        return [below === '/index.html' ? '/' : below, await read(path, below.startsWith('/assets/'))];
      }),
    ),
  );
}

async function read(path: string, isHashed: boolean): Promise<File> {
  const identity = new Uint8Array(await readFile(path));
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(identity, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
    promisify(gzip)(identity),
  ]);
  return {
    headers: {
      ...HEADERS,
      'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
      // The name of an asset contains a hash of its content.
      'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    },
    bodies: { br: new Uint8Array(br), gzip: new Uint8Array(gz), identity },
  };
}
