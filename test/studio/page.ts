/** What people do on the studio's page, and what is to be found there. */

import axe from 'axe-core';
import type { Locator, Page } from 'playwright-core';

/** Milliseconds within which the focus goes where it should. */
const FOCUS = 10_000;

/** The prompt that is written. */
export function promptField(page: Page): Locator {
  return page.getByRole('textbox', { name: 'Prompt', exact: true });
}

/** What can be done with the picture on the stage, by its button's name. */
export function action(page: Page, name: string): Locator {
  return page.getByRole('group', { name: 'This picture' }).getByRole('button', { name });
}

/** A picture that is done, by the beginning of its prompt. */
export function madePicture(page: Page, prompt: string): Locator {
  return page.getByRole('img', { name: new RegExp(`^${prompt}`) }).first();
}

/** Opens the settings, which are folded on a phone. */
export async function openSettings(page: Page): Promise<void> {
  await page.locator('.settings').evaluate((details: HTMLDetailsElement) => (details.open = true));
}

/** Opens a part of the form. */
export async function open(page: Page, title: string): Promise<void> {
  const part = page.locator('.composer details.part', { has: page.getByRole('heading', { name: title }) });
  await part.evaluate((details: HTMLDetailsElement) => (details.open = true));
}

/** Puts files in a place for pictures. */
export async function give(page: Page, label: string, ...files: readonly string[]): Promise<void> {
  await page.locator(`input[type=file][aria-label="${label}"]`).setInputFiles([...files]);
}

/** Drops files on the page, anywhere. */
export async function drop(
  page: Page,
  ...files: readonly { name: string; type: string; bytes: Uint8Array }[]
): Promise<void> {
  const given = files.map(({ bytes, ...file }) => ({ ...file, base64: Buffer.from(bytes).toString('base64') }));
  const data = await page.evaluateHandle((all) => {
    const transfer = new DataTransfer();
    for (const { name, type, base64 } of all)
      transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type }));
    return transfer;
  }, given);
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
}

/** Answers with how many addresses of pictures in memory there are, of those made from now on. */
export async function openAddresses(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const open = new Set<string>();
    Object.assign(globalThis, { open });
    const { createObjectURL, revokeObjectURL } = URL;
    URL.createObjectURL = (blob: Blob) => {
      const url = createObjectURL(blob);
      open.add(url);
      return url;
    };
    URL.revokeObjectURL = (url) => {
      open.delete(url);
      revokeObjectURL(url);
    };
  });
  return () => page.evaluate('open.size');
}

/** Waits until something has the focus. */
export async function focused(locator: Locator): Promise<void> {
  const element = await locator.elementHandle({ timeout: FOCUS });
  await locator.page().waitForFunction((wanted) => document.activeElement === wanted, element, { timeout: FOCUS });
}

/** Errors but for those of answers that refuse and servers that are away, which browsers write into every console. */
export function unexpected(wrong: readonly string[]): readonly string[] {
  return wrong.filter((text) => !text.startsWith('Failed to load resource'));
}

const SERIOUS = ['serious', 'critical'];

/** What axe finds that keeps people out. */
export async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  };
  return violations
    .filter(({ impact }) => SERIOUS.includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' ')}`);
}
