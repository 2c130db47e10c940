/** A LoRA file's keys taken apart: outer prefix, module, and the part the tensor plays there. */

import { MOST_WORDS, WRAPPERS, WRAPPING_WORDS } from '../folders/layout.ts';
import { ADAPTED, findModule, type ModuleRef } from './names.ts';

/** What a tensor is to its module. */
export type Role =
  | 'A' | 'B' | 'A_bias' | 'B_bias' | 'alpha' | 'magnitude'
  | 'hada_w1_a' | 'hada_w1_b' | 'hada_w2_a' | 'hada_w2_b'
  | 'lokr_w1' | 'lokr_w1_a' | 'lokr_w1_b' | 'lokr_w2' | 'lokr_w2_a' | 'lokr_w2_b'
  | 'a1' | 'a2' | 'b1' | 'b2'
  | 'diff' | 'diff_b' | 'set' | 'reshape'; // biome-ignore format: one line an algorithm

/** A key that was understood. */
export interface ParsedKey {
  readonly ref: ModuleRef;
  readonly role: Role;
  /** The module as the file spells it, without prefix and then with it: what PEFT's patterns are written for. */
  readonly names: readonly string[];
}

/** Suffixes, most specific first; a role may stand in the pattern's first group. */
const SUFFIXES: readonly (readonly [suffix: RegExp, role: Role | ((group: string) => Role)])[] = [
  // PEFT puts the adapter's name between, and some writers leave `.weight` out.
  [/\.lora_([AB])(?:\.(?!weight$|bias$)[^.]{1,64})?(?:\.weight)?$/, (group) => group as Role],
  [/\.lora_([AB])(?:\.(?!bias$)[^.]{1,64})?\.bias$/, (group) => `${group}_bias` as Role],
  [/(?:\.lora(?:_linear_layer)?[._]down|(?<=_lora\d?)\.down)(?:\.weight)?$/, 'A'],
  [/(?:\.lora(?:_linear_layer)?[._]up|(?<=_lora\d?)\.up)(?:\.weight)?$/, 'B'],
  [/\.(?:lora_)?alpha$/, 'alpha'],
  [/\.(?:dora_scale|magnitude|lora_magnitude_vector(?:\.(?!weight$)[^.]{1,64})?(?:\.weight)?)$/, 'magnitude'],
  [/\.(hada_w[12]_[ab]|lokr_w[12](?:_[ab])?)(?:\.(?!weight$)[^.]{1,64})?(?:\.weight)?$/, (group) => group as Role],
  [/\.([ab][12])\.weight$/, (group) => group as Role],
  [/\.(?:diff|w_norm)$/, 'diff'],
  [/\.(?:diff_b|b_norm)$/, 'diff_b'],
  [/\.set_weight$/, 'set'],
  [/\.reshape_weight$/, 'reshape'],
];
/** Whole tensors: only normalisations are replaced by them, else any checkpoint would pass for a LoRA. */
const WHOLE = /\.(?:scale|weight)$/;

/**
 * Prefixes that say whose module follows, ended by a dot or an underscore; the dictionary tells text encoders and transformer apart by the
 * module itself.
 */
const PREFIXES = [
  ...WRAPPING_WORDS, ...ADAPTED.flatMap(({ words }) => words),
  'lora_unet', 'lora_transformer', 'lora_flux', 'lycoris', 'oft_unet', 'lora_te', 'lora_te1', 'lora_te2', 'lora_te3',
]; // biome-ignore format: one line a kind

/** Takes a key apart; undefined where the suffix or the module is unknown. */
export function parseKey(key: string): ParsedKey | undefined {
  const plain = key.replaceAll(WRAPPERS, '$1').replace(/^\.|(?<=\.)\.+/g, '');
  for (const [suffix, role] of SUFFIXES) {
    const match = suffix.exec(plain);
    if (!match) continue;
    const stem = plain.slice(0, match.index);
    const found = findPrefixed(stem);
    if (!found) return undefined;
    const names = [...new Set([found.spelling, stem.replace(/^base_model\.model\./, '')])];
    return { ref: found.ref, names, role: typeof role === 'string' ? role : role(match[1]!) };
  }
  const whole = WHOLE.exec(plain);
  const found = whole ? findPrefixed(plain.slice(0, whole.index)) : undefined;
  return found?.ref.norm ? { ref: found.ref, names: [found.spelling], role: 'set' } : undefined;
}

/** Finds the module behind any prefixes. A name is looked up before it is stripped: `transformer_blocks` begins like a prefix. */
function findPrefixed(name: string, depth = 0): { readonly ref: ModuleRef; readonly spelling: string } | undefined {
  const ref = findModule(name);
  if (ref) return { ref, spelling: name };
  if (depth === MOST_WORDS) return undefined;
  for (const prefix of PREFIXES) {
    if (!name.startsWith(prefix) || !/[._]/.test(name.charAt(prefix.length))) continue;
    const found = findPrefixed(name.slice(prefix.length + 1), depth + 1);
    if (found) return found;
  }
  return undefined;
}

/** Keys that belong to a LoRA file and not to a LoRA: embeddings that some trainers put beside it. */
export function isSideCar(key: string): boolean {
  return key.startsWith('bundle_emb.') || key.startsWith('_aux.');
}
