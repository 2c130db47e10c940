/** Recipes in the studio: what comes back with them, what cannot, and files that mean no good. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { Flux, type Recipe } from '../../src/index.ts';
import { NO_BROWSER } from '../support/browser.ts';
import { repositoryPath } from '../support/fixture.ts';
import { ask, finished, TestStudio } from '../support/studio.ts';
import { drop, focused, give, open, openAddresses, promptField, unexpected } from './page.ts';

const HOUSE = repositoryPath('test/fixtures/conditions/house.png');
const PNG = { name: 'it.png', type: 'image/png' };

/** A PNG of one colour with text chunks, which may say of its size what is not so. */
function png(texts: Readonly<Record<string, string>>, [width, height] = [16, 16], isWhole = true): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const whole = Buffer.alloc(body.length + 8);
    whole.writeUInt32BE(data.length, 0);
    body.copy(whole, 4);
    whole.writeUInt32BE(crc(body), body.length + 4);
    return whole;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width!, 0);
  head.writeUInt32BE(height!, 4);
  head.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', head),
    ...Object.entries(texts).map(([keyword, text]) =>
      chunk('iTXt', Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1'), Buffer.from(text, 'utf8')])),
    ),
    chunk('IDAT', isWhole ? deflateSync(Buffer.alloc((width! + 1) * height!, 0x40)) : Buffer.alloc(8)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}

describe('recipes in the studio', { skip: NO_BROWSER }, () => {
  let studio: TestStudio;
  let recipe: Recipe;
  before(async () => {
    studio = await TestStudio.open();
    await using flux = await Flux.load('tiny', { device: 'cpu' });
    const [image] = await flux.generate({ prompt: 'a red house', steps: 1, seed: 1 });
    recipe = image!.recipe;
  });
  after(() => studio?.[Symbol.asyncDispose]());

  test('the picture and mask that went in come back after a reload, and the same file is made; elsewhere a note says what to add', async () => {
    const { page, wrong } = await studio.visit();
    await open(page, 'Start from a picture');
    await give(page, 'Choose or drop a picture', HOUSE);
    await page.getByRole('button', { name: 'Mask and edges' }).click();
    await page.getByRole('application').press('Space');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('slider', { name: 'Strength' }).fill('0.9');
    await ask(page, 'a house at night', { Steps: '4', Seed: '3' });
    await finished(page);
    const first = (await studio.newest()).pictures[0]!;
    assert.deepEqual(
      first.recipe.inputs?.image?.map(({ name }) => name),
      ['house.png'],
    );
    const file = await studio.file(first.name);

    await page.reload();
    await page.locator('.gallery .tile').first().click();
    await page.keyboard.press('r');
    await page.locator('.notice').getByText('Recipe restored', { exact: true }).waitFor();
    // Enter makes it again.
    await focused(page.getByRole('button', { name: 'Generate' }));
    await page.getByRole('heading', { name: 'Start from a picture' }).waitFor();
    assert.equal(await page.locator('.part-state').first().innerText(), 'with a mask');
    await page.keyboard.press('Enter');
    await page.waitForFunction((name) => {
      const src = document.querySelector('.stage .picture')?.getAttribute('src');
      return src && !src.includes(name);
    }, first.name);
    const again = (await studio.newest()).pictures[0]!;
    assert.deepEqual(await studio.file(again.name), file);
    assert.deepEqual(wrong, []);
    await page.context().close();

    // Another browser never had the pictures.
    const { page: other, wrong: alsoWrong } = await studio.visit();
    await drop(other, { ...PNG, bytes: file });
    await other
      .locator('.notice')
      .getByText('this browser no longer has house.png, mask.png: add the picture again')
      .waitFor();
    assert.equal(await promptField(other).inputValue(), 'a house at night');
    assert.deepEqual(alsoWrong, []);
    await other.context().close();
  });

  test('pictures that a recipe carries come back anywhere', async () => {
    await using flux = await Flux.load('tiny', { device: 'cpu' });
    const [image] = await flux.generate({ prompt: 'a house', steps: 2, seed: 4, image: HOUSE, embedInputs: true });
    const { page, wrong } = await studio.visit();
    await drop(page, { ...PNG, bytes: await image!.png() });
    await page.locator('.notice').getByText('Recipe restored', { exact: true }).waitFor();
    await open(page, 'Start from a picture');
    await page.getByRole('img', { name: 'house.png' }).waitFor();
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('text of a recipe is text: no markup, no turned lines, no control characters', async () => {
    const { page, wrong } = await studio.visit();
    const prompt = `<img src=x onerror=alert(1)> \u202Eesrever\u202C \u0007\u001b[31m שלום 🏠👩‍👩‍👧 ${'very long '.repeat(400)}`;
    const loras = [{ name: '<b>evil\u202E', hash: 'x', scale: 1 }];
    await drop(page, { ...PNG, bytes: png({ fluxion: JSON.stringify({ ...recipe, prompt, loras }) }) });
    await page.locator('.notice').getByText('the LoRA <b>evil is not on this server').waitFor();
    const field = promptField(page);
    assert.equal(await field.inputValue(), prompt, 'what is made is what was written');
    await open(page, 'LoRAs');
    assert.equal(await page.locator('.loras .name').getAttribute('title'), '<b>evil');
    await page.getByRole('button', { name: 'Remove <b>evil' }).click();
    await page.getByRole('button', { name: 'Generate' }).click();
    await finished(page);
    const shown = await page.locator('.stage').innerText();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/);
    assert.ok(shown.includes('<img src=x onerror=alert(1)>') && shown.includes('👩‍👩‍👧'));
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `the page is ${overflow} pixels wider than the screen`);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('recipes with wrong values, other files and huge pictures change nothing, and it is said why', async () => {
    const { page, wrong } = await studio.visit();
    await promptField(page).fill('mine');
    const addresses = await openAddresses(page);
    const told = (text: string | RegExp): Promise<void> => page.locator('.notice').getByText(text).last().waitFor();
    const broken: readonly [Partial<Record<keyof Recipe, unknown>>, RegExp][] = [
      [{ width: 1e9 }, /'width' of its recipe is wrong/],
      [{ steps: -1 }, /'steps' of its recipe is wrong/],
      [{ prompt: { toString: 'x' } }, /'prompt' of its recipe is wrong/],
      [{ outpaint: [1, 2] }, /'outpaint' of its recipe is wrong/],
      [{ inputs: { image: [{ name: '../x', hash: 'x' }] } }, /'inputs.*' of its recipe is wrong/],
    ];
    for (const [values, message] of broken) {
      await drop(page, { ...PNG, bytes: png({ fluxion: JSON.stringify({ ...recipe, ...values }) }) });
      await told(message);
    }
    await drop(page, { ...PNG, bytes: png({ fluxion: '{' }) });
    await told(/its recipe is not valid JSON/);
    await drop(page, { name: 'note\u202Es<b>.txt', type: 'text/plain', bytes: Buffer.from('hello') });
    await told('Note s<b>.txt is not a PNG, JPEG, WebP, AVIF or GIF');
    await drop(page, { name: 'not.png', type: 'image/png', bytes: Buffer.from('<svg onload=alert(1)>') });
    await told('Not.png is not a picture that this browser can read');
    await drop(page, {
      name: 'x.svg',
      type: 'image/svg+xml',
      bytes: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
    });
    await told('X.svg is not a PNG, JPEG, WebP, AVIF or GIF');
    await drop(page, { name: 'bomb.png', type: 'image/png', bytes: png({}, [30_000, 30_000], false) });
    await told(
      /^Bomb\.png (has 900 megapixels; this server takes at most 33\.6|is not a picture that this browser can read)\.$/,
    );
    assert.equal(await promptField(page).inputValue(), 'mine');
    assert.equal(await page.locator('.composer .thumb').count(), 0);
    assert.equal(await addresses(), 0);
    // One without a recipe is what the next picture starts from.
    await drop(page, { name: `${'long'.repeat(100)}.png`, type: 'image/png', bytes: png({}) });
    await told(/^There is no recipe in (long)+\w*…: the next picture starts from it$/);
    await page.locator('.composer .thumb').waitFor();
    assert.deepEqual(unexpected(wrong), []);
    await page.context().close();
  });
});
