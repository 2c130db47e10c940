/**
 * More than a thousand malformed requests to every API: each is refused with a reason, none causes an internal error, nothing is
 * written, and no other client waits. All are drawn from one seed: `FLUXION_SEED=… node --test` draws others, and a failure names
 * the request.
 */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, test } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { brotliCompressSync, crc32, deflateSync, gzipSync } from 'node:zlib';
import type { Knobs } from '../../src/api/knobs.ts';
import { REQUEST_KNOBS } from '../../src/api/request.ts';
import { encode } from '../../src/index.ts';
import { temporaryFolder } from '../support/command-line.ts';
import { mutations, uniform } from '../support/mutate.ts';
import { refusingModel, TestJobs } from '../support/server.ts';

const SEED = Number(process.env['FLUXION_SEED'] ?? 16);
const random = uniform(SEED);
const below = (n: number): number => Math.floor(random() * n);
const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
const BODY_LIMIT = 2 ** 21;
const MIB = 2 ** 20;

interface Case {
  readonly what: string;
  readonly path: string;
  readonly init: RequestInit;
  /** Whether the mutation may have left the request valid. */
  readonly sound?: boolean;
}

let outside: ReturnType<typeof temporaryFolder>;
let server: TestJobs;
before(async () => {
  outside = temporaryFolder();
  server = new TestJobs({ folder: outside.file('out'), loraDir: outside.path, open: async () => refusingModel, app: { bodyLimit: BODY_LIMIT } }); // biome-ignore format: one call
  await server.host.start();
});
after(async () => {
  await server[Symbol.asyncDispose]();
  outside[Symbol.dispose]();
});

const JSON_TYPE = { 'content-type': 'application/json' };
const post = (path: string, body: BodyInit, headers: Record<string, string> = JSON_TYPE) => ({
  path,
  init: { method: 'POST', body, headers },
});

/** Texts of 128 KiB, on which a careless pattern would take time quadratic in their length: ten seconds and more. */
const LONG = [' ', '\n', '<', '<lora:', '(', '[', 'a', '\\', '/', '=', 'lora ', 'data:', '%', '\u{1f600}', '=\n'].map(
  (piece) => `${piece.repeat(Math.ceil(MIB / 8 / Buffer.byteLength(piece)))}!`,
);
const TRICKS = ['../../etc/passwd', '..\\..\\x', '/etc/passwd', 'C:\\x', '\\\\host\\share', 'a\0b', '.', '..', '~', '$HOME', 'file:///etc/passwd', 'con', 'x'.repeat(300), 'fluxion-server.sqlite', '%2e%2e%2f', '\u202e', '-rf', '| id', 'http://127.0.0.1:1/', 'data:text/html,x', '__proto__', 'constructor', 'out/../out']; // biome-ignore format: a list
const VALUES: readonly unknown[] = [null, true, false, {}, [], [[]], [null], '', ' ', -1, -0.5, 0, 2 ** 53, 2 ** 31, 1e308, 5e-324, { length: 1e9 }, { toString: 1 }, { path: '../x' }, [{ path: '/etc/passwd' }], { data: [1], width: 1, height: 1 }, { arrayBuffer: 1 }, { image_url: 'http://127.0.0.1:1/' }, { type: 'Buffer', data: [1, 2] }, Array(3000).fill('x'), Array(3000).fill(1), ...TRICKS, ...LONG]; // biome-ignore format: a list
const NATIVE = { prompt: 'a house', width: 64, height: 48, steps: 2, seed: 7 };
const OPENAI = { prompt: 'a house', size: '64x48', n: 1, steps: 2, seed: 7 };
const A1111 = { prompt: 'a house', width: 64, height: 48, steps: 2, seed: 7, batch_size: 1, n_iter: 1 };
const KNOBS = Object.values<Knobs[string]>(REQUEST_KNOBS).flatMap(({ key }) => key ?? []);
const ROUTES: readonly (readonly [path: string, base: object, fields: readonly string[]])[] = [
  ['/v1/jobs', NATIVE, Object.keys(REQUEST_KNOBS)],
  ['/v1/images/generations', OPENAI, ['model', 'n', 'size', 'quality', 'output_format', 'output_compression', 'response_format', 'background', 'stream', 'partial_images', ...KNOBS]],
  ['/v1/images/edits', OPENAI, ['image', 'images', 'mask', ...KNOBS]],
  ['/sdapi/v1/txt2img', A1111, ['prompt', 'negative_prompt', 'seed', 'steps', 'width', 'height', 'batch_size', 'n_iter', 'cfg_scale', 'distilled_cfg_scale', 'sampler_name', 'scheduler', 'send_images']],
  ['/sdapi/v1/img2img', A1111, ['init_images', 'mask', 'mask_blur', 'inpainting_mask_invert', 'denoising_strength', 'resize_mode', 'n_iter']],
  ['/sdapi/v1/png-info', {}, ['image']],
  ['/sdapi/v1/options', {}, ['sd_model_checkpoint']],
  ['/v1/recipes', {}, ['x']],
  ['/v1/pictures/x_0.png', {}, ['favourite', 'deleted']],
]; // biome-ignore format: a table
const JSON_ROUTES = ROUTES.slice(0, 7);

