/** A gallery of two thousand pictures: little is asked for at a time, choosing one changes two tiles, and nothing jumps or is held for ever. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NO_BROWSER } from '../support/browser.ts';
import { REPORT } from '../support/server.ts';
import { ask, DESKTOP, finished, TestStudio } from '../support/studio.ts';
import { drop, openAddresses } from './page.ts';

const PICTURES = 2000;

describe('a gallery of thousands', { skip: NO_BROWSER }, () => {
  let studio: TestStudio;
  before(async () => {
    studio = await TestStudio.open();
    const flux = await studio.server.host.start();
    const [image] = await flux.generate({ prompt: 'a red house', steps: 1, seed: 1 });
    const { store } = studio.server;
    for (let i = 0; i < PICTURES; i++) {
      const id = `${String(i).padStart(9, '0')}aaaa`;
      const request = JSON.stringify({ prompt: `house ${i}` });
      store.accept({
        id,
        caller: null,
        api: 'test',
        created: i,
        total: 1,
        prompt: `house ${i}`,
        request,
        wholeRequest: request,
      });
      await store.addPicture(id, 0, image!);
      store.finish(id, { type: 'done', report: REPORT }, i);
    }
  });
  after(() => studio?.[Symbol.asyncDispose]());

  test('asks for what is near, and goes on as the end comes near', async () => {
    const { page, wrong } = await studio.visit();
    let thumbnails = 0;
    page.on('request', (request) => {
      if (request.url().includes('width=')) thumbnails++;
    });
    const tiles = page.locator('.gallery .tile');
    await tiles.first().waitFor();
    await page.waitForLoadState('networkidle');
    assert.ok(
      thumbnails <= 120 && (await tiles.count()) <= 180,
      `${thumbnails} thumbnails, ${await tiles.count()} tiles`,
    );
    // To the end, as a person scrolls.
    await page.waitForFunction(
      (all) => {
        const main = document.querySelector('main')!;
        main.scrollTop = main.scrollHeight;
        return document.querySelectorAll('.gallery .tile').length === all;
      },
      PICTURES,
      { polling: 50 },
    );
    // Choosing a picture touches that one and the one before it.
    const touched = await page.evaluate(async () => {
      const all = [...document.querySelectorAll<HTMLElement>('.tile')];
      all.at(-2)!.click();
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve))));
      const nodes = new Set<Node>();
      const observer = new MutationObserver((changes) => {
        for (const { target } of changes) nodes.add(target);
      });
      observer.observe(document.querySelector('.tiles')!, {
        attributes: true,
        childList: true,
        characterData: true,
        subtree: true,
      });
      all.at(-1)!.click();
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve))));
      observer.disconnect();
      return [...nodes].map((node) => (node as Element).outerHTML?.slice(0, 100) ?? node.nodeName);
    });
    assert.equal(touched.length, 2, touched.join('\n'));
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('nothing jumps while the page loads and a picture is made', async () => {
    const { page, wrong } = await studio.visit(DESKTOP);
    await page.evaluate(() => {
      const shifts: number[] = [];
      Object.assign(globalThis, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
          if (!entry.hadRecentInput) shifts.push(entry.value);
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await page.locator('.gallery .tile').first().click();
    await page.locator('.stage .picture').waitFor();
    await ask(page, 'a lighthouse', { Steps: '40' });
    await page.waitForFunction(() => document.querySelector('.stage .picture[alt="a lighthouse"]'));
    const shifts = (await page.evaluate('shifts')) as number[];
    const total = shifts.reduce((sum, shift) => sum + shift, 0);
    assert.ok(total < 0.1, `layout shifts of ${total}: ${shifts}`);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('goes on after the connection was lost as the end came near', async () => {
    const { page } = await studio.visit();
    const tiles = page.locator('.gallery .tile');
    await tiles.first().waitFor();
    const first = await tiles.count();
    let lost = 0;
    await page.route(/[?&]before=/, (route) => (lost++ === 0 ? route.abort('connectionreset') : route.fallback()));
    await page.evaluate(() => {
      const main = document.querySelector('main')!;
      main.scrollTop = main.scrollHeight;
    });
    await page.waitForFunction((count) => document.querySelectorAll('.gallery .tile').length > count, first);
    assert.ok(lost > 1);
    await page.context().close();
  });

  test('goes on where a busy page is told late, of several changes at once', async () => {
    const { page } = await studio.visit();
    await page.addInitScript(() => {
      const { IntersectionObserver } = globalThis;
      globalThis.IntersectionObserver = class extends IntersectionObserver {
        constructor(tell: IntersectionObserverCallback, options?: IntersectionObserverInit) {
          const told: IntersectionObserverEntry[] = [];
          super((changes, observer) => {
            if (told.length === 0) setTimeout(() => tell(told.splice(0), observer), 500);
            told.push(...changes);
          }, options);
        }
      };
    });
    await page.reload();
    const tiles = page.locator('.gallery .tile');
    await tiles.first().waitFor();
    for (let turn = 0; turn < 3; turn++) {
      const before = await tiles.count();
      await page.waitForFunction(
        (count) => {
          const main = document.querySelector('main')!;
          main.scrollTop = main.scrollHeight;
          return document.querySelectorAll('.gallery .tile').length > count;
        },
        before,
        { polling: 50 },
      );
    }
    await page.context().close();
  });

  test('keeps a picture that is finished while a search is answered', async () => {
    const { page, wrong } = await studio.visit();
    await page.locator('.gallery .tile').first().waitFor();
    const { promise: isMade, resolve: made } = Promise.withResolvers<void>();
    const searched = page.waitForResponse(/[?&]search=/);
    await page.route(/[?&]search=/, async (route) => {
      const response = await route.fetch();
      await isMade;
      await route.fulfill({ response });
    });
    const asked = page.waitForRequest(/[?&]search=/);
    await page.getByRole('searchbox').fill('a green house');
    await asked;
    await ask(page, 'a green house');
    await finished(page);
    made();
    await searched;
    await page.locator('.gallery .tile img[alt^="a green house"]').waitFor();
    await page.getByRole('button', { name: 'Show more' }).waitFor({ state: 'detached' });
    assert.equal(await page.locator('.gallery .tile').count(), 1);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('every address of a picture in memory is let go of', async () => {
    const { page, wrong } = await studio.visit();
    const open = await openAddresses(page);
    await page.locator('.gallery .tile').first().click();
    await finished(page);
    let shown: string | null = null;
    for (let i = 0; i < 3; i++) {
      await page.getByRole('button', { name: 'Start from it' }).click();
      const thumb = page.locator(`.start .thumb img:not([src="${shown}"])`);
      await thumb.waitFor();
      shown = await thumb.getAttribute('src');
    }
    assert.equal(await open(), 1);
    await page.getByRole('button', { name: 'Reuse recipe' }).click();
    await page.waitForFunction('open.size === 0');
    await drop(page, { name: 'no.png', type: 'image/png', bytes: Buffer.from('no picture') });
    await page.locator('.notice.is-error').waitFor();
    assert.equal(await open(), 0);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('pictures of every shape and size find their place', async () => {
    const { page, wrong } = await studio.visit();
    for (const [width, height] of [
      [64, 64],
      [64, 512],
      [512, 64],
    ] as const) {
      await ask(page, `a sea of ${width} by ${height}`, { Width: String(width), Height: String(height), Steps: '1' });
      await page.waitForFunction(
        (alt) => document.querySelector<HTMLImageElement>(`.stage .picture[alt="${alt}"]`)?.naturalWidth,
        `a sea of ${width} by ${height}`,
      );
      const box = (await page.locator('.stage .frame').boundingBox())!;
      assert.ok(Math.abs(box.width / box.height / (width / height) - 1) < 0.05, `${box.width} × ${box.height}`);
      assert.ok(box.width <= 4 * width + 1 || box.height <= 193, 'no more than fourfold');
      assert.ok(box.height < 800);
    }
    assert.deepEqual(wrong, []);
    await page.context().close();
  });
});
