/** Several processes on one cache: kills, locks and Python's client. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PullProgress } from '../../../src/api/load.ts';
import { FLUX1 } from '../../../src/families/flux1/flux1.ts';
import { processMark } from '../../../src/support/process-mark.ts';
import { hubFolder } from '../../../src/weights/hub/hub.ts';
import { lockFile } from '../../../src/weights/hub/lock-file.ts';
import {
  assertTidy,
  assertWhole,
  MODEL,
  needed,
  PIECE,
  type Place,
  patience,
  place,
  REPO,
  root,
  served,
  TRANSFORMER,
  transformer,
} from '../../support/hub-place.ts';
import { isLarge, sha256 } from '../../support/hub-server.ts';

/** Most of them wait, each for a server of its own. */
describe('interrupted', { concurrency: true }, () => {
  /** Pulls in a process of its own; `reached` resolves once this many bytes have arrived, or once it waits for another process. */
  function start(here: Place, bytes: number | 'waiting') {
    const program = fileURLToPath(new URL('../../support/pull-process.ts', import.meta.url));
    const child = spawn(process.execPath, [program, REPO, String(PIECE)], {
      env: { ...process.env, ...here.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { promise: reached, resolve } = Promise.withResolvers<void>();
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk;
      const arrived = [...text.matchAll(/^bytes (\d+)$/gm)].map(([, count]) => Number(count));
      if (bytes === 'waiting' ? /^waiting$/m.test(text) : arrived.some((count) => count >= bytes)) resolve();
    });
    const ended = new Promise<string>((done) => child.on('close', () => done(text)));
    return { child, reached, ended };
  }

  test('killed at any moment, it goes on from there', async () => {
    await using here = await place();
    here.server.fault = ({ server }) => (server === 'storage' ? { bytesPerSecond: 60_000 } : 'pass');
    for (const bytes of [500_000, 1e6]) {
      const { child, reached, ended } = start(here, bytes);
      await reached;
      child.kill('SIGKILL');
      await ended;
    }
    assert.ok(!existsSync(join(here.folder, 'refs')), 'the revision is remembered before its files are there');
    here.server.fault = () => 'pass';
    const sent = here.server.storageBytes;
    assertWhole(await here.pull());
    assertTidy(here.folder);
    const total = needed.reduce((sum, path) => sum + served.files.get(path)!.length, 0);
    const again = here.server.storageBytes - sent;
    // A megabyte had arrived; what one second brings may not have been noted.
    assert.ok(again < total - 1e6 + 600_000, `${again} of ${total} were fetched again`);
  });

  test('stopped by a signal, every byte that arrived is kept', async () => {
    await using here = await place();
    here.server.fault = ({ server }) => (server === 'storage' ? { bytesPerSecond: 250_000 } : 'pass');
    const stop = new AbortController();
    let bytes = 0;
    const reason = new Error('enough');
    const pulling = here.pull({
      signal: stop.signal,
      onProgress(_, progress) {
        bytes = progress.bytes;
        if (bytes > 750_000) stop.abort(reason);
      },
    });
    await assert.rejects(pulling, (error) => error === reason);
    here.server.fault = () => 'pass';
    let first: number | undefined;
    const onProgress = (_: string, progress: PullProgress): void => {
      if (progress.totalBytes > 0) first ??= progress.bytes;
    };
    assertWhole(await here.pull({ onProgress }));
    assert.ok(first! >= bytes, `${first} of ${bytes} were kept`);
  });

  test('notes that do not fit their file are not believed', async () => {
    await using here = await place();
    const blob = join(here.folder, 'blobs', sha256(transformer));
    mkdirSync(dirname(blob), { recursive: true });
    for (const note of [
      'not JSON',
      '{"size": 5, "missing": []}',
      `{"size": ${transformer.length}, "missing": [[5, 3]]}`,
      `{"size": ${transformer.length}, "missing": [[0, 9], [4, 20]]}`,
      `{"size": ${transformer.length}, "missing": [[0, 1e12]]}`,
      `{"size": ${transformer.length}, "missing": []}`, // believed, and found out by the hash
    ]) {
      writeFileSync(`${blob}.fluxion.incomplete`, Buffer.alloc(transformer.length));
      writeFileSync(`${blob}.fluxion.missing`, note);
      assertWhole(await here.pull());
      assertTidy(here.folder);
      rmSync(blob);
    }
  });

  test('two processes at once fetch every byte once', async () => {
    await using here = await place();
    const rate = { bytesPerSecond: 10_000 };
    here.server.fault = ({ server }) => (server === 'storage' ? rate : 'pass');
    const one = start(here, 1);
    await one.reached;
    const other = start(here, 'waiting');
    await Promise.race([other.reached, one.ended]);
    rate.bytesPerSecond = 4e6;
    const [first, second] = await Promise.all([one.ended, other.ended]);
    for (const text of [first, second]) assertWhole(text.trim().split('\n').at(-1)!);
    assert.match(second, /^waiting$/m);
    const total = needed.reduce((sum, path) => {
      const bytes = served.files.get(path)!;
      return sum + (isLarge(path, bytes) ? bytes.length : 0);
    }, 0);
    assert.equal(here.server.storageBytes, total);
  });
});

describe('the lock', { concurrency: true }, () => {
  test('is held by one at a time, and passes on', async () => {
    const path = join(mkdtempSync(join(root, 'lock-')), 'a', 'lock');
    let holders = 0;
    const order: number[] = [];
    await Promise.all(
      [0, 1, 2, 3].map(async (i) => {
        await using _lock = await lockFile(path);
        assert.equal(++holders, 1);
        await new Promise((resolve) => setTimeout(resolve, 20));
        order.push(i);
        holders--;
      }),
    );
    assert.deepEqual(order.toSorted(), [0, 1, 2, 3]);
    assert.deepEqual(readdirSync(dirname(path)), []);
  });

  test('of a process that has ended is taken over at once, of one elsewhere once it is silent while another waits', async () => {
    const path = join(mkdtempSync(join(root, 'lock-')), 'lock');
    const long = new Date(Date.now() - 3_600_000);
    const [, start, place] = processMark().split('-');
    const ended = spawnSync(process.execPath, ['-e', '0']).pid;
    // The second has this process's id, which the system gave again.
    for (const mark of [`${ended}-${start}-${place}`, `${process.pid}-1-${place}`]) {
      writeFileSync(path, `${mark} abc\n`);
      await using _lock = await lockFile(path, { silence: 60_000 });
      assert.match(readFileSync(path, 'utf8'), new RegExp(`^${processMark()} `));
    }
    const waiting = { silence: 600, signal: AbortSignal.timeout(1500) };
    // One that lives is not robbed by a clock that was set, here or there.
    writeFileSync(path, `${processMark()} abc\n`);
    utimesSync(path, long, long);
    await assert.rejects(lockFile(path, waiting), { name: 'TimeoutError' });
    writeFileSync(path, '1-5-0123456789ab abc\n');
    const beat = setInterval(() => utimesSync(path, long, new Date(Number(long) + performance.now())), 50);
    await assert.rejects(lockFile(path, { ...waiting, signal: AbortSignal.timeout(1500) }), { name: 'TimeoutError' });
    clearInterval(beat);
    await using _lock = await lockFile(path, { silence: 600 });
  });

  test('that is no regular file is refused', async () => {
    const path = join(mkdtempSync(join(root, 'lock-')), 'lock');
    mkdirSync(path);
    await assert.rejects(lockFile(path), /found a folder/);
  });
});

/** Python with huggingface_hub: `FLUXION_TEST_PYTHON`, else the one on the path. */
const python = process.env['FLUXION_TEST_PYTHON'] ?? 'python3';
const absent =
  spawnSync(python, ['-c', 'import huggingface_hub']).status !== 0 &&
  'no Python with huggingface_hub: FLUXION_TEST_PYTHON names one';

describe('Python’s huggingface_hub', { skip: absent }, () => {
  /** Runs `snapshot_download` and returns the folder it names; asynchronous, as the server is in this process. */
  function snapshot(here: Place, env: Record<string, string> = {}): Promise<string> {
    const patterns = JSON.stringify(needed);
    const code = `from huggingface_hub import snapshot_download; print(snapshot_download("${REPO}", allow_patterns=${patterns}))`;
    const child = spawn(python, ['-c', code], { env: { ...process.env, ...here.env, ...env } });
    let [text, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    return new Promise((resolve, reject) => {
      child.on('close', (status) => (status === 0 ? resolve(text.trim()) : reject(new Error(errors))));
    });
  }

  test('finds what was downloaded here, with and without the network', async () => {
    await using here = await place();
    const folder = await here.pull();
    here.server.requests.length = 0;
    assert.equal(await snapshot(here), folder);
    assert.deepEqual(here.server.downloads(), []);
    assert.equal(await snapshot(here, { HF_HUB_OFFLINE: '1' }), folder);
  });

  test('downloads what is found here, whole or in part', async () => {
    await using here = await place();
    const folder = await snapshot(here);
    here.server.requests.length = 0;
    assert.equal(await hubFolder(FLUX1, MODEL, { settings: here.settings }), folder);
    assert.equal(await here.pull(), folder);
    assert.deepEqual(here.server.downloads(), []);
    rmSync(realpathSync(join(folder, TRANSFORMER)));
    assert.equal(await hubFolder(FLUX1, MODEL, { settings: here.settings, patience }), folder);
    assert.deepEqual(new Set(here.server.downloads().map(({ url }) => url)).size, 1);
    assertWhole(folder);
  });
});