/** JSON with one field set. It is text, because in text `__proto__` is a field like any other. */
const withField = (base: object, field: string, text: string): string =>
  `{${[...Object.entries(base).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`), `${JSON.stringify(field)}:${text}`].join(',')}}`; // biome-ignore format: one text

function* odd(): Generator<Case> {
  for (let i = 0; i < 450; i++) {
    const [path, base, fields] = pick(JSON_ROUTES);
    const field = pick([...fields, '__proto__', 'constructor', 'unknown', pick(TRICKS)]);
    const value = pick(VALUES);
    const text = JSON.stringify(value);
    yield { what: `${path} ${field}=${text.slice(0, 60)}`, sound: true, ...post(path, withField(base, field, text)) };
  }
}

/** Long texts in every field that takes a picture. */
function* long(): Generator<Case> {
  for (const text of LONG) {
    const data = `data:image/png;base64,${text}`;
    for (const [path, body] of [
      ['/v1/jobs', { ...NATIVE, image: data }],
      ['/v1/images/edits', { ...OPENAI, image: text }],
      ['/v1/images/edits', { ...OPENAI, image: data, mask: text }],
      ['/sdapi/v1/img2img', { ...A1111, init_images: [text] }],
      ['/sdapi/v1/img2img', { ...A1111, init_images: [data], mask: text }],
      ['/sdapi/v1/png-info', { image: text }],
    ] as const)
      yield { what: `${path} long ${JSON.stringify(text.slice(0, 6))}`, ...post(path, JSON.stringify(body)) };
  }
}

function* broken(): Generator<Case> {
  const texts = ['', '{', '[', 'nul', '{"prompt":NaN}', '{"prompt":"a","seed":Infinity}', '{"prompt":"a","steps":1e999}', '{"prompt":"a","width":-1e999}', "{'prompt':'a'}", '{"prompt":"a",}', '{"prompt":"a"}{', '{"prompt":"a"} // x', '"\\ud800"', '7', 'null', '[]', 'true', `${'['.repeat(9000)}${']'.repeat(9000)}`, '{"a":'.repeat(9000), `[${'1,'.repeat(250_000)}1]`, `{"prompt":[${'[]'.padEnd(9000, ',[]')}]}`, '\0', `${'{"prompt":"a"}'}\0`]; // biome-ignore format: a list
  const bytes = [Buffer.from([0xff, 0xfe, 0x7b, 0]), Buffer.from('{"prompt":"a"}', 'utf16le'), Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22]), Buffer.from([0xf8, 0x88, 0x80, 0x80]), Buffer.from('{"prompt":"\xe9"}', 'latin1'), Buffer.alloc(1000, 0x80)]; // biome-ignore format: a list
  const blank = Buffer.alloc(8 * MIB, 0x20);
  const gzip = new Uint8Array(gzipSync(blank));
  const deflate = new Uint8Array(deflateSync(blank));
  const br = new Uint8Array(brotliCompressSync(blank));
  const bombs = Object.entries({ gzip, deflate, br, GZIP: gzip, 'identity, gzip': gzip, zstd: gzip, x: gzip });
  for (const [path] of JSON_ROUTES) {
    for (const text of texts)
      yield { what: `${path} ${text.slice(0, 40)}`, sound: path.endsWith('options'), ...post(path, text) };
    for (const [i, data] of bytes.entries()) yield { what: `${path} bytes ${i}`, ...post(path, new Uint8Array(data)) };
    yield { what: `${path} too large`, ...post(path, `{"prompt":"${'x'.repeat(BODY_LIMIT)}"}`) };
    for (const [encoding, bomb] of bombs)
      yield { what: `${path} ${encoding}`, ...post(path, bomb, { ...JSON_TYPE, 'content-encoding': encoding }) };
  }
}

function* mutated(): Generator<Case> {
  for (const [path, base] of JSON_ROUTES) {
    const bodies = mutations(Buffer.from(JSON.stringify(base)), 30, SEED + path.length);
    for (const [i, body] of [...bodies].entries())
      yield { what: `${path} mutation ${i}`, sound: true, ...post(path, new Uint8Array(body)) };
  }
}

const form = (boundary = 'x'): Record<string, string> => ({
  'content-type': `multipart/form-data; boundary=${boundary}`,
});
const part = (name: string, value: string, more = '') =>
  `--x\r\ncontent-disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;

