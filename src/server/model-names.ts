/** How clients name models: with or without the organisation, in upper or lower case; some names stand for any model. */

import { Refusal } from './refusal.ts';

/** Names that stand for any model: our own, and those that OpenAI's clients have built in. */
const ANY_MODEL = /^(default|fluxion|dall-e-\d|(chat)?gpt-image-[\w.-]+)$/;

/** A model's name without its organisation, in lower case. */
export function shortName(name: string): string {
  return name.toLowerCase().split('/').at(-1)!;
}

/** Whether a client accepts any model. */
export function isAnyModel(wanted: string | undefined): boolean {
  return wanted === undefined || ANY_MODEL.test(wanted);
}

/** Whether a client that says `wanted` means this model. */
export function meansModel(wanted: string, model: string): boolean {
  return shortName(wanted) === shortName(model) || isAnyModel(wanted);
}

/** The refusal of a model that the server does not have. */
export function noModel(wanted: string, models: readonly string[]): Refusal {
  const expected = models.length > 10 ? `one of ${models.length} models` : models.join(' or ');
  return new Refusal(404, `expected ${expected}, found '${wanted.slice(0, 200)}'`, {
    field: 'model',
    code: 'not_found',
    hint: 'GET /v1/models lists the models',
  });
}
