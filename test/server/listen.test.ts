/** Clients at the socket that are slow, lie or never read: each is disconnected with a reason, while others are answered. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, mock, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { eventStream } from '../../src/server/event-stream.ts';
import { type Listening, listen } from '../../src/server/listen.ts';
import { refusingModel, TestJobs } from '../support/server.ts';

const TIMES = { headers: 300, request: 600, unread: 400, idle: 300 };
/** More than sockets buffer. */
const LARGE = 32 * 2 ** 20;

let server: TestJobs;
let listening: Listening;
let port: number;
/** Numbers of event streams that began, and that ended. */
let began = 0;
let ended = 0;
const told = [mock.method(console, 'error', () => {}), mock.method(console, 'info', () => {})];
before(async () => {
  server = new TestJobs({ open: async () => refusingModel });
  const events = async function* () {
    began++;
    try {
      for (;;) {
        yield { data: 'x'.repeat(100_000) };
        await setTimeout(1);
      }
    } finally {
      ended++;
    }
  };
  const fetch = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname === '/large') return new Response(new Uint8Array(LARGE));
    if (pathname === '/events') return eventStream(events);
    if (pathname === '/late') await setTimeout(3 * TIMES.unread);
    return server.app.fetch(request);
  };
  listening = await listen(fetch, { host: '127.0.0.1', port: 0, times: TIMES });
  port = Number(new URL(listening.url).port);
});
after(async () => {
  await listening.close(Promise.resolve());
  await server[Symbol.asyncDispose]();
});

/** Sends pieces, then repeats the last one; resolves to everything received once the server has ended the connection. */
async function say(
  pieces: readonly (string | Buffer)[],
  { again = '', end = false, reads = true } = {},
): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('error', () => {});
  if (reads) socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  await once(socket, 'connect');
  for (const piece of pieces) socket.write(piece);
  if (end) socket.end();
  const trickle = again === '' ? undefined : setInterval(() => socket.write(again), 20);
  // A socket that reads nothing learns of its end only by writing; writing is a sign of life, so it writes seldom.
  const probe = reads ? undefined : setInterval(() => socket.write('\r\n'), 3 * TIMES.unread);
  await new Promise((resolve) => socket.on('close', resolve));
  clearInterval(trickle);
  clearInterval(probe);
  return text;
}

const HEAD = 'POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';

/** Asserts that another client is answered while `work` goes on. */
async function besides<T>(work: Promise<T>): Promise<T> {
  let over = false;
  const watched = work.finally(() => {
    over = true;
  });
  assert.equal((await fetch(`${listening.url}/healthz`)).status, 200);
  assert.equal(over, false, 'it was answered after the others');
  return watched;
}

test('who sends slowly is ended, in headers and in a body', { timeout: 60_000 }, async () => {
  const [headers, silent, body, chunks] = await besides(
    Promise.all([
      say(['GET /healthz HTTP/1.1\r\nhost: localhost\r\n'], { again: 'a: b\r\n' }),
      say([]),
      say([`${HEAD}content-length: 100000\r\n\r\n{"prompt":"`], { again: 'a' }),
      say([`${HEAD}transfer-encoding: chunked\r\n\r\n`], { again: '1\r\na\r\n' }),
    ]),
  );
  for (const answer of [headers, body, chunks]) {
    assert.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/);
    assert.match(answer, /"the request took too long to arrive"/);
  }
  assert.match(silent, /^(HTTP\/1\.1 408 |$)/);
});

