/** What the server says is wrong with single fields, shown beside them. */

import { signal } from '@preact/signals';
import { plainText, sentence } from '../text.ts';

/** Fields of requests that the page has a place for. */
const SHOWN = [
  ...['prompt', 'negativePrompt', 'trueCfgScale', 'width', 'height', 'steps', 'guidance', 'seed', 'batch', 'sampler'],
  ...['schedule', 'image', 'strength', 'maskImage', 'maskBlur', 'paddingMaskCrop', 'outpaint', 'referenceImage'],
  ...['controlImage', 'controlMode', 'controlnetConditioningScale', 'controlGuidanceStart', 'controlGuidanceEnd'],
  ...['control', 'cannyLow', 'cannyHigh', 'reduxImage', 'promptEmbedsScale', 'loras'],
] as const;
export type FieldName = (typeof SHOWN)[number];

/** Keys of configurations, which some messages name, where they are others than the field's own words. */
const KEYS: Readonly<Record<string, FieldName>> = { numInferenceSteps: 'steps', guidanceScale: 'guidance' };

export const fieldErrors = signal<ReadonlyMap<FieldName, string>>(new Map());

/** Puts an error at the field that it names; false where it names none that the page shows. */
export function placeError(error: unknown): boolean {
  const { message, hint } = error as { readonly message: string; readonly hint?: string };
  const [, named = '', text] = /^(\w+)[\w.[\]]*: (.*)$/s.exec(message) ?? [];
  const words = named.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const field = KEYS[words] ?? SHOWN.find((name) => name === words);
  if (!field || text === undefined) return false;
  const said = plainText(hint ? `${text}. ${sentence(hint)}` : text);
  fieldErrors.value = new Map([[field, `${sentence(said)}.`]]);
  return true;
}

export function clearFieldErrors(...fields: readonly FieldName[]): void {
  if (!fields.some((field) => fieldErrors.value.has(field))) return;
  fieldErrors.value = new Map([...fieldErrors.value].filter(([field]) => !fields.includes(field)));
}
