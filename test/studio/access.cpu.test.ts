/** The studio by keyboard and screen reader alone: what Chromium tells assistive technology, where the focus goes, and what is announced. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NO_BROWSER } from '../support/browser.ts';
import { ask, DESKTOP, finished, PHONE, TestStudio } from '../support/studio.ts';
import { focused, open, openSettings, promptField, seriousFaults } from './page.ts';

const FORM = `
- link "Go to the pictures":
  - /url: "#pictures"
- banner:
  - heading "Fluxion" [level=1]
  - paragraph: tiny on cpu
  - button "Keyboard shortcuts"
  - 'button "Theme: system. Change to light"'
- form "New picture":
  - heading "New picture" [level=2]
  - text: Prompt
  - textbox "Prompt":
    - /placeholder: A lighthouse by the sea at night
    - text: a red house
  - button "Generate"
  - group:
    - group "Size":
      - text: Size
      - button "1:1" [pressed]
      - button "4:3"
      - button "3:2"
      - button "16:9"
      - button "3:4"
      - button "2:3"
      - button "9:16"
      - text: Width
      - spinbutton "Width"
      - button "Swap width and height"
      - text: Height
      - spinbutton "Height"
    - text: Steps
    - spinbutton "Steps": "2"
    - text: Pictures
    - spinbutton "Pictures": "1"
    - text: Seed
    - textbox "Seed": "7"
    - button "Keep this seed" [pressed]
    - button "Draw a seed"
    - group:
      - heading "Start from a picture" [level=3]
    - group:
      - heading "References" [level=3]
    - group:
      - heading "LoRAs" [level=3]
    - group:
      - heading "Negative prompt" [level=3]
    - group:
      - heading "Sampler" [level=3]
- main:
  - region "Picture":
    - heading "Picture" [level=2]
    - img "a red house"
    - group "This picture":
      - button "Reuse recipe"
      - button "Start from it"
      - button "Compare with another picture"
      - button "Favourite"
      - button "Download"
      - button "Delete"
    - group: a red house 128 × 128 · 2 steps · seed 7 · more
  - region "Gallery":
    - heading "Gallery" [level=2]
    - text: Search prompts
    - searchbox "Search prompts"
    - button "Grid over two keys"
    - button "Favourites only"
    - list "Pictures":
      - listitem:
        - button "a red house, seed 7":
          - img "a red house, seed 7"
- status: Your picture is done
- alert`;

describe('the studio without eyes or a mouse', { skip: NO_BROWSER }, () => {
  let studio: TestStudio;
  before(async () => {
    studio = await TestStudio.open();
    for (const seed of [1, 2]) {
      const job = await studio.server.jobs.submit({ prompt: 'a red house', steps: 2, seed }, { api: 'test' });
      await job.over;
    }
  });
  after(() => studio?.[Symbol.asyncDispose]());

  test('landmarks, headings, names and states are told in order; few things are announced', async () => {
    await using fresh = await TestStudio.open();
    await fresh.server.host.start();
    const { page, wrong } = await fresh.visit();
    await page.getByRole('heading', { name: 'Sampler' }).waitFor();
    await page.evaluate(() => {
      const said: string[] = [];
      Object.assign(globalThis, { said });
      const regions = document.querySelectorAll('[role=status], body > * > [role=alert]');
      const observer = new MutationObserver((changes) => {
        for (const { target } of changes) if (target.textContent) said.push(target.textContent);
      });
      for (const region of regions) observer.observe(region, { childList: true, characterData: true, subtree: true });
    });
    await ask(page, 'a red house', { Steps: '2', Seed: '7' });
    await finished(page);
    await page.locator('.gallery .tile img').waitFor();
    assert.equal((await page.locator('body').ariaSnapshot()).trim(), FORM.trim());
    await ask(page, 'a red house', { Steps: '24', Seed: '8' });
    await page.locator('.stage img.picture[src*="_0"]').waitFor();
    await page.waitForFunction(() => document.querySelectorAll('.gallery .tile img').length === 2);
    const said = (await page.evaluate('said')) as string[];
    const once = ['Your picture waits for its turn', 'Your picture is being made', 'Your picture is done'];
    assert.deepEqual(
      said.filter((text) => !once.includes(text)),
      [],
    );
    assert.ok(said.length <= 6, said.join('; '));
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('the gallery is one stop of the Tab key, and arrow keys go through it', async () => {
    const { page, wrong } = await studio.visit();
    const tiles = page.locator('.gallery .tile');
    await tiles.nth(1).waitFor();
    await page.waitForFunction(() => document.querySelectorAll('.tile[tabindex="0"]').length === 1);
    await page.getByRole('button', { name: 'Favourites only' }).focus();
    await page.keyboard.press('Tab');
    await focused(tiles.first());
    await page.keyboard.press('ArrowRight');
    await focused(tiles.nth(1));
    assert.equal(await tiles.nth(1).getAttribute('aria-current'), 'true');
    await page.waitForFunction(() => document.querySelectorAll('.tile')[1]?.getAttribute('tabindex') === '0');
    await page.keyboard.press('Home');
    await focused(tiles.first());
    const outline = await tiles.first().evaluate((tile) => {
      const { outlineStyle, outlineWidth } = getComputedStyle(tile);
      return `${outlineStyle} ${outlineWidth}`;
    });
    assert.match(outline, /^solid [2-9]px$/, 'the focus is seen');
    await page.keyboard.press('Tab');
    assert.equal(await page.locator('.tile:focus').count(), 0);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('the focus is never lost: skip link, deletion and its undo, notices, dialogs', async () => {
    const { page, wrong } = await studio.visit();
    await page.locator('.gallery .tile').first().waitFor();
    await page.locator('.skip').focus();
    await page.keyboard.press('Enter');
    await focused(page.locator('main'));
    await page.locator('.gallery .tile').first().click();
    const name = await page.locator('.stage .picture').getAttribute('src');
    await page.keyboard.press('Delete');
    await focused(page.locator('.tile[aria-current]'));
    assert.notEqual(await page.locator('.stage .picture').getAttribute('src'), name);
    await page.locator('.notice').getByRole('button', { name: 'Undo' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction((src) => document.querySelector('.stage .picture')?.getAttribute('src') === src, name);
    await focused(page.locator('.tile[aria-current]'));
    // All of them, and back: the focus goes to the head of the empty gallery, and Ctrl+Z takes it back.
    for (let left = await page.locator('.gallery .tile').count(); left > 0; left--) {
      await page.keyboard.press('Delete');
      await page.waitForFunction((count) => document.querySelectorAll('.gallery .tile').length === count, left - 1);
    }
    await focused(page.locator('#gallery'));
    await page.keyboard.press('Control+z');
    await page.locator('.gallery .tile').first().waitFor();
    for (const [key, title] of [
      ['?', 'Keyboard shortcuts'],
      ['g', 'Grid'],
    ] as const) {
      await page.locator('.gallery .tile').first().focus();
      await page.keyboard.press(key);
      await page.getByRole('dialog', { name: title }).waitFor();
      assert.ok(await page.evaluate(() => document.querySelector('dialog')!.contains(document.activeElement)));
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await focused(page.locator('.gallery .tile').first());
    }
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('the focus stays while a picture is asked for, and goes on from a job that is over', async () => {
    const { page, wrong } = await studio.visit();
    await page.locator('.gallery .tile').first().waitFor();
    await promptField(page).fill('a red house');
    await page.getByLabel('Steps', { exact: true }).fill('200');
    const generate = page.getByRole('button', { name: 'Generate' });
    await generate.focus();
    await page.keyboard.press('Enter');
    const cancel = page.getByRole('button', { name: 'Cancel', exact: true });
    await cancel.waitFor();
    await focused(generate);
    await cancel.focus();
    await page.keyboard.press('Enter');
    await cancel.waitFor({ state: 'detached' });
    await focused(page.locator('#gallery'));
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('a notice stays while it has the focus; single keys can be turned off', async () => {
    const { page, wrong } = await studio.visit();
    await page.clock.install();
    await page.locator('.gallery .tile').first().click();
    await page.keyboard.press('Delete');
    const undo = page.locator('.notice').getByRole('button', { name: 'Undo' });
    // The deletion moves the focus, a frame later.
    await undo.waitFor();
    await page.waitForFunction(() => document.activeElement?.matches('#gallery, .tile'));
    await undo.focus();
    await page.clock.fastForward(30_000);
    await focused(undo);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Reuse recipe' }).click();
    const restored = page.locator('.notice').getByText('Recipe restored');
    await restored.waitFor();
    await page.clock.fastForward(30_000);
    await restored.waitFor({ state: 'detached' });
    const shortcuts = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await page.keyboard.press('?');
    await shortcuts.getByLabel('Use shortcuts of a single key').uncheck();
    await page.keyboard.press('Escape');
    await shortcuts.waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    await page.keyboard.press('Delete');
    assert.equal(await page.locator('dialog, .notice').count(), 0);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('with less motion asked for, nothing moves by itself', async () => {
    const { page, wrong } = await studio.visit({ ...DESKTOP, reducedMotion: 'reduce' });
    await ask(page, 'a red house', { Steps: '200', Pictures: '4', Seed: '9' });
    await page.locator('.job-line').getByText(/^Step/).waitFor();
    const moving = await page.evaluate(() =>
      document
        .getAnimations()
        .map((animation) =>
          String((animation as CSSAnimation).animationName ?? (animation as CSSTransition).transitionProperty),
        ),
    );
    assert.deepEqual(moving, []);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByRole('status').getByText('Cancelled').waitFor({ state: 'attached' });
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test('on a phone, what is touched is 44 pixels high; at twice the size, nothing is cut off', async () => {
    const { page, wrong } = await studio.visit(PHONE);
    await page.locator('.gallery .tile').first().click();
    await page.getByRole('button', { name: 'Start from it' }).click();
    await openSettings(page);
    for (const title of ['Start from a picture', 'Negative prompt', 'Sampler', 'LoRAs']) await open(page, title);
    const small = await page
      .locator(':is(button, input, select, textarea, summary):visible')
      .evaluateAll((elements) =>
        elements
          .map((element) => ({ html: element.outerHTML.slice(0, 120), height: element.getBoundingClientRect().height }))
          .filter(({ height }) => height < 43.5),
      );
    assert.deepEqual(
      small.filter(({ html }) => !/type="range"/.test(html) && !html.startsWith('<summary><span')),
      [],
    );
    await page.context().close();

    const { page: zoomed, wrong: alsoWrong } = await studio.visit({
      viewport: { width: 640, height: 400 },
      deviceScaleFactor: 2,
    });
    await zoomed.locator('.gallery .tile').first().click();
    const overflow = await zoomed.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${overflow} pixels too wide`);
    assert.deepEqual(await seriousFaults(zoomed), []);
    assert.deepEqual([...wrong, ...alsoWrong], []);
    await zoomed.context().close();
  });
});
