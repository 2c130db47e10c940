/** How clients name models: with or without their organisation, in any case; and names that stand for whichever there is. */

import { Refusal } from './refusal.ts';

/** The name that stands for whichever model there is, and those that clients of OpenAI's own have built in. */
const ANY_MODEL = /^(default|fluxion|dall-e-\d|(chat)?gpt-image-[\w.-]+)$/;

/** The part of a name that tells models apart. */
export function shortName(name: string): string {
  return name.toLowerCase().split('/').at(-1)!;
}

/** Whether a client names no model in particular. */
export function isAnyModel(wanted: string | undefined): boolean {
  return wanted === undefined || ANY_MODEL.test(wanted);
}

/** Whether a client that says `wanted` means this model. */
export function meansModel(wanted: string, model: string): boolean {
  return shortName(wanted) === shortName(model) || isAnyModel(wanted);
}

/** The refusal of a model that is not there. */
export function noModel(wanted: string, models: readonly string[]): Refusal {
  const expected = models.length > 10 ? `one of ${models.length} models` : models.join(' or ');
  return new Refusal(404, `model: expected ${expected}, found '${wanted.slice(0, 200)}'`, {
    code: 'not_found',
    hint: 'GET /v1/models lists the models',
  });
}