function* forms(png: string): Generator<Case> {
  const request = part('request', JSON.stringify(NATIVE));
  const prompt = part('prompt', 'a house');
  const file = (name: string, fileName: string, content = png) => part(name, content, `; filename="${fileName}"`);
  const bodies: readonly (readonly [string, string, Record<string, string>?])[] = [
    ['none', 'x'], ['empty', ''], ['only an end', '--x--\r\n'], ['cut off', request], ['cut off in a header', `${request}--x\r\ncontent-disp`],
    ['no name', `--x\r\ncontent-disposition: form-data\r\n\r\na\r\n--x--\r\n`], ['no disposition', `--x\r\n\r\na\r\n--x--\r\n`],
    ['many parts', `${part('a', 'b').repeat(3000)}--x--\r\n`], ['many headers', `--x\r\n${'a: b\r\n'.repeat(20_000)}\r\n\r\n--x--\r\n`],
    ['a long header', `--x\r\ncontent-disposition: form-data; name="${'a'.repeat(MIB)}"\r\n\r\n\r\n--x--\r\n`],
    ['two requests', `${request}${request}--x--\r\n`], ['a prototype', `${request}${part('__proto__', '{"steps":1}')}--x--\r\n`],
    ['a file for the request', `${file('request', 'a.json', '{}')}--x--\r\n`], ['a text for a picture', `${request}${prompt}${part('image', '/etc/passwd')}--x--\r\n`],
    ['an empty file', `${request}${prompt}${file('image', 'a.png', '')}--x--\r\n`], ['a file for a number', `${request}${prompt}${file('steps', 'a.png')}--x--\r\n`],
    ['nested', `${request}--x\r\ncontent-type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\na\r\n--y--\r\n--x--\r\n`],
    ['another boundary', `${request}--x--\r\n`, form('y')], ['no boundary', request, { 'content-type': 'multipart/form-data' }],
    ['an empty boundary', request, form('""')], ['a long boundary', request, form('y'.repeat(70_000))], ['a boundary of a pattern', request, form('(.*)+')],
    ['packed parts', `--x\r\ncontent-disposition: form-data; name="image"; filename="a"\r\ncontent-encoding: gzip\r\n\r\n${gzipSync(Buffer.alloc(MIB)).toString('latin1')}\r\n--x--\r\n`],
    ['a zip', `${request}${prompt}${file('image', 'a.png', 'PK\x03\x04')}--x--\r\n`], ['an SVG', `${request}${prompt}${file('image', 'a.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="99999" height="99999"/>')}--x--\r\n`],
  ]; // biome-ignore format: a table
  for (const path of ['/v1/jobs', '/v1/images/edits', '/v1/images/generations'])
    for (const [what, body, headers = form()] of bodies)
      yield {
        what: `${path} form: ${what}`,
        sound: /cut off|many|nested|packed|disposition|only/.test(what),
        ...post(path, body, headers),
      };
  for (const path of ['/v1/jobs', '/v1/images/edits']) {
    for (const trick of TRICKS) {
      const named = `${request}${prompt}${file('image', trick.replaceAll('"', '%22'))}--x--\r\n`;
      yield { what: `${path} file ${trick}`, sound: true, ...post(path, named, form()) };
    }
    const whole = Buffer.from(`${request}${prompt}${file('image', 'a.png')}--x--\r\n`, 'latin1');
    for (const [i, body] of [...mutations(whole, 60, SEED + 1)].entries())
      yield { what: `${path} form mutation ${i}`, sound: true, ...post(path, new Uint8Array(body), form()) };
  }
}

/** A chunk of a PNG. */
function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type), data, Buffer.alloc(4)]);
  bytes.writeUInt32BE(data.length, 0);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
  return bytes;
}

