/** Access control and hostile requests: keys, hosts, origins, rates, and malformed requests of every kind. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { encode, type Flux } from '../../src/index.ts';
import { PictureLinks } from '../../src/server/picture-links.ts';
import { ApiKeys, requireSafeAddress } from '../../src/server/security.ts';
import { fails } from '../support/fails.ts';
import { refusingModel, SMALL, TestJobs } from '../support/server.ts';

const KEYS = { anna: 'a'.repeat(16), ben: 'b'.repeat(20) };
const SMALL_OPENAI = { prompt: 'a red house', size: '64x48', steps: 2, max_sequence_length: 16 };
const keys = ApiKeys.parse(`# keys\nanna:${KEYS.anna}\n\n${KEYS.ben} # of Ben`, 'keys.txt');

test('keys are read with their names, and compared by their hashes', () => {
  assert.equal(keys.count, 2);
  assert.equal(keys.callerOf(KEYS.anna), 'anna');
  assert.match(keys.callerOf(KEYS.ben)!, /^key-[0-9a-f]{8}$/);
  assert.equal(keys.callerOf('c'.repeat(16)), undefined);
  fails(() => ApiKeys.parse('short', 'keys.txt'), 'bad_config', /keys\.txt: expected keys of 16 characters/);
});

test('a server that others reach asks for a key, or is told to be open', () => {
  for (const host of ['127.0.0.1', '::1', 'localhost', '127.8.8.8']) requireSafeAddress(host, {}, false);
  for (const host of ['0.0.0.0', '::', '192.168.1.2', 'example.org']) {
    fails(() => requireSafeAddress(host, {}, false), 'bad_config', /asks for no key/, /FLUXION_API_KEYS/);
    requireSafeAddress(host, { keys }, false);
    requireSafeAddress(host, {}, true);
  }
});

test('with keys, each caller has their own jobs and pictures', async () => {
  await using server = new TestJobs({ app: { security: { keys } } });
  const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
  assert.equal((await server.ask('/v1/jobs')).status, 401);
  assert.equal((await server.ask('/v1/jobs', as('wrong'))).status, 401);
  assert.equal((await server.ask('/metrics')).status, 401);
  assert.equal((await server.ask('/healthz')).status, 200);
  const answer = await server.post('/v1/jobs', SMALL, as(KEYS.anna).headers);
  const { id } = (await answer.json()) as { id: string };
  const job = server.jobs.get(id)!;
  await job.over;
  const paths = [`/v1/jobs/${id}`, `/v1/jobs/${id}/events`, `/v1/pictures/${id}_0.png`];
  for (const path of paths) {
    assert.equal((await server.ask(path, as(KEYS.anna))).status, 200, path);
    assert.equal((await server.ask(path, as(KEYS.ben))).status, 404, path);
  }
  const deleting = { ...as(KEYS.ben), method: 'DELETE' };
  assert.equal((await server.ask(`/v1/jobs/${id}`, deleting)).status, 404);
  assert.equal((await server.ask(`/v1/pictures/${id}_0.png`, deleting)).status, 404);
  assert.deepEqual(await (await server.ask('/v1/jobs', as(KEYS.ben))).json(), { jobs: [] });
  assert.deepEqual(await (await server.ask('/v1/pictures', as(KEYS.ben))).json(), { pictures: [] });
});

test('a key is taken as the password of HTTP too, as clients of A1111 send it', async () => {
  await using server = new TestJobs({ open: async () => refusingModel, app: { security: { keys } } });
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  const status = async (headers: Record<string, string>) =>
    (await server.ask('/sdapi/v1/sd-models', { headers })).status;
  for (const text of [`user:${KEYS.anna}`, `:${KEYS.anna}`]) assert.equal(await status(basic(text)), 200, text);
  for (const text of [KEYS.anna, 'user:', `${KEYS.anna}:user`, `user:${KEYS.anna} `, ''])
    assert.equal(await status(basic(text)), 401, text);
  for (const authorization of ['Basic', 'Basic !', `Digest ${KEYS.anna}`, `Bearer  `, `bearer${KEYS.anna}`])
    assert.equal(await status({ authorization }), 401, authorization);
});

test('an address of a picture opens it without a key, that one alone and for an hour', async () => {
  const links = new PictureLinks();
  const path = '/v1/pictures/a_0.png';
  const signed = links.signed(path, 1_000_000);
  const query = Object.fromEntries(new URL(signed, 'http://x').searchParams);
  assert.ok(links.opens(path, query, 1_000_000) && links.opens(path, query, 4_599_000));
  assert.ok(!links.opens(path, query, 4_601_000));
  assert.ok(!links.opens('/v1/pictures/a_1.png', query, 1_000_000));
  assert.ok(!links.opens(path, { ...query, expires: '9999999' }, 1_000_000));
  for (const odd of [{}, { ...query, signature: '' }, { ...query, signature: 'AAAA' }, { ...query, expires: '1e9' }])
    assert.ok(!links.opens(path, odd, 1_000_000));
  assert.ok(!new PictureLinks().opens(path, query, 1_000_000));

  await using server = new TestJobs({ app: { security: { keys } } });
  const authorization = `Bearer ${KEYS.anna}`;
  const asked = { ...SMALL_OPENAI, response_format: 'url' };
  const answer = await server.post('/v1/images/generations', asked, { authorization, 'x-forwarded-proto': 'https' });
  const { data } = (await answer.json()) as { data: { url: string }[] };
  const url = new URL(data[0]!.url);
  assert.equal(url.origin, 'https://localhost:8000');
  const status = async (address: string, init?: RequestInit) => (await server.ask(address, init)).status;
  const own = url.pathname + url.search;
  assert.equal(await status(own), 200);
  assert.equal(await status(own, { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } }), 200);
  assert.equal(await status(`${own}&width=32`), 200);
  assert.equal(await status(url.pathname), 401);
  assert.equal(await status(own, { method: 'DELETE' }), 401);
  assert.equal(await status(`/v1/jobs${url.search}`), 401);
});

test('paths that are read in two ways ask for a key', async () => {
  await using server = new TestJobs({ open: async () => refusingModel, app: { security: { keys } } });
  for (const path of [
    '/v1/models/x/../../../healthz',
    '/v1/models/%2e%2e/%2e%2e/healthz',
    '//v1/jobs',
    '/assets/../v1/jobs',
    '/studio/../v1/jobs',
    '/healthz/../v1/jobs',
  ]) {
    const { status } = await server.app.fetch(askedAs(path));
    assert.ok([401, 404].includes(status) || path.includes('healthz'), `${path}: ${status}`);
    const body = await (await server.app.fetch(askedAs(path))).text();
    assert.ok(!body.includes('"data"') && !body.includes('"jobs"'), `${path}: ${body}`);
  }
});

/** A request whose path is sent as it is: clients would normalise it. */
function askedAs(path: string): Request {
  return new Proxy(new Request('http://localhost:8000/'), {
    get: (request, name) => (name === 'url' ? `http://localhost:8000${path}` : Reflect.get(request, name, request)),
  });
}

