/** The studio in a browser, served over loopback with the bundled model. */

import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { JOB, type JobState } from '../../src/api/jobs.ts';
import { Flux } from '../../src/index.ts';
import { type Listening, listen } from '../../src/server/listen.ts';
import { openBrowser } from './browser.ts';
import { TestJobs, type TestJobsOptions } from './server.ts';

export const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 800 } };
export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

export class TestStudio implements AsyncDisposable {
  readonly server: TestJobs;
  readonly browser: Browser;
  readonly url: string;
  readonly #listening: Listening;

  private constructor(server: TestJobs, browser: Browser, listening: Listening) {
    this.server = server;
    this.browser = browser;
    this.url = listening.url;
    this.#listening = listening;
  }

  static async open(options: TestJobsOptions = {}): Promise<TestStudio> {
    const server = new TestJobs({ open: (given) => Flux.load('tiny', { device: 'cpu', ...given }), ...options });
    const listening = await listen((request) => server.app.fetch(request), { host: '127.0.0.1', port: 0 });
    return new TestStudio(server, await openBrowser(), listening);
  }

  /** A new visitor's page, and what went wrong on it: errors of scripts, of the content policy, and requests to elsewhere. */
  async visit(options: BrowserContextOptions = DESKTOP): Promise<{ readonly page: Page; readonly wrong: string[] }> {
    const page = await (await this.browser.newContext({ acceptDownloads: true, ...options })).newPage();
    const wrong: string[] = [];
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') wrong.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(this.url) && !request.url().startsWith('blob:')) wrong.push(request.url());
    });
    page.setDefaultTimeout(90_000);
    await page.goto(this.url);
    return { page, wrong };
  }

  /** The newest job, as the server shows it. */
  async newest(): Promise<JobState> {
    const { jobs } = (await (await this.server.ask('/v1/jobs?limit=1')).json()) as { jobs: unknown[] };
    return JOB.parse(jobs[0]);
  }

  /** The bytes of a picture's file. */
  async file(name: string): Promise<Buffer> {
    return Buffer.from(await (await this.server.ask(`/v1/pictures/${name}`)).arrayBuffer());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    const closed = this.#listening.close(Promise.resolve());
    await this.server[Symbol.asyncDispose]();
    await closed;
  }
}

/** Writes a prompt and settings, by their labels. */
export async function ask(page: Page, prompt: string, settings: Readonly<Record<string, string>> = {}): Promise<void> {
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(prompt);
  for (const [label, value] of Object.entries(settings)) {
    const field = page.locator('.composer').getByLabel(label, { exact: true });
    await field.fill(value);
    await field.press('Tab');
  }
  await page.getByRole('button', { name: 'Generate' }).click();
}

/** Waits until the stage has a finished picture. */
export async function finished(page: Page): Promise<void> {
  await page.locator('.stage .picture').waitFor();
}