describe('who waits long', { concurrency: true }, () => {
  test('who never reads is ended, and what was made for them', { timeout: 60_000 }, async ({ signal }) => {
    const ask = (path: string) => say([`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`], { reads: false });
    // A busy machine may end a connection before its stream begins.
    while (began < 2) await besides(Promise.all([ask('/events'), ask('/large'), ask('/events')]));
    while (ended < began) await setTimeout(10, undefined, { signal });
  });

  test('an answer that takes long is waited for, and a connection without requests is not', {
    timeout: 60_000,
  }, async () => {
    const answer = await say(['GET /late HTTP/1.1\r\nhost: localhost\r\n\r\n']);
    assert.match(answer, /^HTTP\/1\.1 404 /);
    // Also for a pipelined request.
    const both = await say([
      'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET /late HTTP/1.1\r\nhost: localhost\r\n\r\n',
    ]);
    assert.deepEqual(both.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 404']);
  });
});

test('what is no request is told so', { timeout: 60_000 }, async () => {
  const get = (...headers: string[]) => `GET /healthz HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`;
  const own = 'host: localhost';
  const cases: readonly (readonly [what: string, sent: string | Buffer, status: RegExp])[] = [
    ['no host', get('a: b'), /^400/],
    ['two hosts', get(own, 'host: evil.example'), /^40[03]/],
    ['a host that is none', get('host: a b'), /^400/],
    ['a host with a path', get('host: localhost/x@y'), /^400/],
    ['another host', get('host: evil.example'), /^403/],
    ['another host with a user', get('host: localhost@evil.example'), /^40[03]/],
    ['a host with a dot', get('host: localhost.evil.example:80'), /^403/],
    ['another place', `GET http://evil.example/healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n`, /^403/],
    ['two lengths', `${HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, /^400/],
    ['a length and chunks', `${HEAD}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, /^400/],
    ['a length below nothing', `${HEAD}content-length: -1\r\n\r\n{}`, /^400/],
    ['a length that is no number', `${HEAD}content-length: 1e3\r\n\r\n{}`, /^400/],
    ['a length beyond all bounds', `${HEAD}content-length: 99999999999999999999\r\n\r\n{}`, /^4/],
    ['a length beyond the limit', `${HEAD}content-length: 999999999999\r\n\r\n{}`, /^413/],
    ['a length that is too short', `${HEAD}content-length: 2\r\n\r\n{}GARBAGE\r\n\r\n`, /^400/],
    ['an unknown encoding', `${HEAD}transfer-encoding: gzip\r\n\r\n{}`, /^400/],
    ['a chunk of no size', `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n`, /^400/],
    ['a chunk without end', `${HEAD}transfer-encoding: chunked\r\n\r\n2\r\n{}X\r\n0\r\n\r\n`, /^400/],
    ['large headers', get(own, `a: ${'x'.repeat(100_000)}`), /^431/],
    ['many headers', get(own, ...Array(20_000).fill('a: b')), /^431/],
    ['a header with a null', get(own, 'a: \0'), /^400/],
    ['a header that is folded', get(own, 'a: b\r\n c'), /^(400|200)/],
    ['a name with a space', get(own, 'a b: c'), /^400/],
    ['line feeds alone', 'GET /healthz HTTP/1.1\nhost: localhost\n\n', /^(400|200)/],
    ['an expectation', get(own, 'expect: miracles'), /^417/],
    ['no version', 'GET /healthz\r\n\r\n', /^400/],
    ['version 0.9', 'GET /healthz HTTP/0.9\r\n\r\n', /^400/],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^400/],
    ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), /^400/],
    ['a method that is none', `MAKE /healthz HTTP/1.1\r\n${own}\r\n\r\n`, /^400/],
    ['a backslash', `GET /v1\\..\\jobs HTTP/1.1\r\n${own}\r\n\r\n`, /^400/],
    ['a path that climbs', `GET /assets/../../etc/passwd HTTP/1.1\r\n${own}\r\n\r\n`, /^404/],
    ['an asterisk', `OPTIONS * HTTP/1.1\r\n${own}\r\n\r\n`, /^4/],
    ['zeros', Buffer.alloc(1000), /^400/],
  ];
  await Promise.all(
    cases.map(async ([what, sent, status]) => {
      const answer = await besides(say([sent]));
      const found = answer.replace(/^HTTP\/1\.1 /, '');
      assert.match(found, status, `${what}: ${answer.slice(0, 300)}`);
      if (/^(417|200)/.test(found)) return; // Node's own, which has no body
      const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
      const { error } = JSON.parse(body.slice(0, body.indexOf('}}') + 2)) as { error: { message: string } };
      assert.ok(error.message.length > 10 && !/own: its log|undefined/.test(error.message), `${what}: ${body}`);
    }),
  );
});

test('a body that breaks off is no error of the server', { timeout: 60_000 }, async () => {
  const answers = await Promise.all([
    say([`${HEAD}content-length: 1000\r\n\r\n{"prompt"`], { end: true }),
    say([`${HEAD}transfer-encoding: chunked\r\n\r\nff\r\n{`], { end: true }),
  ]);
  for (const answer of answers) assert.match(answer, /^(HTTP\/1\.1 400 |$)/);
  assert.deepEqual(
    told.flatMap(({ mock: { calls } }) => calls.map(({ arguments: words }) => String(words[0]))),
    [],
  );
  assert.equal((await fetch(`${listening.url}/healthz`)).status, 200);
});