test('pages that are listed read all answers, errors and streams included', async () => {
  const page = { origin: 'https://listed.example' };
  await using server = new TestJobs({
    open: async () => refusingModel,
    app: { security: { keys, allowOrigin: [page.origin] } },
  });
  const authorization = `Bearer ${KEYS.anna}`;
  const asked: readonly (readonly [number, string, RequestInit])[] = [
    [401, '/v1/jobs', { headers: page }],
    [404, '/v1/jobs/x', { headers: { ...page, authorization } }],
    [405, '/v1/jobs', { method: 'PUT', headers: { ...page, authorization } }],
    [200, '/openapi.json', { headers: page }],
    [200, '/v1/jobs', { method: 'POST', headers: { ...page, authorization, accept: 'text/event-stream' }, body: JSON.stringify(SMALL) }],
  ]; // biome-ignore format: a table
  for (const [status, path, init] of asked) {
    const answer = await server.ask(path, init);
    await answer.text();
    assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [status, page.origin], path);
    assert.match(answer.headers.get('vary')!, /Origin/);
    assert.match(answer.headers.get('access-control-expose-headers')!, /retry-after/);
  }
  const headers = { ...page, 'access-control-request-headers': 'authorization,x-stainless-os' };
  const before = await server.ask('/v1/jobs', { method: 'OPTIONS', headers });
  assert.equal(before.headers.get('access-control-allow-headers'), headers['access-control-request-headers']);
  const other = await server.ask('/v1/jobs', { headers: { origin: 'https://other.example', authorization } });
  assert.deepEqual([other.status, other.headers.get('access-control-allow-origin')], [403, null]);
  const unlisted = await server.ask('/v1/jobs', { method: 'OPTIONS', headers: { origin: 'https://other.example' } });
  assert.equal(unlisted.status, 403);
});

