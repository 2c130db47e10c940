/** The studio as people use it, in headless Chromium with the bundled model. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { JOB } from '../../src/api/jobs.ts';
import { ApiKeys } from '../../src/server/security.ts';
import { FluxionError } from '../../src/support/errors.ts';
import { NO_BROWSER } from '../support/browser.ts';
import { ask, DESKTOP, finished, PHONE, TestStudio } from '../support/studio.ts';
import { action, drop, madePicture, openSettings, promptField, seriousFaults } from './page.ts';

/** Bytes of everything that the first load asks for, as they travel. */
const FIRST_LOAD = 200_000;
describe('the studio', { skip: NO_BROWSER }, () => {
  let studio: TestStudio;
  before(async () => {
    studio = await TestStudio.open();
  });
  after(() => studio?.[Symbol.asyncDispose]());

  test('loads little, from nowhere else, under a strict policy', async () => {
    const sizes: number[] = [];
    const context = await studio.browser.newContext();
    const page = await context.newPage();
    page.on('response', (response) => {
      if (/\/$|\/assets\//.test(new URL(response.url()).pathname)) {
        sizes.push(Number(response.headers()['content-length'] ?? 0));
        assert.match(response.headers()['content-encoding'] ?? '', /^(br|gzip)$/, response.url());
      }
    });
    const answer = await page.goto(studio.url, { waitUntil: 'networkidle' });
    const policy = answer!.headers()['content-security-policy']!;
    assert.match(policy, /default-src 'none'.*script-src 'self';.*style-src 'self';/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.ok(sizes.length >= 3 && sizes.every((size) => size > 0), `sizes: ${sizes}`);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(total <= FIRST_LOAD, `the first load takes ${total} bytes`);
  });

  test('a picture forms in previews, and is the one that its seed makes', async () => {
    const { page, wrong } = await studio.visit();
    await page.evaluate(() => {
      const previews = new Set<string>();
      const lines = new Set<string>();
      Object.assign(globalThis, { seen: { previews, lines } });
      // A busy machine has few frames: what is drawn counts, not what is seen of it.
      const { putImageData } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.putImageData = function (...call: unknown[]) {
        previews.add(String((call[0] as ImageData).data));
        Reflect.apply(putImageData, this, call);
      };
      const look = (): void => {
        const line = document.querySelector('.job-line p');
        if (line) lines.add(line.textContent);
        requestAnimationFrame(look);
      };
      look();
    });
    await ask(page, 'a lighthouse by the sea at night', { Seed: '7', Steps: '60' });
    await finished(page);
    const { previews, lines } = (await page.evaluate('({ previews: seen.previews.size, lines: [...seen.lines] })')) as {
      previews: number;
      lines: string[];
    };
    assert.ok(previews >= 3, `${previews} previews`);
    assert.ok(
      lines.some((line) => /^Step \d+ of 60.* left$/.test(line)),
      lines.join('; '),
    );
    const { request, pictures } = await studio.newest();
    assert.deepEqual(
      [request['prompt'], request['seed'], request['steps']],
      ['a lighthouse by the sea at night', 7, 60],
    );
    const src = await page.locator('.stage .picture').getAttribute('src');
    assert.equal(new URL(src!, studio.url).pathname, `/v1/pictures/${pictures[0]!.name}`);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('jobs wait in a queue, and each is cancelled alone', async () => {
    const { page, wrong } = await studio.visit();
    await ask(page, 'a red house', { Steps: '200', Pictures: '4' });
    await ask(page, 'a white sailboat', { Steps: '4', Pictures: '1' });
    await page.getByRole('button', { name: /^a white sailboat:/ }).waitFor();
    await page.getByRole('button', { name: 'Cancel a red house' }).first().click();
    await finished(page);
    await madePicture(page, 'a white sailboat').waitFor();
    const { jobs } = (await (await studio.server.ask('/v1/jobs?limit=2')).json()) as { jobs: unknown[] };
    assert.deepEqual(
      jobs.map((job) => JOB.parse(job).status),
      ['done', 'cancelled'],
    );
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('the gallery is searched, keeps favourites, and gives back what was deleted', async () => {
    const { page, wrong } = await studio.visit();
    const tiles = page.locator('.gallery .tile');
    await page.getByRole('searchbox').fill('sailboat');
    await page.waitForFunction(() => document.querySelectorAll('.gallery .tile').length === 1);
    await tiles.first().click();
    // What a search does not find stays on the stage.
    await page.getByRole('searchbox').fill('lighthouse');
    await madePicture(page, 'a lighthouse').waitFor();
    const favourite = page
      .getByRole('group', { name: 'This picture' })
      .getByRole('button', { name: 'Favourite', pressed: false });
    await favourite.click();
    await favourite.waitFor({ state: 'detached' });
    await page.keyboard.press('c');
    await tiles.first().click();
    await page.getByRole('slider', { name: 'How much of the first picture is shown' }).waitFor();
    await page.keyboard.press('c');
    await page.getByRole('searchbox').fill('');
    await page.getByRole('button', { name: 'Favourites only' }).click();
    await page.waitForFunction(() => document.querySelector('.gallery li:only-child img[alt$=", favourite"]'));
    await tiles.first().click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No pictures match.').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await tiles.first().waitFor();
    const { pictures } = (await (await studio.server.ask('/v1/pictures?favourite=true')).json()) as {
      pictures: unknown[];
    };
    assert.equal(pictures.length, 1);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('a recipe is reused; a PNG that was downloaded restores it when it is dropped', async () => {
    const { page, wrong } = await studio.visit();
    await page.locator('.gallery .tile', { has: page.locator('img[alt^="a lighthouse"]') }).click();
    await page.getByRole('button', { name: 'Reuse recipe' }).click();
    const field = (label: string) => page.getByLabel(label, { exact: true });
    assert.equal(await promptField(page).inputValue(), 'a lighthouse by the sea at night');
    assert.equal(await field('Seed').inputValue(), '7');
    const downloading = page.waitForEvent('download');
    await action(page, 'Download').click();
    const png = await readFile(await (await downloading).path());
    await page.context().close();

    const { page: other } = await studio.visit();
    await drop(other, { name: 'it.png', type: 'image/png', bytes: png });
    await other.locator('.notice').getByText('Recipe restored').waitFor();
    assert.equal(await other.getByLabel('Steps', { exact: true }).inputValue(), '60');
    await other.getByRole('button', { name: 'Generate' }).click();
    await finished(other);
    const { pictures } = await studio.newest();
    const again = Buffer.from(await (await studio.server.ask(`/v1/pictures/${pictures[0]!.name}`)).arrayBuffer());
    assert.deepEqual(again, png, 'the same recipe makes the same file');
    assert.deepEqual(wrong, []);
    await other.context().close();
  });

  test('the picture to start from is the one that was chosen last, and dropped text goes where it is dropped', async () => {
    const { page, wrong } = await studio.visit();
    const tiles = page.locator('.gallery .tile');
    const start = page.getByRole('button', { name: 'Start from it' });
    const arrives = Promise.withResolvers<void>();
    await tiles.nth(1).click();
    await page.route(
      await page.locator('.stage .picture').evaluate((img: HTMLImageElement) => img.src),
      async (route) => {
        await arrives.promise;
        await route.continue();
      },
    );
    const late = page.waitForResponse((response) => response.request().resourceType() === 'fetch');
    await start.click();
    await tiles.first().click();
    const name = (await page.locator('.stage .picture').getAttribute('src'))!.split('/').at(-1)!;
    await start.click();
    await page.getByRole('button', { name: `Remove ${name}` }).waitFor();
    arrives.resolve();
    await (await late).finished();
    await page.waitForTimeout(200);
    assert.ok(await page.getByRole('button', { name: `Remove ${name}` }).isVisible());
    const isTaken = await page.locator('.prompt textarea').evaluate((prompt) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.setData('text/plain', 'a tree');
      return !prompt.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    });
    assert.equal(isTaken, false);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('only what a mask is painted over is made anew, and edges grow', async () => {
    const { page, wrong } = await studio.visit();
    await page.locator('.gallery .tile').first().click();
    await page.getByRole('button', { name: 'Start from it' }).click();
    await page.getByRole('button', { name: 'Mask and edges' }).click();
    const box = (await page.getByRole('application').boundingBox())!;
    const stroke = async (y: number): Promise<void> => {
      await page.mouse.move(box.x + 0.2 * box.width, box.y + y * box.height);
      await page.mouse.down();
      await page.mouse.move(box.x + 0.8 * box.width, box.y + y * box.height, { steps: 5 });
      await page.mouse.up();
    };
    await page.getByRole('slider', { name: 'Size' }).press('End');
    await stroke(0.25);
    await stroke(0.75);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('slider', { name: 'Strength' }).press('End');
    await ask(page, 'a white sailboat on the ocean at noon', { Steps: '8', Seed: '7' });
    await madePicture(page, 'a white sailboat on the ocean at noon').waitFor();
    const { request, pictures } = await studio.newest();
    assert.ok(request['maskImage'] && request['image']);
    await page.locator(`.stage img[src*="${pictures[0]!.name}"]`).waitFor();
    const difference = await page.evaluate(async () => {
      const [before, after] = await Promise.all(
        ['.start .thumb img', '.stage .picture'].map(async (selector) => {
          const picture = document.querySelector<HTMLImageElement>(selector)!;
          await picture.decode();
          const { naturalWidth: width, naturalHeight: height } = picture;
          const context = new OffscreenCanvas(width, height).getContext('2d')!;
          context.drawImage(picture, 0, 0);
          return context.getImageData(0, 0, width, height);
        }),
      );
      const rows = (from: number, to: number): number => {
        let sum = 0;
        const { width, height } = before!;
        for (let i = 4 * width * Math.round(from * height); i < 4 * width * Math.round(to * height); i++) {
          sum += Math.abs(before!.data[i]! - after!.data[i]!);
        }
        return sum / (width * height * (to - from));
      };
      return { painted: rows(0.1, 0.4), kept: rows(0.6, 1) };
    });
    assert.ok(difference.painted > 2 * difference.kept, JSON.stringify(difference));

    await page.getByRole('button', { name: 'Mask and edges' }).click();
    await page.getByRole('button', { name: 'Clear' }).click();
    const edge = page.getByRole('slider', { name: 'Grow on the right' });
    const { x, y, width, height } = (await edge.boundingBox())!;
    const whole = (await page.getByRole('application').boundingBox())!.width;
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + (16 / 128) * whole, y + height / 2, { steps: 4 });
    await page.mouse.up();
    assert.equal(await edge.getAttribute('aria-valuenow'), '16');
    await edge.press('ArrowRight');
    await page.getByRole('button', { name: 'Done' }).click();
    await ask(page, 'a wide sea', { Steps: '2' });
    await madePicture(page, 'a wide sea').waitFor();
    const wide = await studio.newest();
    assert.deepEqual(wide.request['outpaint'], [0, 32, 0, 0]);
    assert.deepEqual([wide.pictures[0]!.width, wide.pictures[0]!.height], [160, 128]);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('two pictures are compared by the keyboard alone, and a grid is made', async () => {
    const { page, wrong } = await studio.visit();
    await page.locator('.gallery .tile').first().click();
    await page.keyboard.press('c');
    await page.keyboard.press('ArrowRight');
    const slider = page.getByRole('slider', { name: 'How much of the first picture is shown' });
    await slider.focus();
    await page.keyboard.press('End');
    assert.equal(await slider.inputValue(), '100');
    await promptField(page).fill('a tree');
    await page.getByRole('button', { name: 'Grid over two keys' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Across').selectOption('Steps');
    await dialog.getByLabel('Values').first().fill('1, 2');
    await dialog.getByLabel('Down').selectOption('Seed');
    await dialog.getByLabel('Values').last().fill('3 4');
    await dialog.getByRole('button', { name: 'Make the grid' }).click();
    await page.waitForFunction(() => document.querySelectorAll('.cell img').length === 4);
    assert.deepEqual(await seriousFaults(page), []);
    const { pictures } = (await (await studio.server.ask('/v1/pictures?limit=4')).json()) as {
      pictures: { recipe: { steps: number; seed: number } }[];
    };
    assert.deepEqual(pictures.map(({ recipe }) => `${recipe.seed}:${recipe.steps}`).sort(), [
      '3:1',
      '3:2',
      '4:1',
      '4:2',
    ]);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  for (const [device, options] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    for (const colorScheme of ['light', 'dark'] as const) {
      test(`nothing keeps people out: ${device}, ${colorScheme}`, async () => {
        const { page, wrong } = await studio.visit({ ...options, colorScheme });
        await page.locator('.gallery .tile').first().click();
        await finished(page);
        await openSettings(page);
        assert.deepEqual(await seriousFaults(page), []);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `the page is ${overflow} pixels wider than the screen`);
        const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        await page.getByRole('button', { name: /^Theme:/ }).click();
        await page.getByRole('button', { name: /^Theme:/ }).click();
        const chosen = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(chosen === ground, colorScheme === 'dark', 'the second theme is dark');
        assert.deepEqual(wrong, []);
        await page.context().close();
      });
    }
  }
});

describe('the studio of other servers', { skip: NO_BROWSER }, () => {
  test('shows how far the download of a model is, and what became of it', async () => {
    const arrived = Promise.withResolvers<void>();
    await using studio = await TestStudio.open({
      open: async ({ onProgress }) => {
        onProgress('downloading FLUX.1-schnell', {
          phase: 'downloading',
          bytes: 6_000_000_000,
          totalBytes: 24_000_000_000,
          bytesPerSecond: 100_000_000,
        });
        await arrived.promise;
        throw new FluxionError('not_found', 'there is no such model');
      },
    });
    studio.server.host.start().catch(() => {});
    const { page } = await studio.visit();
    await page.getByText('Downloading FLUX.1-schnell').waitFor();
    await page.getByText('6.0 GB of 24 GB, 100 MB a second, 3 min left').waitFor();
    assert.equal(await page.getByRole('progressbar', { name: 'Opening the model' }).getAttribute('value'), '0.25');
    assert.deepEqual(await seriousFaults(page), []);
    arrived.resolve();
    await page.getByRole('alert').getByText('The model cannot be opened').waitFor();
    await ask(page, 'a red house');
    await page.locator('.stage').getByText('There is no such model').waitFor();
  });

  test('asks for a key where the server has keys, and shows pictures with it', async () => {
    const secret = 'a-key-of-more-than-16';
    await using studio = await TestStudio.open({ app: { security: { keys: ApiKeys.parse(secret, 'keys') } } });
    const { page } = await studio.visit();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Key').fill(secret);
    await dialog.getByRole('button', { name: 'Use it' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await ask(page, 'a white house', { Steps: '2' });
    await finished(page);
    await page.locator('.stage .picture[src^="blob:"]').waitFor();
    await page.waitForFunction(() => document.querySelector<HTMLImageElement>('.stage .picture')!.naturalWidth === 128);
  });
});