function* pictures(png: Buffer): Generator<Case> {
  const sized = (width: number, height: number): Buffer => {
    const bytes = Buffer.from(png);
    bytes.writeUInt32BE(width, 16);
    bytes.writeUInt32BE(height, 20);
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
    return bytes;
  };
  const after = (...chunks: Buffer[]): Buffer => Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);
  const bomb = deflateSync(Buffer.alloc(8 * MIB));
  const text = (type: string, head: string) => chunk(type, Buffer.concat([Buffer.from(head, 'latin1'), bomb]));
  const jpeg = Buffer.from('ffd8ffc0001108ffffffff03011100021100031100ffda', 'hex');
  const webp = Buffer.concat([
    Buffer.from('RIFF\x80\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0', 'latin1'),
    Buffer.alloc(6, 0xff),
    Buffer.alloc(100),
  ]);
  const files: readonly (readonly [string, Buffer, boolean?])[] = [
    ['a head of 32000 × 32000', sized(32_000, 32_000)], ['a head of 2^31', sized(2 ** 31 - 1, 2 ** 31 - 1)], ['a head of nothing', sized(0, 0)],
    ['data of another size', sized(4096, 4096), true], ['rows that unfold', after(chunk('IDAT', bomb)), true], ['texts that unfold', after(...Array(4).fill(text('zTXt', 'a\0\0'))), true],
    ['international texts that unfold', after(...Array(4).fill(text('iTXt', 'a\0\x01\0\0\0'))), true], ['a profile that unfolds', after(text('iCCP', 'a\0\0')), true],
    ['cut off', png.subarray(0, 40), true], ['a wrong checksum', Buffer.concat([png.subarray(0, 29), Buffer.alloc(4), png.subarray(33)]), true], ['many chunks', after(...Array(30_000).fill(chunk('teSt', Buffer.alloc(0)))), true],
    ['no end', png.subarray(0, -12), true], ['a chunk longer than the file', Buffer.concat([png.subarray(0, 33), Buffer.from('7fffffff49444154', 'hex')]), true],
    ['a JPEG of 65535 × 65535', jpeg], ['a WebP of 16 million by 16 million', webp], ['a GIF of 65535 × 65535', Buffer.from('GIF89a\xff\xff\xff\xff\0\0\0;', 'latin1')],
    ['an AVIF that is none', Buffer.from('\0\0\0\x20ftypavif\0\0\0\0avifmif1miaf', 'latin1')], ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['a TIFF', Buffer.from('II*\0\x08\0\0\0', 'latin1')], ['a ZIP', Buffer.from('PK\x03\x04')], ['a video', Buffer.from('\0\0\0\x20ftypisom', 'latin1')], ['HTML', Buffer.from('<!doctype html>')], ['zeros', Buffer.alloc(1000)],
  ]; // biome-ignore format: a table
  for (const [what, bytes, sound = false] of files) {
    const base64 = bytes.toString('base64');
    const data = `data:image/png;base64,${base64}`;
    const asked: readonly (readonly [string, object])[] = [
      ['/v1/jobs', { ...NATIVE, image: data }], ['/v1/images/edits', { ...OPENAI, image: base64 }], ['/v1/images/edits', { ...OPENAI, image: png.toString('base64'), mask: data }],
      ['/sdapi/v1/img2img', { ...A1111, init_images: [base64] }], ['/sdapi/v1/img2img', { ...A1111, init_images: [png.toString('base64')], mask: base64, inpainting_mask_invert: 1 }], ['/sdapi/v1/png-info', { image: data }],
    ]; // biome-ignore format: a table
    for (const [path, body] of asked)
      yield { what: `${path} ${what}`, sound: sound || path.endsWith('info'), ...post(path, JSON.stringify(body)) };
    yield { what: `/v1/recipes ${what}`, sound, ...post('/v1/recipes', new Uint8Array(bytes), {}) };
  }
}