test('a method that a path does not have is told with those that it has; answers are not kept by caches', async () => {
  await using server = new TestJobs({ open: async () => refusingModel });
  const answer = await server.ask('/v1/jobs/x', { method: 'PUT' });
  assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, DELETE']);
  assert.match(await answer.text(), /expected GET or DELETE, found PUT/);
  assert.equal((await server.ask('/v1/jobs')).headers.get('cache-control'), 'no-store');
  assert.equal((await server.ask('/healthz', { method: 'HEAD' })).status, 200);
});

test('of many large bodies at once, some are refused before they are read', async () => {
  const bodyLimit = 100_000;
  await using server = new TestJobs({ open: async () => refusingModel, app: { bodyLimit } });
  const started = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let pulled = 0;
  // Each sends most of its body, and the rest once all others have done so.
  const body = () =>
    new ReadableStream({
      async pull(controller) {
        controller.enqueue(new Uint8Array(90_000).fill(0x20));
        if (++pulled === 12) started.resolve();
        await gate.promise;
        controller.close();
      },
    }); // biome-ignore format: a stream
  const asked = Array.from({ length: 12 }, () =>
    server.ask('/v1/jobs', { method: 'POST', body: body(), duplex: 'half' } as RequestInit),
  );
  await started.promise;
  gate.resolve();
  const statuses = (await Promise.all(asked)).map(({ status }) => status).sort();
  assert.deepEqual(statuses, [...Array(8).fill(400), ...Array(4).fill(503)]);
  // The held bytes are free again.
  assert.equal((await server.post('/v1/jobs', { prompt: 7 })).status, 400);
});

test('edits that wait for the model to load are held up to a bound', async () => {
  const opened = Promise.withResolvers<Flux>();
  await using server = new TestJobs({ open: () => opened.promise, app: { bodyLimit: 10_000 } });
  const png = await encode({ width: 16, height: 16, data: new Uint8Array(768) }, 'png');
  const body = JSON.stringify({ ...SMALL_OPENAI, image: Buffer.from(png).toString('base64') }).padEnd(9000);
  const edit = () => server.ask('/v1/images/edits', { method: 'POST', body });
  const waiting = Array.from({ length: 8 }, edit);
  const refused = await edit();
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '5');
  assert.match(await refused.text(), /too many large requests at once/);
  opened.resolve(refusingModel);
  for (const answer of await Promise.all(waiting)) assert.match(await answer.text(), /nothing is made here/);
  assert.match(await (await edit()).text(), /nothing is made here/);
});

