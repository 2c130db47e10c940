/** Work that begins when the page is loaded, and again once a key is given or a lost server is back. */

import { effect } from '@preact/signals';
import { isLost } from '../server.ts';
import { reload } from './gallery.ts';
import { resumeJobs } from './jobs.ts';
import { askModel, loadLoras } from './model.ts';
import { announce, tellError } from './notices.ts';

export function start(): void {
  for (const begin of [askModel, reload, resumeJobs, loadLoras]) begin().catch(tellError);
}

/** Starts everything again when the server is back. */
export function followConnection(): void {
  let wasLost = false;
  effect(() => {
    const isBack = wasLost && !isLost.value;
    if (isLost.value && !wasLost) announce('The server cannot be reached');
    wasLost = isLost.value;
    if (!isBack) return;
    announce('The server is back');
    queueMicrotask(start);
  });
}
