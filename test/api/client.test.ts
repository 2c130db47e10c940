/** The client of the native API against answers as networks bring them: in pieces, with other ends of lines, and cut off. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { FluxionClient, type JobEventJson, ServerError } from '../../src/client.ts';

const QUEUED: JobEventJson = { type: 'queued', position: 0 };
const STAGE: JobEventJson = { type: 'loading', message: 'öffnet “é” \u{1f600}' };
const CANCELLED: JobEventJson = { type: 'cancelled', reason: 'no' };
const ALL = [QUEUED, STAGE, CANCELLED];

/** Events as text. */
const written = (events: readonly JobEventJson[], end = '\n'): string =>
  events.map((event) => `event: ${event.type}${end}data: ${JSON.stringify(event)}${end}${end}`).join('');

/** A body that comes in pieces of so many bytes, and breaks instead of its end if told to. */
function body(text: string, size = 1e9, breaks = false): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      const piece = bytes.slice(at, at + size);
      at += size;
      if (piece.length > 0) controller.enqueue(piece);
      else if (breaks) controller.error(new TypeError('terminated'));
      else controller.close();
    },
  });
}

/** A client whose requests are answered with these, one after the other. */
function clientOf(...answers: (() => Response | Promise<Response>)[]) {
  const asked: Request[] = [];
  const fetch = async (input: string | URL, init?: RequestInit): Promise<Response> => {
    asked.push(new Request(input, init));
    return answers[Math.min(asked.length, answers.length) - 1]!();
  };
  return {
    client: new FluxionClient({ url: 'http://server/', key: 'secret', fetch: fetch as typeof globalThis.fetch }),
    asked,
  };
}

test('events are read whatever the pieces and the ends of lines', async () => {
  const texts = [
    written(ALL), written(ALL, '\r\n'), written(ALL, '\r'), `\ufeff${written(ALL)}`, `: a comment\n\n${written(ALL)}: waiting\n\n`,
    `retry: 5\nid: 7\n\n${written(ALL)}`, written(ALL).replaceAll('data: ', 'data:'), written(ALL).replaceAll('data: {', 'data: {\ndata: '),
  ]; // biome-ignore format: a list
  for (const text of texts) {
    for (const size of [1, 2, 3, 7, 64, 1e9]) {
      const { client } = clientOf(() => new Response(body(text, size)));
      assert.deepEqual(
        await Array.fromAsync(client.stream({ prompt: 'a' })),
        ALL,
        JSON.stringify([text.slice(0, 20), size]),
      );
    }
  }
});

test('a stream that is cut off is an error, and one that is only watched is taken up again', async () => {
  for (const breaks of [true, false]) {
    const cut = () => new Response(body(written([QUEUED]), 5, breaks));
    const { client } = clientOf(cut);
    const seen: JobEventJson[] = [];
    const reading = (async () => {
      for await (const event of client.stream({ prompt: 'a' })) seen.push(event);
    })();
    await assert.rejects(reading, (error: unknown) => error instanceof ServerError && error.status === 0 && /lost/.test(error.message)); // biome-ignore format: one check
    assert.deepEqual(seen, [QUEUED]);
    const again = clientOf(
      cut,
      () => new Response(null, { status: 502 }),
      () => new Response(body(written(ALL))),
    );
    assert.deepEqual(await Array.fromAsync(again.client.events('a b')), [QUEUED, ...ALL]);
    assert.equal(again.asked.length, 3);
    assert.equal(again.asked[0]!.url, 'http://server/v1/jobs/a%20b/events');
  }
});

test('a signal ends the wait for a lost server, and is what it is told with', async () => {
  const { client, asked } = clientOf(() => Promise.reject(new TypeError('refused')));
  const leaving = new AbortController();
  const reading = Array.fromAsync(client.events('a', leaving.signal));
  while (asked.length === 0) await setTimeout(1);
  leaving.abort(new Error('enough'));
  await assert.rejects(reading, /enough/);
});

test('every failure is a ServerError', async () => {
  const answers: readonly (readonly [() => Response | Promise<Response>, number, RegExp])[] = [
    [() => Promise.reject(new TypeError('refused')), 0, /cannot be reached: refused/],
    [() => new Response('<html>', { status: 502 }), 502, /answered 502/],
    [() => new Response('<html>'), 0, /not JSON/],
    [() => new Response(body('{"id"', 2, true)), 0, /not JSON, or broke off/],
    [() => Response.json({ error: { code: 'busy', message: 'full', hint: 'later', param: 'n' } }, { status: 429, headers: { 'retry-after': '3' } }), 429, /full/],
  ]; // biome-ignore format: a table
  for (const [answer, status, message] of answers) {
    const { client, asked } = clientOf(answer);
    await assert.rejects(client.job('x'), (error: unknown) => {
      assert.ok(error instanceof ServerError, String(error));
      assert.equal(error.status, status);
      assert.match(error.message, message);
      if (status === 429) assert.deepEqual([error.code, error.hint, error.param, error.retryAfter], ['busy', 'later', 'n', 3]); // biome-ignore format: one line
      return true;
    });
    assert.equal(asked[0]!.headers.get('authorization'), 'Bearer secret');
  }
});

test('pictures go as files, beside those that are texts', async () => {
  const { client, asked } = clientOf(() => Response.json({}));
  const data = 'data:image/png;base64,AAAA';
  await client.submit({
    prompt: 'a',
    seed: 2n ** 60n,
    referenceImage: [new Uint8Array([1, 2]), data, new Blob(['x'])],
  });
  const form = await asked[0]!.formData();
  const parts = form.getAll('referenceImage').map((part) => (typeof part === 'string' ? part : part.size));
  assert.deepEqual(parts, [2, data, 1]);
  assert.deepEqual(JSON.parse(String(form.get('request'))), { prompt: 'a', seed: String(2n ** 60n) });
  await client.submit({ prompt: 'a', image: data });
  assert.deepEqual(await asked[1]!.json(), { prompt: 'a', image: data });
  const pixels = { width: 1, height: 1, data: new Uint8Array(3) };
  await assert.rejects(client.submit({ prompt: 'a', image: pixels }), /image: expected the content of a picture file/);
});