test('names and pages of strangers are refused, those that are listed are let in', async () => {
  await using server = new TestJobs({
    app: { security: { allowOrigin: ['https://listed.example'], allowHost: ['Pictures.lan'] } },
  });
  const ask = async (headers: Record<string, string>, init: RequestInit = {}) =>
    (await server.app.fetch(new Request('http://localhost:8000/v1/jobs', { ...init, headers }))).status;
  for (const host of ['localhost:8000', '127.0.0.1:8000', '[::1]:8000', 'pictures.lan'])
    assert.equal(await ask({ host }), 200, host);
  for (const host of ['evil.example', 'localhost.evil.example:8000', '127.0.0.1.evil.example'])
    assert.equal(await ask({ host }), 403, host);
  const own = { host: 'localhost:8000' };
  for (const origin of ['http://evil.example', 'null', 'http://localhost:3000', 'file://'])
    assert.equal(await ask({ ...own, origin }), 403, origin);
  assert.equal(await ask({ ...own, origin: 'http://localhost:8000' }), 200);
  assert.equal(await ask({ ...own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }), 403);
  assert.equal(await ask({ ...own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }), 200);
  const listed = { ...own, origin: 'https://listed.example' };
  const answer = await server.app.fetch(new Request('http://localhost:8000/v1/jobs', { headers: listed }));
  assert.equal(answer.headers.get('access-control-allow-origin'), 'https://listed.example');
  assert.equal(await ask(listed, { method: 'OPTIONS' }), 204);
});

test('a caller who asks too often waits', async () => {
  await using server = new TestJobs({ app: { security: { keys, rateLimit: 2 } } });
  const post = (key: string) => server.post('/v1/jobs', {}, { authorization: `Bearer ${key}` });
  const statuses = [await post(KEYS.anna), await post(KEYS.anna), await post(KEYS.anna), await post(KEYS.ben)];
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [400, 400, 429, 400],
  );
  assert.ok(Number(statuses[2]!.headers.get('retry-after')) > 0);
});

/** Values that no field takes, or that are too large. */
const ODD: readonly unknown[] = [
  null,
  true,
  {},
  [],
  [[]],
  '',
  -1,
  1e308,
  'x'.repeat(40_000),
  Array(2000).fill('x'),
  { length: 1e9 },
  '../../etc/passwd',
  'file:///etc/passwd',
];
const FIELDS = [
  'prompt',
  'prompt2',
  'width',
  'height',
  'steps',
  'guidance',
  'image',
  'maskImage',
  'loras',
  'sigmas',
  'seed',
  'batch',
  'slot',
  'outpaint',
  'noise',
  'controlImage',
];
/** Odd values that are valid for their field. */
const SOUND = new Set([
  'prompt ""',
  'prompt2 ""',
  'prompt "../../etc/passwd"',
  'prompt2 "../../etc/passwd"',
  'prompt "file:///etc/passwd"',
  'prompt2 "file:///etc/passwd"',
  'seed -1',
  'loras []',
]);

