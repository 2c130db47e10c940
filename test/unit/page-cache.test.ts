/** What the system is told of a mapped file's bytes shows in its page cache, which the kernel's own `mincore` looks into. */

import assert from 'node:assert/strict';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import koffi from 'koffi';
import { liveCounts } from '../../src/pjrt/lifetime.ts';
import { advise, openMapped } from '../../src/pjrt/mapped-file.ts';
import { addressOf } from '../../src/pjrt/memory.ts';

const PAGE = 4096;
const PAGES = 512;
const SIZE = PAGES * PAGE;
/** File systems that are memory, from where nothing can be let go of. */
const IN_MEMORY = [0x01021994, 0x858458f6];

const folder: string = mkdtempSync(join(tmpdir(), 'fluxion-cache-'));
const skip =
  process.platform !== 'linux'
    ? 'the page cache is looked into on Linux alone'
    : IN_MEMORY.includes(statfsSync(folder).type) && 'the temporary folder is in memory';

test('bytes that are done stay in the cache, those that are gone do not, and those that come soon are there', {
  skip,
}, async () => {
  const mincore = koffi.load(null).func('int mincore(void *address, size_t length, _Out_ uint8_t *pages)');
  const path = join(folder, 'weights');
  const descriptor = openSync(path, 'w');
  writeSync(descriptor, new Uint8Array(SIZE).fill(7));
  // Pages that are still to be written cannot be let go of.
  fsyncSync(descriptor);
  closeSync(descriptor);
  {
    using file = openMapped(path);
    const all = file.view(0, SIZE);
    const cached = (): number => {
      const found = new Uint8Array(PAGES);
      assert.equal(mincore(addressOf(all), SIZE, found), 0);
      return found.reduce((sum, page) => sum + (page & 1), 0);
    };
    const touch = () => all.reduce((sum, byte) => sum + byte, 0);
    assert.equal(touch(), 7 * SIZE);
    await advise(all, 'done');
    assert.equal(cached(), PAGES);
    // No memory of ours, and less than a page.
    await advise(new Uint8Array(SIZE), 'gone');
    await advise(file.view(10, 20), 'gone');
    assert.equal(cached(), PAGES);
    await advise(all, 'gone');
    assert.equal(cached(), 0);
    await advise(all, 'soon');
    for (let i = 0; cached() < PAGES && i < 100; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(cached(), PAGES);
    await advise(all, 'gone');
    assert.equal(touch(), 7 * SIZE, 'it can be read again at any time');
  }
  rmSync(folder, { recursive: true });
  assert.deepEqual(liveCounts(), {});
});
