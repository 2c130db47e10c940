/**
 * What a small model was trained for, if its folder has a scope.yml: the bundled model knows a hundred words and one size. FLUX.1 has no
 * such file, so it never gets these warnings.
 */

import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { readRegular } from '../support/regular-file.ts';
import { kindOf } from '../weights/files/file-bytes.ts';
import type { DecidedRequest } from './request.ts';

const SCOPE = z.object({
  /** What it draws, in words. */
  draws: z.string().max(200),
  /** Side in pixels of the pictures that it was trained on. */
  size: z.int().min(1).max(8192),
  /** The range of sides for which pictures still look good. */
  sides: z.tuple([z.int(), z.int()]),
  /** Words that it knows, in lower case; a plural of one is known too. */
  words: z.array(z.string().max(40)).max(2000),
});

const LIMIT = 1 << 16;
/** Most unknown words that the warning names. */
const NAMED = 3;

/** Says in one line which parts of a request are outside a model's scope; `undefined` if none are, or if no scope is known. */
export function outsideScope(
  folder: string,
  name: string,
  { prompts, width, height }: Pick<DecidedRequest, 'prompts' | 'width' | 'height'>,
): string | undefined {
  const scope = scopeOf(folder);
  if (!scope) return undefined;
  const known = new Set(scope.words);
  const words = prompts.flatMap(({ prompt, prompt2 }) => [prompt, prompt2].flatMap((text) => wordsOf(text)));
  const unknown = [...new Set(words)].filter((word) => !known.has(word) && !known.has(word.replace(/s$/, '')));
  const [least, most] = scope.sides;
  const isFar = [width, height].some((side) => side < least || side > most);
  const outside = [
    ...(unknown.length > 0 ? [listed(unknown)] : []),
    ...(isFar ? [`pictures of ${width}×${height}`] : []),
  ];
  if (outside.length === 0) return undefined;
  return `${name} was trained on ${scope.draws} at ${scope.size}×${scope.size} alone, and does not know ${outside.join(' or ')}; 'fluxion models' lists others`;
}

function listed(words: readonly string[]): string {
  const named = words.slice(0, NAMED).map((word) => `'${word}'`);
  const more = words.length - NAMED;
  return named.join(', ') + (more > 0 ? ` and ${more} more ${more === 1 ? 'word' : 'words'}` : '');
}

/** The words in lower case, except those with digits. */
function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+(?:['’]\p{L}+)?/gu) ?? [];
  return words.filter((word) => !/\p{N}/u.test(word));
}

function scopeOf(folder: string): z.infer<typeof SCOPE> | undefined {
  const path = join(folder, 'scope.yml');
  if (kindOf(path) !== 'file') return undefined;
  try {
    return SCOPE.parse(parse(readRegular(path, LIMIT).toString('utf8'), { maxAliasCount: 0 }));
  } catch {
    return undefined; // a scope only gives advice
  }
}
