/** What the studio does while things go wrong: a model that does not open, a server that goes and comes back, keys that change, rates. */

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { Flux, FluxionError } from '../../src/index.ts';
import { ApiKeys } from '../../src/server/security.ts';
import { NO_BROWSER, openBrowser } from '../support/browser.ts';
import { temporaryFolder } from '../support/command-line.ts';
import { ServerProcess } from '../support/server-process.ts';
import { ask, finished, TestStudio } from '../support/studio.ts';
import { action, madePicture, promptField, seriousFaults, unexpected } from './page.ts';

/** Answers with how often a page has asked for a path. */
function countRequests(page: Page, path: string): () => number {
  let count = 0;
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === path) count++;
  });
  return () => count;
}

describe('the studio when things go wrong', { skip: NO_BROWSER }, () => {
  test('a model that cannot be opened: why, what to do, and a way to try again', async () => {
    let isThere = false;
    await using studio = await TestStudio.open({
      open: async (given) => {
        if (!isThere) throw new FluxionError('not_found', 'there is no such model', { hint: 'pull it first' });
        return Flux.load('tiny', { device: 'cpu', ...given });
      },
    });
    await studio.server.host.start().catch(() => {});
    const { page, wrong } = await studio.visit();
    const asked = countRequests(page, '/v1/model');
    const alert = page.getByRole('alert', { name: 'The model' });
    await alert.getByText('There is no such model').waitFor();
    await alert.getByText('Pull it first').waitFor();
    assert.deepEqual(await seriousFaults(page), []);
    isThere = true;
    await alert.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('tiny on cpu').waitFor();
    await alert.waitFor({ state: 'detached' });
    // A model that is open is not asked about: what comes is other questions.
    const before = asked();
    await ask(page, 'a red house', { Steps: '2' });
    await finished(page);
    await page.waitForTimeout(2500);
    assert.equal(asked(), before);
    assert.deepEqual(wrong, []);
  });

  test('a page that nobody sees asks nothing', async () => {
    await using studio = await TestStudio.open();
    const { page } = await studio.visit();
    await page.getByText('The model opens with the next picture').waitFor();
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: true, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await page.waitForTimeout(1500);
    const asked = countRequests(page, '/v1/model');
    await page.waitForTimeout(2500);
    assert.equal(asked(), 0);
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: false, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await page.waitForRequest((request) => request.url().endsWith('/v1/model'));
  });

  test('a server that is killed and started again: jobs are shown as interrupted, and asked for again', async () => {
    using folder = temporaryFolder();
    // One address for both servers.
    const port = await freePort();
    const start = (): Promise<ServerProcess> =>
      ServerProcess.start(['--no-config', 'output_dir=out', `port=${port}`], { cwd: folder.path });
    const browser = await openBrowser();
    try {
      const first = await start();
      await first.ready();
      const page = await browser.newPage();
      page.setDefaultTimeout(90_000);
      const wrong: string[] = [];
      page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
      await page.goto(first.url);
      await ask(page, 'a red house', { Steps: '200', Pictures: '4' });
      await page.locator('.job-line').getByText(/^Step/).waitFor();
      await ask(page, 'a white sailboat', { Steps: '4', Pictures: '1' });
      await page.getByRole('button', { name: /^a white sailboat:/ }).waitFor();
      await first.stop('SIGKILL');
      await page.getByText('The server cannot be reached').first().waitFor();
      assert.equal(await page.locator('.live').count(), 5, 'nothing is lost from view');
      await promptField(page).fill('asked meanwhile');
      await page.getByRole('button', { name: 'Generate' }).click();
      await page.locator('.notice').getByText('Your settings are kept').waitFor();
      await using second = await start();
      await second.ready();
      await page.getByRole('button', { name: /^a white sailboat: Interrupted/ }).click();
      await page.locator('.stage').getByText('The server was stopped before it was done').waitFor();
      await page.getByRole('button', { name: 'Make it again' }).click();
      await madePicture(page, 'a white sailboat').waitFor();
      assert.equal(await page.getByRole('button', { name: /Interrupted/ }).count(), 1);
      // Another visit shows what was missed, until it is dismissed.
      await page.reload();
      await page.getByRole('button', { name: /^a red house: Interrupted/ }).waitFor();
      await page.getByRole('button', { name: 'Dismiss a red house' }).click();
      await page.reload();
      await madePicture(page, 'a white sailboat').waitFor();
      assert.equal(await page.getByRole('button', { name: /Interrupted/ }).count(), 0);
      assert.deepEqual(unexpected(wrong), []);
    } finally {
      await browser.close();
    }
  });

  test('a key that is not known any more is asked for again, and what waited goes on', async () => {
    const secret = 'a-key-of-more-than-16';
    await using studio = await TestStudio.open({ app: { security: { keys: ApiKeys.parse(secret, 'keys') } } });
    const { page, wrong } = await studio.visit();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Key').fill('a-wrong-key-of-16-or-more');
    await page.keyboard.press('Enter');
    const field = dialog.locator('[aria-invalid=true]');
    await field.waitFor();
    assert.equal(await field.getAttribute('aria-describedby'), 'key-error');
    // Closed without a key, there is a way back.
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Enter a key' }).click();
    await dialog.getByLabel('Key').fill(secret);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await ask(page, 'a white house', { Steps: '2' });
    await finished(page);
    await page.locator('.gallery .tile img[src^="blob:"]').first().waitFor();
    // The server forgets the key.
    const body = JSON.stringify({ error: { code: 'denied', message: 'the key is unknown to this server' } });
    await page.route('**/v1/**', (route) => route.fulfill({ status: 401, contentType: 'application/json', body }));
    await ask(page, 'a white house at night', { Steps: '2' });
    await dialog.getByText('The server does not know the key that was given.').waitFor();
    assert.equal(await page.locator('.notice').count(), 0, 'it is said once');
    await page.unroute('**/v1/**');
    await dialog.getByLabel('Key').fill(secret);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Generate' }).click();
    await madePicture(page, 'a white house at night').waitFor();
    assert.deepEqual(unexpected(wrong), []);
  });

  test('a rate that is passed: how long to wait, and a way to ask again', async () => {
    await using studio = await TestStudio.open({ app: { security: { rateLimit: 1 } } });
    const { page, wrong } = await studio.visit();
    await ask(page, 'a red house', { Steps: '1' });
    await finished(page);
    await ask(page, 'a white house', { Steps: '1' });
    const notice = page.locator('.notice.is-error');
    await notice.getByText(/^More than 1 requests a minute\. Ask again in \d+ s\.$/).waitFor();
    await notice.getByRole('button', { name: 'Ask again' }).waitFor();
    await notice.getByRole('button', { name: 'Dismiss' }).focus();
    await page.keyboard.press('Enter');
    await notice.waitFor({ state: 'detached' });
    assert.deepEqual(unexpected(wrong), []);
  });

  test('without a network the page says so, keeps what is there, and goes on when it is back', async () => {
    await using studio = await TestStudio.open();
    const { page, wrong } = await studio.visit();
    await ask(page, 'a red house', { Steps: '2' });
    await finished(page);
    await page.context().setOffline(true);
    await action(page, 'Favourite').click();
    await page.getByText('The server cannot be reached').first().waitFor();
    assert.equal(await action(page, 'Favourite').getAttribute('aria-pressed'), 'false');
    await page.context().setOffline(false);
    await page.getByText('tiny on cpu').waitFor();
    await action(page, 'Favourite').click();
    await page.locator('.tile .badge').waitFor();
    assert.deepEqual(unexpected(wrong), []);
  });
});

/** A port that nothing listens at. */
async function freePort(): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