function* places(): Generator<Case> {
  const names = [
    ...TRICKS.map(encodeURIComponent),
    '..%2f..%2fetc',
    '%00',
    '%ff',
    '%',
    '%c0%ae%c0%ae/',
    '\u{1f600}',
    'x'.repeat(5000),
    ';a=b',
    ' ',
  ];
  for (const name of names) {
    for (const path of [
      `/v1/jobs/${name}`,
      `/v1/jobs/${name}/events`,
      `/v1/pictures/${name}`,
      `/v1/models/${name}`,
      `/assets/${name}`,
      `/${name}`,
    ])
      yield { what: `GET ${path}`, path, init: {}, sound: true };
    yield { what: `DELETE /v1/pictures/${name}`, path: `/v1/pictures/${name}`, init: { method: 'DELETE' } };
  }
  const queries = [
    'limit=0',
    'limit=-1',
    'limit=1e3',
    'limit=99999999999',
    'limit=1&limit=x',
    'limit[]=1',
    'status=x',
    'favourite=1',
    `search=${'%25'.repeat(2000)}`,
    `before=${'x'.repeat(200)}`,
    'limit=%00',
    'limit=１',
  ];
  for (const query of queries) for (const list of ['jobs', 'pictures']) yield { what: `${list}?${query}`, path: `/v1/${list}?${query}`, init: {}, sound: /&|\[|status|favourite/.test(query) }; // biome-ignore format: one line
  const paths = [
    '/v1/jobs',
    '/v1/jobs/x',
    '/v1/pictures',
    '/v1/pictures/x',
    '/v1/model',
    '/v1/models',
    '/v1/images/generations',
    '/v1/images/edits',
    '/sdapi/v1/txt2img',
    '/sdapi/v1/progress',
    '/healthz',
    '/metrics',
    '/openapi.json',
    '/',
  ];
  for (const path of paths) for (const method of ['PUT', 'PROPFIND', 'QUERY', 'OPTIONS', 'get', 'X'.repeat(500)]) yield { what: `${method.slice(0, 20)} ${path}`, path, init: { method }, sound: method === 'get' }; // biome-ignore format: one line
  for (const [path] of ROUTES) yield { what: `GET ${path}`, path, init: {}, sound: path === '/v1/jobs' || path.endsWith('options') }; // biome-ignore format: one line
}

test('each is refused with what is wrong', { timeout: 300_000 }, async (t) => {
  const png = Buffer.from(await encode({ width: 64, height: 48, data: new Uint8Array(64 * 48 * 3) }, 'png'));
  const cases = [
    ...odd(),
    ...long(),
    ...broken(),
    ...mutated(),
    ...forms(png.toString('latin1')),
    ...pictures(png),
    ...places(),
  ];
  const written = () => readdirSync(outside.path, { recursive: true }).filter((name) => !String(name).includes('fluxion-server.sqlite')).sort(); // biome-ignore format: one line
  const before = written();
  const folder = dirname(outside.path);
  let refused = 0;
  let longest = 0;
  let slowest = '';
  let current = '';
  let going = true;
  // Another client, which needs the loop every few milliseconds. Its waits count this process's CPU time: others may have the processor.
  const worked = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const other = (async () => {
    for (let [last, before] = [worked(), current]; going; [last, before] = [worked(), current]) {
      await setTimeout(5);
      const gap = worked() - last;
      if (gap > longest) [longest, slowest] = [gap, before === current ? current : `from ${before} to ${current}`];
    }
  })();
  try {
    for (const { what, path, init, sound = false } of cases) {
      current = what;
      const answer = await server.ask(path, init);
      const text = await answer.text();
      // All of it may have happened in one turn of the loop.
      await setImmediate();
      const told = `seed ${SEED}, ${what}: ${answer.status} ${text.slice(0, 300)}`;
      assert.ok(answer.status < 500 && (sound || answer.status >= 400), told);
      if (answer.status < 400) continue;
      refused++;
      assert.match(answer.headers.get('content-type') ?? '', /^application\/json/, told);
      const { error, detail } = JSON.parse(text) as { error: { message: string } | string; detail?: string };
      const message = typeof error === 'string' ? detail! : error.message;
      assert.ok(message.length > 10 && message.length < 3000, told);
      assert.ok(
        !text.includes(folder) && !/node:internal|at file:|\.ts:\d|own: its log|\[object|undefined/.test(text),
        told,
      );
    }
  } finally {
    going = false;
    await other;
  }
  assert.ok(refused >= 1000, String(refused));
  // A pattern or a parser that goes wild would take minutes.
  assert.ok(longest < 1500, `${longest} ms: ${slowest}`);
  assert.deepEqual(written(), before);
  assert.equal(({} as { steps?: number }).steps, undefined);
  await Promise.all(server.jobs.list({ limit: 200 }).map(({ id }) => server.jobs.get(id)!.over));
  assert.deepEqual(server.jobs.counts, { queued: 0, running: 0 });
  t.diagnostic(
    `${cases.length} asked, ${refused} refused; the loop was away for ${longest.toFixed()} ms of work at most: ${slowest}`,
  );
});

test('as many parts of a form, and as many values of a JSON text, as can be parsed quickly', async () => {
  const told = async (body: string, headers?: Record<string, string>): Promise<string> => {
    const { path, init } = post('/v1/jobs', body, headers);
    return (await server.ask(path, init)).text();
  };
  const parts = (count: number) => told(`${part('a', 'b').repeat(count - 1)}--x--\r\n`, form());
  assert.match(await parts(257), /at most 256 parts/);
  assert.doesNotMatch(await parts(256), /parts/);
  // Each value but the outermost follows a comma or a bracket.
  const values = (count: number) => told(`[${'0,'.repeat(count - 2)}0]`);
  assert.match(await values(200_002), /at most 200000 values/);
  assert.doesNotMatch(await values(200_001), /values/);
});

type BodyInit = NonNullable<RequestInit['body']>;
