/** The server's model: whether it is open, how far its opening is, what it assumes and takes, and the LoRAs there are. */

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
/** FLUX.1's tools, which have room for one picture, take no references. */
export const takesReferences = computed(() => pictureUse.value !== 'fill' && pictureUse.value !== 'control');

/** Milliseconds until the next question: at first, and at most where nothing changes. */
const FIRST = 700;
const LAST = 15_000;
let timer: ReturnType<typeof setTimeout> | undefined;
/** Questions whose answers told nothing new. */
let unchanged = 0;

/** Asks how the model is, and goes on asking while it is not ready. Rejects where that cannot be known. */
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

/** Has the server try once more to open the model. */
export async function openModel(): Promise<void> {
  await told(server().openModel());
  unchanged = 0;
  askAgain();
}

/** Takes an answer; what the model offers stays known while it is away. */
async function told(answer: Promise<ServerModel>): Promise<void> {
  const { defaults, guidance, pictureUse, beside, samplers, schedules } = model.value ?? {};
  const known = { defaults, guidance, pictureUse, beside, samplers, schedules };
  const now = await answer;
  const before = model.value;
  const isNews = before?.status !== now.status || before.download?.bytes !== now.download?.bytes;
  unchanged = isNews ? 0 : unchanged + 1;
  model.value = { ...known, ...now } as ServerModel;
}

/** Asks later, where there is something to wait for and somebody to see it. */
function askAgain(): void {
  clearTimeout(timer);
  const { status } = model.value ?? {};
  const isSettled = !isLost.value && (status === 'ready' || status === 'released');
  if (isSettled || document.hidden) return;
  timer = setTimeout(() => askModel().catch(() => {}), Math.min(LAST, FIRST * 1.4 ** unchanged));
}

/** Asks when there is news: the page is looked at again, the network is back, or the server was lost. */
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
