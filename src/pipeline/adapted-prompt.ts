/** A prompt with its LoRAs, and the key that distinguishes it from others. */

import type { Applied } from '../weights/lora/overlay.ts';
import type { DecidedRequest, SeededPrompt } from './request.ts';

export interface AdaptedPrompt extends SeededPrompt {
  readonly loras: readonly Applied[];
}

/** The LoRAs of a prompt by their content and strength. */
export const hashesOf = ({ loras }: AdaptedPrompt) => loras.map(({ adapter, scale }) => [adapter.hash, scale] as const);

/** Prompts of equal keys have the same conditioning. */
export function keyOf(adapted: AdaptedPrompt): string {
  const { prompt, prompt2, negative } = adapted;
  return JSON.stringify([prompt, prompt2, negative, hashesOf(adapted)]);
}

/** Text of everything that determines a run's programs and their inputs; `opened` describes how the model was opened. */
export function runText(decided: DecidedRequest, prompts: readonly AdaptedPrompt[], opened: unknown): string {
  const made = prompts.map((prompt) => [keyOf(prompt), String(prompt.seed)]);
  const { inputs = {}, conditions, schedule, ...others } = decided;
  const pictures = Object.entries(inputs).map(([field, list]) => [field, list.map(({ hash }) => hash)]);
  return JSON.stringify([opened, { ...others, pictures, prompts: made, schedule: [...schedule.sigmas] }]);
}