describe('what is malformed is answered with what is wrong', () => {
  let server: TestJobs;
  before(async () => {
    server = new TestJobs({ app: { bodyLimit: 2 ** 20 } });
    await server.host.start();
  });
  after(() => server[Symbol.asyncDispose]());

  /** Asserts that a request is refused, with a message. */
  const refused = async (answer: Response, what: string, statuses: readonly number[] = [400]) => {
    assert.ok(statuses.includes(answer.status), `${what}: ${answer.status} ${await answer.clone().text()}`);
    const { error } = (await answer.json()) as { error: { message: string; code: string } };
    assert.ok(error.message.length > 10 && error.code !== 'internal', what);
    assert.ok(error.message.length < 1000, what);
  };

  test('every field, with every odd value', async () => {
    let count = 0;
    for (const field of FIELDS) {
      for (const value of ODD) {
        const what = `${field} ${JSON.stringify(value).slice(0, 100)}`;
        if (SOUND.has(what)) continue;
        await refused(await server.post('/v1/jobs', { ...SMALL, [field]: value }), what);
        count++;
      }
    }
    assert.ok(count >= 190, String(count));
  });

  test('bodies', async () => {
    const post = (body: BodyInit, headers: Record<string, string> = {}) =>
      server.ask('/v1/jobs', { method: 'POST', body, headers });
    const form = 'multipart/form-data; boundary=x';
    const part = (name: string, value: string) =>
      `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const bodies: readonly [string, BodyInit, Record<string, string>, (readonly number[])?][] = [
      ['nothing', '', {}],
      ['no JSON', '{"prompt": "a', {}],
      ['no object', '[1, 2]', {}],
      ['a number', '7', {}],
      ['no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), {}],
      ['nests', '['.repeat(100_000), {}],
      ['nests and closes', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, {}],
      ['many values', `[${'1,'.repeat(300_000)}1]`, {}],
      ['unknown fields', '{"prompt":"a","stepz":3}', {}],
      ['a prototype', '{"prompt":"a","__proto__":{"steps":3}}', {}],
      ['too large', 'x'.repeat(2 ** 20 + 1), {}, [413]],
      ['compressed', 'x', { 'content-encoding': 'gzip' }, [415]],
      ['a form that is none', 'x', { 'content-type': form }],
      ['a form without a boundary', 'x', { 'content-type': 'multipart/form-data' }],
      ['a form of many parts', part('a', 'b').repeat(400), { 'content-type': form }],
      ['a form that is cut off', part('request', '{}'), { 'content-type': form }],
      ['a form with two requests', `${part('request', '{}').repeat(2)}--x--\r\n`, { 'content-type': form }],
      [
        'a form with a path',
        `${part('request', JSON.stringify(SMALL))}${part('image', '/etc/passwd')}--x--\r\n`,
        { 'content-type': form },
      ],
      ['a picture that is none', JSON.stringify({ ...SMALL, image: 'data:image/png;base64,AAAA' }), {}],
    ];
    for (const [what, body, headers, statuses] of bodies) await refused(await post(body, headers), what, statuses);
    const bomb = await bombOf();
    const image = `data:image/png;base64,${Buffer.from(bomb).toString('base64')}`;
    await refused(await post(JSON.stringify({ ...SMALL, image })), 'a picture that unfolds');
  });

  test('paths and queries', async () => {
    for (const path of [
      '/v1/pictures/..%2f..%2fetc%2fpasswd',
      '/v1/pictures/%00',
      '/v1/jobs/..%2f',
      '/v1/pictures/fluxion-server.sqlite',
      '/v1/nothing',
      '/../etc/passwd',
      '/v1/jobs/%ff',
    ])
      await refused(await server.ask(path), path, [404, 400]);
    for (const query of [
      'limit=0',
      'limit=1000',
      'limit=x',
      'status=strange',
      `search=${'x'.repeat(2000)}`,
      `before=${'x'.repeat(200)}`,
    ])
      await refused(await server.ask(`/v1/jobs?${query}`), query);
    await refused(await server.ask('/v1/recipes', { method: 'POST', body: 'x' }), 'no picture');
    await refused(await server.ask('/v1/pictures/x', { method: 'PATCH', body: '{}' }), 'no such picture', [404]);
  });

  test('nobody else was held up, and nothing was written', async () => {
    assert.equal(server.jobs.list({ limit: 200 }).length, 0);
    assert.deepEqual(
      readdirSync(server.folder).filter((name) => !name.startsWith('fluxion-server.sqlite')),
      [],
    );
    const answer = await server.post('/v1/jobs', SMALL);
    const job = server.jobs.get(((await answer.json()) as { id: string }).id)!;
    await job.over;
    assert.equal(job.status, 'done');
  });
});

/** A small PNG whose head claims a thousand million pixels. */
async function bombOf(): Promise<Uint8Array> {
  const png = Buffer.from(await encode({ width: 16, height: 16, data: new Uint8Array(16 * 16 * 3) }, 'png'));
  // IHDR lies at 12, its width and height at 16 and 20, its checksum at 29.
  png.writeUInt32BE(32_000, 16);
  png.writeUInt32BE(32_000, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

type BodyInit = NonNullable<RequestInit['body']>;
