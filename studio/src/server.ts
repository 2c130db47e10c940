/** The studio's connection to the server: the client of the native API, whether the server can be reached, and its key. */

import { computed, effect, signal } from '@preact/signals';
import { FluxionClient } from 'fluxion/client';

export type {
  JobError,
  JobEventJson as JobEvent,
  JobPicture,
  JobState,
  Recipe,
  Request,
  ServerError,
  ServerLora,
  ServerModel,
} from 'fluxion/client';

import type { JobEventJson } from 'fluxion/client';

/** A small picture of the predicted result. */
export type Preview = NonNullable<Extract<JobEventJson, { type: 'step' }>['previews']>[number];

const KEPT = 'fluxion.key';

/** The server's key, if it asks for one; kept until the window is closed. */
export const key = signal(sessionStorage.getItem(KEPT) ?? undefined);
/** Why the page has to ask for a key: it has `none`, or the server `refused` it. */
export const needsKey = signal<'none' | 'refused' | undefined>(undefined);
/** Whether the last request could not reach the server. */
export const isLost = signal(false);

export function setKey(value: string): void {
  sessionStorage.setItem(KEPT, value);
  key.value = value;
  needsKey.value = undefined;
}

const asking: typeof fetch = async (...call) => {
  try {
    const answer = await fetch(...call);
    isLost.value = false;
    if (answer.status === 401) needsKey.value = key.value === undefined ? 'none' : 'refused';
    return answer;
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) isLost.value = true;
    throw error;
  }
};

const client = computed(
  () =>
    new FluxionClient({
      url: new URL('.', document.baseURI).href,
      fetch: asking,
      ...(key.value !== undefined && { key: key.value }),
    }),
);

/** The client, with the latest key. */
export function server(): FluxionClient {
  return client.value;
}

/** Resolves once the server can be reached and accepts the key. */
export function reachable(): Promise<void> {
  return new Promise((resolve) => {
    const stop = effect(() => {
      if (isLost.value || needsKey.value) return;
      resolve();
      queueMicrotask(() => stop());
    });
  });
}
