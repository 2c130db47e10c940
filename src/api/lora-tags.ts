/** Parses `<lora:NAME:SCALE>` in prompts, as in A1111 and Forge: the adapters that a prompt names, and the prompt without the tags. */

import { FluxionError } from '../support/errors.ts';
import { oneLine } from '../support/quote.ts';

/** One tag of a prompt. */
export interface LoraTag {
  readonly name: string;
  readonly scale: number;
}

const TAG = /<\s*lora\s*:([^<>:]{1,200})(?::([^<>]{0,40}))?>/gi;
/**
 * Matches what was probably meant as a tag, once real tags are removed: a wrong bracket, sign or spelling, or a tag without an end or
 * without brackets.
 */
const MEANT = [
  /[<＜‹«]\s*(?:lora|lor|loar|lroa|olra|lora?s|loora|lorra|lyco|lycoris|locon|loha|lokr)\b[^<>＞›»]{0,80}[>＞›»]?/i,
  /&lt;\s*lora\b.{0,80}/i,
  /\blora\s*[:=]\s*[^\s:<>]{1,200}\s*[:=]\s*[+-]?\.?\d[\d.]{0,10}[\])}>]?/i,
];

/** Removes the tags from a prompt; a tag without a scale has scale 1. Throws `bad_request` for text that is nearly a tag. */
export function takeLoraTags(prompt: string): { readonly text: string; readonly tags: readonly LoraTag[] } {
  const tags = [...prompt.matchAll(TAG)].map(([tag, name, scale = '1']) => {
    const value = Number(scale);
    if (name!.trim() === '' || scale.trim() === '' || !Number.isFinite(value)) throw noTag(tag);
    return { name: name!.trim(), scale: value };
  });
  const rest = prompt.replaceAll(TAG, '');
  for (const pattern of MEANT) {
    const meant = pattern.exec(rest);
    if (meant) throw noTag(meant[0]);
  }
  if (tags.length === 0) return { text: prompt, tags };
  return { text: rest.replaceAll(/ {2,}/g, ' ').replace(/^[\s,]+|\s+$/g, ''), tags };
}

function noTag(found: string): FluxionError {
  return new FluxionError('bad_request', `${oneLine(found, 100)}: expected <lora:NAME:SCALE> with a number for SCALE`, {
    hint: 'write the tag in this form, or use --lora PATH:SCALE',
  });
}
