/** The server's error for a field, shown beside the field until its setting changes. */

import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { errorText } from '../text.ts';
import * as settings from './settings.ts';

/** Request fields that the page shows, with the settings they come from. */
const SETTINGS = {
  prompt: settings.prompt,
  negativePrompt: settings.negativePrompt,
  trueCfgScale: settings.trueCfgScale,
  width: settings.width,
  height: settings.height,
  steps: settings.steps,
  guidance: settings.guidance,
  seed: settings.seed,
  batch: settings.count,
  sampler: settings.sampler,
  schedule: settings.schedule,
  loras: settings.loras,
  image: settings.startPicture,
  strength: settings.strength,
  maskImage: computed(() => [settings.marks.value, settings.maskPicture.value]),
  maskBlur: settings.maskBlur,
  paddingMaskCrop: settings.maskCrop,
  outpaint: settings.margins,
  referenceImage: settings.references,
  controlImage: settings.controlPictures,
  controlMode: settings.controlPictures,
  controlnetConditioningScale: settings.controlPictures,
  controlGuidanceStart: settings.controlStart,
  controlGuidanceEnd: settings.controlEnd,
  control: settings.drawsEdges,
  cannyLow: settings.cannyLow,
  cannyHigh: settings.cannyHigh,
  reduxImage: settings.promptPictures,
  promptEmbedsScale: settings.promptPictures,
} satisfies Readonly<Record<string, ReadonlySignal<unknown>>>;
export type FieldName = keyof typeof SETTINGS;
/** A field, or several fields that share a place. */
export type FieldNames = FieldName | readonly FieldName[];

/** Configuration keys that some messages name, if they differ from the field's own name. */
const KEYS: Readonly<Record<string, FieldName>> = { numInferenceSteps: 'steps', guidanceScale: 'guidance' };

const refused = signal<{ readonly field: FieldName; readonly text: string; readonly setting: unknown } | undefined>(
  undefined,
);

/** The current error, as long as its field still has the setting that was refused. */
export const fieldError = computed(() => {
  const error = refused.value;
  return error && SETTINGS[error.field].value === error.setting ? error : undefined;
});

/** Whether one of these fields is wrong. */
export function isWrong(names: FieldNames | undefined): boolean {
  return fieldError.value !== undefined && [names].flat().includes(fieldError.value.field);
}

/** Shows an error at the field that it names; false if it names no field of the page. */
export function placeError(error: unknown): boolean {
  const { message, hint } = error as { readonly message: string; readonly hint?: string };
  const [, named = '', text] = /^(\w+)[\w.[\]]*: (.*)$/s.exec(message) ?? [];
  const words = named.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const field = KEYS[words] ?? words;
  if (text === undefined || !isShown(field)) return false;
  refused.value = { field, text: errorText({ message: text, hint }), setting: SETTINGS[field].value };
  return true;
}

function isShown(field: string): field is FieldName {
  return Object.hasOwn(SETTINGS, field);
}

export function clearFieldError(): void {
  refused.value = undefined;
}
