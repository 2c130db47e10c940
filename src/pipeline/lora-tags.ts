/** `<lora:NAME:SCALE>` in prompts, as A1111 and Forge have it: which adapters a prompt asks for, and the prompt without that. */

import { FluxionError } from '../support/errors.ts';

/** One tag of a prompt. */
export interface LoraTag {
  readonly name: string;
  readonly scale: number;
}

const TAG = /<lora:([^<>:]{1,200})(?::([^<>]{0,40}))?>/g;

/** Takes the tags out of a prompt; the scale is 1 where none is said. Throws `bad_request` for a scale that is no number. */
export function takeLoraTags(prompt: string): { readonly text: string; readonly tags: readonly LoraTag[] } {
  const tags = [...prompt.matchAll(TAG)].map(([tag, name, scale = '1']) => {
    const value = Number(scale);
    if (scale.trim() === '' || !Number.isFinite(value)) {
      throw new FluxionError('bad_request', `${tag}: expected <lora:NAME:SCALE> with a number for SCALE`);
    }
    return { name: name!.trim(), scale: value };
  });
  if (tags.length === 0) return { text: prompt, tags };
  return {
    text: prompt
      .replaceAll(TAG, '')
      .replaceAll(/ {2,}/g, ' ')
      .replace(/^[\s,]+|\s+$/g, ''),
    tags,
  };
}
