/** Every control of the studio's form: shown where the model takes it, sent as the API has it, and marked where the server refuses it. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { Flux } from '../../src/index.ts';
import { NO_BROWSER } from '../support/browser.ts';
import { ModelFolders } from '../support/condition-cases.ts';
import { repositoryPath } from '../support/fixture.ts';
import { ask, DESKTOP, finished, PHONE, TestStudio } from '../support/studio.ts';
import { focused, give, open, openSettings, promptField, seriousFaults, unexpected } from './page.ts';

const fixture = (name: string): string => repositoryPath(`test/fixtures/conditions/${name}`);
const [LINES, DEPTH, HOUSE, SHORE] = ['lines.png', 'depth.png', 'house.png', 'shore.png'].map(fixture) as [
  string,
  string,
  string,
  string,
];
const titles = (page: Page): Promise<string[]> => page.locator('.composer h3').allTextContents();

describe('the controls', { skip: NO_BROWSER }, () => {
  let studio: TestStudio;
  before(async () => {
    studio = await TestStudio.open();
    await studio.server.host.start();
  });
  after(() => studio?.[Symbol.asyncDispose]());

  test('at first there are the prompt, size, steps, pictures and seed; the rest is folded, and what the model lacks is not there', async () => {
    const { page, wrong } = await studio.visit();
    await page.getByRole('heading', { name: 'Sampler' }).waitFor();
    assert.deepEqual(await titles(page), ['Start from a picture', 'References', 'LoRAs', 'Negative prompt', 'Sampler']);
    assert.equal(await page.locator('.composer details.part[open]').count(), 0);
    const shown = await page
      .locator('.composer :is(input, textarea, select):visible')
      .evaluateAll((fields) => fields.map((field) => (field as HTMLInputElement).labels?.[0]?.textContent));
    assert.deepEqual(shown, ['Prompt', 'Width', 'Height', 'Steps', 'Pictures', 'Seed'], 'tiny has no guidance');
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('sampler, schedule, negative prompt, sizes and batch are sent', async () => {
    const { page, wrong } = await studio.visit();
    await open(page, 'Sampler');
    await page.getByLabel('Sampler', { exact: true }).selectOption('heun');
    await page.getByLabel('Schedule', { exact: true }).selectOption('karras');
    await open(page, 'Negative prompt');
    await page.getByLabel('What to keep out').fill('clouds');
    await page.getByRole('button', { name: '4:3' }).click();
    // Ctrl+Enter in a field takes what was just written there.
    await promptField(page).fill('a red house');
    await page.locator('.composer').getByLabel('Pictures').fill('2');
    await page.getByLabel('Steps', { exact: true }).fill('3');
    await page.keyboard.press('Control+Enter');
    await finished(page);
    const { request, total } = await studio.newest();
    const { sampler, schedule, negativePrompt, trueCfgScale, width, height, steps } = request;
    assert.deepEqual(
      { sampler, schedule, negativePrompt, trueCfgScale, width, height, steps, total },
      {
        ...{ sampler: 'heun', schedule: 'karras', negativePrompt: 'clouds', trueCfgScale: 4 },
        ...{ width: 144, height: 112, steps: 3, total: 2 },
      },
    );
    assert.deepEqual(await page.locator('.part-state').allTextContents(), ['on', 'heun']);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('what the server refuses is said at its field, which has the focus and is announced with it', async () => {
    const { page, wrong } = await studio.visit();
    await ask(page, 'a red house', { Width: '8192', Height: '8192' });
    const field = page.getByLabel('Height', { exact: true });
    await page.locator('[aria-invalid=true]').waitFor();
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    await focused(field);
    const described = await field.getAttribute('aria-describedby');
    assert.match(await page.locator(`[id="${described}"]`).innerText(), /^Expected at most \d+ pixels.*\.$/);
    assert.equal(await page.locator('.notice').count(), 0, 'it is said once');
    await field.fill('128');
    await field.press('Tab');
    assert.equal(await page.locator('[aria-invalid]').count(), 0);
    await page.getByLabel('Width', { exact: true }).fill('128');
    await page.locator('.composer').getByLabel('Seed', { exact: true }).fill('99999999999999999999');
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.locator('#seed[aria-invalid=true]').waitFor();
    assert.deepEqual(await seriousFaults(page), []);
    assert.deepEqual(unexpected(wrong), []);
    await page.context().close();
  });

  test('an error goes with any way of changing its setting; one of a picture that is in is said beside it', async () => {
    const { page, wrong } = await studio.visit();
    const draw = page.getByRole('button', { name: 'Draw a seed' });
    assert.equal(await draw.getAttribute('aria-disabled'), 'true', 'every picture draws one');
    await ask(page, 'a red house', { Width: '8192', Height: '8192' });
    await page.locator('[aria-invalid=true]').waitFor();
    await page.getByRole('button', { name: '4:3' }).click();
    assert.equal(await page.locator('[aria-invalid=true]').count(), 0);
    await open(page, 'Start from a picture');
    // Browsers show as much of a file as there is.
    const whole = await sharp(HOUSE).jpeg().toBuffer();
    const half = { name: 'half.jpg', mimeType: 'image/jpeg', buffer: whole.subarray(0, whole.length / 2) };
    await page.locator('input[type=file][aria-label="Choose or drop a picture"]').setInputFiles(half);
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.locator('.start .error').getByText('cannot be decoded').waitFor();
    await focused(page.getByRole('button', { name: 'Mask and edges' }));
    assert.deepEqual(await seriousFaults(page), []);
    await page.getByRole('button', { name: 'Remove half.jpg' }).click();
    assert.equal(await page.locator('.composer .error').count(), 0);
    assert.deepEqual(unexpected(wrong), []);
    await page.context().close();
  });

  test('a mask is written in numbers or given as a file, by keyboard alone', async () => {
    const { page, wrong } = await studio.visit();
    await open(page, 'Start from a picture');
    await give(page, 'Choose or drop a picture', HOUSE);
    const opener = page.getByRole('button', { name: 'Mask and edges' });
    await opener.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Without painting').focus();
    await dialog.locator('summary').press('Enter');
    await dialog.getByLabel('From the left').fill('0');
    const asked: string[] = [];
    page.on('request', (request) => request.method() === 'POST' && asked.push(request.url()));
    await page.getByRole('textbox', { name: 'Prompt', exact: true, includeHidden: true }).evaluate((prompt) => {
      Object.assign(prompt, { value: 'a house' }).dispatchEvent(new Event('input', { bubbles: true }));
    });
    await page.keyboard.press('Enter');
    assert.deepEqual(asked, [], 'Enter in the mask asks for no picture');
    await dialog.getByLabel('Height').fill('16');
    await dialog.getByRole('button', { name: 'Mask it' }).press('Enter');
    await page
      .getByRole('status')
      .getByText(/^Masked \d+ by 16 pixels, 0 from the left, 0 from the top/)
      .waitFor({ state: 'attached' });
    // At the top, in the middle, and at the bottom.
    const painted = () =>
      dialog.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
        const { width, height } = canvas;
        const alpha = (y: number) => canvas.getContext('2d')!.getImageData(width / 2, y, 1, 1).data[3]!;
        return [8, height / 2, height - 2].map((y) => alpha(y) > 0).join();
      });
    assert.equal(await painted(), 'true,false,false');
    await dialog.getByRole('application').press('Space');
    while ((await painted()) !== 'true,true,false') await page.waitForTimeout(50);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await focused(opener);
    await page.getByLabel('Soft edge of the mask').press('ArrowRight');
    await page.getByLabel('Work only on the part around the mask').check();
    await ask(page, 'a house', { Steps: '2' });
    await finished(page);
    const { request } = await studio.newest();
    const { maskBlur, softMask, paddingMaskCrop, maskImage } = request;
    assert.deepEqual({ maskBlur, softMask, paddingMaskCrop }, { maskBlur: 1, softMask: true, paddingMaskCrop: 32 });
    assert.ok(maskImage);

    await opener.click();
    await dialog.locator('summary').click();
    await give(page, 'Use a picture as the mask: white is repainted', LINES);
    await dialog.getByRole('button', { name: 'Use another mask' }).waitFor();
    assert.deepEqual(await seriousFaults(page), []);
    await dialog.getByRole('button', { name: 'Done' }).click();
    await page.getByText('with a mask').waitFor();
    assert.deepEqual(wrong, []);
    await page.context().close();
  });
});

describe('the controls of a model with ControlNets and Redux', { skip: NO_BROWSER }, () => {
  const folders = new ModelFolders();
  let studio: TestStudio;
  before(async () => {
    studio = await TestStudio.open({
      open: (given) =>
        Flux.load(folders.whole('test/fixtures/conditions/models/deep'), {
          device: 'cpu',
          controlnet: [fixture('models/controlnet-union'), fixture('models/controlnet')],
          redux: fixture('models/redux'),
          ...given,
        }),
    });
    await studio.server.host.start();
  });
  after(async () => {
    await studio?.[Symbol.asyncDispose]();
    folders[Symbol.dispose]();
  });

  for (const [device, options] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    test(`control pictures with kinds and strengths, pictures in the prompt with weights, several references: ${device}`, async () => {
      const { page, wrong } = await studio.visit({ ...options, colorScheme: device === 'phone' ? 'dark' : 'light' });
      await openSettings(page);
      await page.getByRole('heading', { name: 'Control picture' }).waitFor();
      for (const title of ['Control picture', 'Pictures in the prompt', 'References']) await open(page, title);
      await give(page, 'Picture for controlnet-union', LINES);
      await give(page, 'Picture for controlnet', DEPTH);
      await page.getByLabel('Kind of control of lines.png').selectOption('2');
      await page.getByLabel('Strength of lines.png').fill('0.5');
      await page.getByLabel('Draw the edges of the picture (Canny)').check();
      await page.getByLabel('Low threshold').fill('50');
      await page.getByLabel('Steers until').fill('0.75');
      await give(page, 'Add pictures', HOUSE, SHORE);
      await page.getByLabel('Weight of shore.png').fill('0.25');
      await give(page, 'Add references', HOUSE);
      await give(page, 'Add another reference', SHORE);
      assert.deepEqual(await seriousFaults(page), []);
      await ask(page, 'a red house', { Steps: '2', Width: '64', Height: '48', Seed: '5' });
      await finished(page);
      const { request, pictures } = await studio.newest();
      const fields = [
        'controlMode',
        'controlnetConditioningScale',
        'controlGuidanceEnd',
        'control',
        'cannyLow',
        'promptEmbedsScale',
      ];
      assert.deepEqual(Object.fromEntries(fields.map((field) => [field, request[field]])), {
        controlMode: [2, null],
        controlnetConditioningScale: [0.5, 1],
        controlGuidanceEnd: 0.75,
        control: 'canny',
        cannyLow: 50,
        promptEmbedsScale: [1, 0.25],
      });
      const { inputs } = pictures[0]!.recipe;
      assert.deepEqual(
        Object.entries(inputs!).map(([field, all]) => [field, all.map(({ name }) => name)]),
        [
          ['referenceImage', ['house.png', 'shore.png']],
          ['controlImage', ['lines.png', 'depth.png']],
          ['reduxImage', ['house.png', 'shore.png']],
        ],
      );
      // All of it comes back with the recipe, in a page that was loaded anew.
      const made = await studio.file(pictures[0]!.name);
      await page.reload();
      await page.locator('.gallery .tile').first().click();
      await page.getByRole('button', { name: 'Reuse recipe' }).click();
      await page.locator('.notice').getByText('Recipe restored', { exact: true }).waitFor();
      await openSettings(page);
      assert.equal(await page.getByLabel('Kind of control of lines.png').inputValue(), '2');
      await page.getByRole('button', { name: 'Generate' }).click();
      await page.waitForFunction(
        (name) =>
          !document.querySelector(`.stage .picture[src*="${name}"]`) && document.querySelector('.stage .picture'),
        pictures[0]!.name,
      );
      const again = await studio.newest();
      assert.notEqual(again.pictures[0]!.name, pictures[0]!.name);
      assert.deepEqual(await studio.file(again.pictures[0]!.name), made);
      assert.deepEqual(wrong, []);
      await page.context().close();
    });
  }

  test('a picture that a ControlNet lacks is asked for where it goes', async () => {
    const { page, wrong } = await studio.visit();
    await page.getByRole('heading', { name: 'Control picture' }).waitFor();
    await open(page, 'Control picture');
    await give(page, 'Picture for controlnet-union', LINES);
    await page.locator('.composer details.part', { hasText: 'Control picture' }).locator('summary').click();
    await ask(page, 'a red house', { Steps: '2' });
    const error = page.locator('.slot .error');
    await error.getByText('Expected one for each of 2 ControlNets, found 1').waitFor();
    await focused(page.locator('.slot:has(.error) button'));
    assert.deepEqual(unexpected(wrong), []);
    await page.context().close();
  });
});
