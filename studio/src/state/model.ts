/** The server's model: its state, the progress of its opening, its defaults and inputs, and the available LoRAs. */

import { computed, effect, signal } from '@preact/signals';
import { isLost, type ServerError, type ServerLora, type ServerModel, server } from '../server.ts';

export const model = signal<ServerModel | undefined>(undefined);
export const loraList = signal<readonly ServerLora[]>([]);
export const loraNames = computed(() => loraList.value.map(({ name }) => name));

/** Whether guidance has an effect; assumed until the model is open. */
export const hasGuidance = computed(() => model.value?.guidance ?? true);
export const defaults = computed(() => model.value?.defaults);
export const limits = computed(() => model.value?.limits);
export const controlnets = computed(() => model.value?.beside?.controlnets ?? []);
export const hasRedux = computed(() => model.value?.beside?.redux ?? false);
export const pictureUse = computed(() => model.value?.pictureUse);
/** FLUX.1's tools (Fill, Canny, Depth) have room for one picture and take no references. */
export const takesReferences = computed(() => pictureUse.value !== 'fill' && pictureUse.value !== 'control');

/** Milliseconds until the state is requested again: at first, and at most, after answers without news. */
const FIRST = 700;
const LAST = 15_000;
let timer: ReturnType<typeof setTimeout> | undefined;
/** Number of answers in a row without news. */
let unchanged = 0;

/** Requests the model's state, again and again while it is not ready. Rejects if the server answers with an error. */
export async function askModel(): Promise<void> {
  clearTimeout(timer);
  try {
    await told(server().model());
  } catch (error) {
    unchanged++;
    if ((error as ServerError).status !== 0) throw error;
  } finally {
    askAgain();
  }
}

/** Tells the server to try again to open the model. */
export async function openModel(): Promise<void> {
  await told(server().openModel());
  unchanged = 0;
  askAgain();
}

/** Stores an answer. What the model offers stays known while the model is closed. */
async function told(answer: Promise<ServerModel>): Promise<void> {
  const { defaults, guidance, pictureUse, beside, samplers, schedules } = model.value ?? {};
  const known = { defaults, guidance, pictureUse, beside, samplers, schedules };
  const now = await answer;
  const before = model.value;
  const isNews = before?.status !== now.status || before.download?.bytes !== now.download?.bytes;
  unchanged = isNews ? 0 : unchanged + 1;
  model.value = { ...known, ...now } as ServerModel;
}

/** Schedules the next request, if the state may change and the page is visible. */
function askAgain(): void {
  clearTimeout(timer);
  const { status } = model.value ?? {};
  const isSettled = !isLost.value && (status === 'ready' || status === 'released');
  if (isSettled || document.hidden) return;
  timer = setTimeout(() => askModel().catch(() => {}), Math.min(LAST, FIRST * 1.4 ** unchanged));
}

/** Requests the state when it may have changed: the page is visible again, the network is back, or the server was lost. */
export function followModel(): void {
  const ask = (): void => {
    unchanged = 0;
    if (!document.hidden) askModel().catch(() => {});
  };
  document.addEventListener('visibilitychange', ask);
  addEventListener('online', ask);
  effect(() => {
    if (!isLost.value) return;
    unchanged = 0;
    askAgain();
  });
}

export async function loadLoras(): Promise<void> {
  loraList.value = await server().loras();
}
