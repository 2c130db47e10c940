/** Downloading over a network that fails in every way it can. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { PullProgress } from '../../../src/api/load.ts';
import { FLUX1 } from '../../../src/families/flux1/flux1.ts';
import { pullModel } from '../../../src/weights/hub/hub.ts';
import { hubSettings } from '../../../src/weights/hub/settings.ts';
import {
  assertTidy,
  assertWhole,
  MODEL,
  needed,
  PIECE,
  patience,
  place,
  refused,
  root,
  served,
  TRANSFORMER,
  transformer,
} from '../../support/hub-place.ts';
import { HubServer, sha256 } from '../../support/hub-server.ts';

/** Most of them wait, each for a server of its own. */
describe('a network that fails', { concurrency: true }, () => {
  test('stalls, resets, short bodies, errors and limits are outlasted', async () => {
    await using here = await place(served, { stallTime: 2000 });
    const faults = [
      { stallAfter: 25_000 },
      { resetAfter: 50_000 },
      { resetAfter: 0 },
      { truncateTo: 75_000 },
      { status: 500 },
      { status: 503, headers: { 'retry-after': '0.01' } },
      { status: 403 }, // storage: a signature that ran out
      { status: 429, headers: { ratelimit: '"resolvers";r=0;t=0' } },
    ] as const;
    let i = 0;
    here.server.fault = ({ server }) => (server === 'storage' ? (faults[i++] ?? 'pass') : 'pass');
    assertWhole(await here.pull());
    assertTidy(here.folder);
    assert.ok(i > faults.length);
    // What had arrived before a break was not fetched again.
    const total = [...needed].reduce((sum, path) => sum + served.files.get(path)!.length, 0);
    assert.ok(here.server.storageBytes < total + 150_000, `${here.server.storageBytes} of ${total}`);
  });

  test('the API is asked again too, after as long as it says', async () => {
    await using here = await place();
    let failures = 0;
    here.server.fault = ({ url }) =>
      url.startsWith('/api/') && failures++ < 2 ? { status: 429, headers: { 'retry-after': '0.4' } } : 'pass';
    const start = performance.now();
    await here.pull();
    assert.ok(performance.now() - start >= 800, 'waited less than Retry-After');
  });

  test('is given up in the end, with what arrived kept', async () => {
    await using here = await place();
    here.server.fault = ({ server }) => (server === 'storage' ? { resetAfter: 0 } : 'pass');
    await refused(here.pull(), 'io', /127\.0\.0\.1:\d+: .*; given up after 5 attempts/, /goes on from there/);
    assert.ok(!existsSync(join(here.folder, 'snapshots')));
    here.server.fault = () => 'pass';
    assertWhole(await here.pull());
  });

  test('a hub that cannot be reached is said to be so, with what to look at, and nothing is said to be kept', async () => {
    const here = await place();
    await here[Symbol.asyncDispose]();
    const hints = [/HTTPS_PROXY/, /HF_ENDPOINT/, /HF_HUB_OFFLINE/];
    const error = await refused(here.pull(), 'io', /ECONNREFUSED.*given up after 5 attempts/, ...hints);
    assert.doesNotMatch(`${error.hint}`, /kept/);
  });

  test('with the usual patience, a hub that never answers is given up soon, and every attempt is told', async () => {
    await using silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const hub = await HubServer.start({});
    const closed = hub.endpoint;
    await hub[Symbol.asyncDispose]();
    for (const address of [endpoint, closed]) {
      const here = hubSettings({
        HF_ENDPOINT: address,
        HF_HUB_CACHE: mkdtempSync(join(root, 'cache-')),
        HF_HOME: root,
      });
      const told: string[] = [];
      const start = performance.now();
      const onProgress = (message: string, { phase }: PullProgress) =>
        void (phase === 'retrying' && told.push(message));
      const pulling = pullModel(FLUX1, MODEL, { settings: { ...here, answerTime: 2000 }, onProgress });
      const error = await refused(pulling, 'io', /no answer for|ECONNREFUSED/, /HF_HUB_OFFLINE/);
      // Nine attempts would take longer.
      assert.ok(performance.now() - start < 20_000);
      if (address !== endpoint) assert.match(told[0]!, /ECONNREFUSED.*; trying again in 0\.5 s \(attempt 2 of 9\)/);
      assert.doesNotMatch(`${error.hint}`, /kept/);
    }
    silent.closeAllConnections();
  });

  test('that drips is given up, and one that is slow but steady is not', async () => {
    await using here = await place(served, { stallTime: 1500 });
    here.server.fault = ({ server }) => (server === 'storage' ? { bytesPerSecond: 50 } : 'pass');
    const two = { ...patience, attempts: 2 };
    await refused(here.pull({ patience: two, connections: 2 }), 'io', /next to nothing arrived for 1\.5 s/);
    here.server.fault = ({ url }) => (url.includes('tokenizer/') ? { bytesPerSecond: 60_000 } : 'pass');
    assertWhole(await here.pull({ patience: two }));
  });

  test('bytes that come a few at a time are no progress', async () => {
    await using here = await place();
    let asked = 0;
    here.server.fault = ({ server }) => {
      if (server === 'hub') return 'pass';
      asked++;
      return { resetAfter: 10 };
    };
    await refused(here.pull({ connections: 1 }), 'io', /given up after 5 attempts/, /what has arrived is kept/);
    assert.equal(asked, 5);
  });

  test('a wait beyond all reason is not waited for', async () => {
    await using here = await place();
    for (const after of ['99999999', new Date(Date.now() + 1e10).toUTCString()]) {
      here.server.fault = () => ({ status: 429, headers: { 'retry-after': after } });
      await refused(here.pull(), 'io', /status 429; it asks to wait for \d+ days/);
    }
  });

  test('redirects in circles and headers without end are errors, told once', async () => {
    await using here = await place();
    const told: string[] = [];
    const onProgress = (_: string, { phase }: PullProgress) => void (phase === 'retrying' && told.push(phase));
    here.server.fault = ({ url }) => ({ status: 302, headers: { location: url } });
    await refused(here.pull({ onProgress }), 'io', /redirect count/);
    here.server.fault = () => ({ status: 200, headers: { 'x-much': 'x'.repeat(100_000) } });
    await refused(here.pull({ onProgress }), 'io', /header/i);
    assert.deepEqual(told, []);
    here.server.fault = () => ({ status: 200, body: `[${'1,'.repeat(5e6)}1]` });
    await refused(here.pull({ onProgress }), 'bad_file', /more than 8388608 bytes/);
    here.server.fault = ({ server }) =>
      server === 'storage' ? { status: 301, headers: { location: 'https://u:secret@h:1/?signature=secret' } } : 'pass';
    const error = await refused(here.pull(), 'io');
    assert.ok(!/secret/.test(`${error.message}${error.hint}`), error.message);
  });

  test('a wrong hash is fetched once more; the second time it is an error, and nothing is placed', async () => {
    await using here = await place();
    const isWeights = ({ server, url }: { server: string; url: string }) =>
      server === 'storage' && url.includes(sha256(transformer));
    let wrong = 0;
    here.server.fault = (request) => (isWeights(request) && wrong++ === 0 ? { corrupt: true } : 'pass');
    assertWhole(await here.pull());
    assert.equal(wrong, 2 * Math.ceil(transformer.length / PIECE));

    await using there = await place();
    there.server.fault = (request) => (isWeights(request) ? { corrupt: true } : 'pass');
    await refused(
      there.pull(),
      'bad_file',
      new RegExp(`${TRANSFORMER}: expected sha256 ${sha256(transformer)}, found [0-9a-f]{64}, twice`),
      /HF_ENDPOINT/,
    );
    assert.ok(!existsSync(join(there.folder, 'blobs', sha256(transformer))));
    assert.ok(!existsSync(join(there.folder, 'snapshots')));
    assertTidy(there.folder);
  });

  test('a server without ranges serves small files; for large ones it is refused', async () => {
    await using here = await place();
    here.server.fault = ({ url }) => (url.startsWith('/api/') ? 'pass' : { ignoreRange: true });
    await refused(here.pull(), 'unsupported', /does not serve byte ranges/);
    assertWhole(await here.pull({ pieceSize: 2 ** 30 }));
  });
});
