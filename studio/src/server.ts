/** The server as the studio uses it: the client of the native API, whether it can be reached, and the key that some servers ask for. */

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

/** A small picture of what a picture will be. */
export type Preview = NonNullable<Extract<JobEventJson, { type: 'step' }>['previews']>[number];

const KEPT = 'fluxion.key';

/** A key of the server, where it asks for one; kept until the window is closed. */
export const key = signal(sessionStorage.getItem(KEPT) ?? undefined);
/** Why the server asks for a key: there is `none`, or it was `refused`. */
export const needsKey = signal<'none' | 'refused' | undefined>(undefined);
/** Whether the last question found no server. */
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

/** The client, with the key that was given last. */
export function server(): FluxionClient {
  return client.value;
}

/** Resolves once the server can be asked: it is there, and knows the key. */
export function reachable(): Promise<void> {
  return new Promise((resolve) => {
    const stop = effect(() => {
      if (isLost.value || needsKey.value) return;
      resolve();
      queueMicrotask(() => stop());
    });
  });
}
