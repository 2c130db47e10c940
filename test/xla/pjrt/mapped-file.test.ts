/** What the system is told of a mapped file's bytes shows in its page cache, which the kernel's own `mincore` looks into. */

import assert from 'node:assert/strict';
import { closeSync, fsyncSync, openSync, statfsSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import koffi from 'koffi';
// Sets koffi's stacks, which takes effect only before a library is loaded.
import '../../../src/xla/pjrt/call.ts';
import { liveCounts } from '../../../src/xla/pjrt/lifetime.ts';
import { advise, openMapped } from '../../../src/xla/pjrt/mapped-file.ts';
import { addressOf } from '../../../src/xla/pjrt/memory.ts';
import { temporaryFolder } from '../../support/command-line.ts';

const posix = process.platform === 'linux' ? koffi.load(null) : undefined;
const PAGE = posix ? (posix.func('int getpagesize()')() as number) : 4096;
const PAGES = 512;
const SIZE = PAGES * PAGE;
/** File systems that are memory, from where nothing can be let go of. */
const IN_MEMORY = [0x01021994, 0x858458f6];

test('bytes that are done stay in the cache, those that are gone do not, and those that come soon are there', async (t) => {
  if (!posix) return t.skip('the page cache is looked into on Linux alone');
  using folder = temporaryFolder();
  if (IN_MEMORY.includes(statfsSync(folder.path).type)) return t.skip('the temporary folder is in memory');
  const mincore = posix.func('int mincore(void *address, size_t length, _Out_ uint8_t *pages)');
  const fadvise = posix.func('int posix_fadvise(int descriptor, int64_t offset, int64_t length, int advice)');
  const path = folder.file('weights');
  const descriptor = openSync(path, 'w');
  writeSync(descriptor, new Uint8Array(SIZE).fill(7));
  // Pages that are still to be written cannot be let go of.
  fsyncSync(descriptor);
  {
    using file = openMapped(path);
    const all = file.view(0, SIZE);
    const cached = (): number => {
      const found = new Uint8Array(PAGES);
      assert.equal(mincore(addressOf(all), SIZE, found), 0);
      return found.reduce((sum, page) => sum + (page & 1), 0);
    };
    const touch = () => all.reduce((sum, byte) => sum + byte, 0);
    /** Whether nothing is cached any more: while others look at pages the system keeps these, so that it is told again. */
    const empties = async (tell: () => unknown) => {
      for (let i = 0; i < 20; i++) {
        await tell();
        if (cached() === 0) return true;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return false;
    };
    // In some containers what fsync was asked for is not written, or all pages are said to be there.
    const obeys = await empties(() => fadvise(descriptor, 0, SIZE, 4));
    closeSync(descriptor);
    if (!obeys) return t.skip('the file system of the temporary folder keeps what it has cached, or does not tell');
    assert.equal(touch(), 7 * SIZE);
    await advise(all, 'done');
    assert.equal(cached(), PAGES);
    // No memory of ours, and less than a page.
    await advise(new Uint8Array(SIZE), 'gone');
    await advise(file.view(10, 20), 'gone');
    assert.equal(cached(), PAGES);
    assert.ok(await empties(() => advise(all, 'gone')), `${cached()} pages are still there`);
    await advise(all, 'soon');
    for (let i = 0; cached() < PAGES && i < 100; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(cached(), PAGES);
    await advise(all, 'gone');
    assert.equal(touch(), 7 * SIZE, 'it can be read again at any time');
  }
  assert.deepEqual(liveCounts(), {});
});
