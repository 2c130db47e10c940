/** Parses a LoRA file's keys: outer prefix, module, and the tensor's role in it. */

import type { AdaptedModule, Component, Family } from '../folders/family.ts';
import { MOST_WORDS, unwrappedName, WRAPPING_WORDS } from '../folders/layout.ts';

/** A declared module, or some of its parts, and its component. */
export interface ModuleRef extends AdaptedModule {
  /** The component's name. */
  readonly component: string;
}

/** The components of a family that adapters change. */
export function adaptedComponents({ components }: Pick<Family, 'components'>): readonly Component[] {
  return components.filter(({ adapted }) => adapted);
}

/** What a tensor is to its module. */
export type TensorRole =
  | 'A' | 'B' | 'A_bias' | 'B_bias' | 'alpha' | 'magnitude'
  | 'hada_w1_a' | 'hada_w1_b' | 'hada_w2_a' | 'hada_w2_b'
  | 'lokr_w1' | 'lokr_w1_a' | 'lokr_w1_b' | 'lokr_w2' | 'lokr_w2_a' | 'lokr_w2_b'
  | 'a1' | 'a2' | 'b1' | 'b2'
  | 'diff' | 'diff_b' | 'set' | 'reshape'; // biome-ignore format: one line an algorithm

/** A key that was understood. */
export interface ParsedKey {
  readonly ref: ModuleRef;
  readonly role: TensorRole;
  /** The module as the file spells it, without prefix and then with it: what PEFT's patterns are written for. */
  readonly names: readonly string[];
}

/** Suffixes, most specific first; a role may stand in the pattern's first group. */
const SUFFIXES: readonly (readonly [suffix: RegExp, role: TensorRole | ((group: string) => TensorRole)])[] = [
  // PEFT puts the adapter's name between, and some writers leave `.weight` out.
  [/\.lora_([AB])(?:\.(?!weight$|bias$)[^.]{1,64})?(?:\.weight)?$/, (group) => group as TensorRole],
  [/\.lora_([AB])(?:\.(?!bias$)[^.]{1,64})?\.bias$/, (group) => `${group}_bias` as TensorRole],
  [/(?:\.lora(?:_linear_layer)?[._]down|(?<=_lora\d?)\.down)(?:\.weight)?$/, 'A'],
  [/(?:\.lora(?:_linear_layer)?[._]up|(?<=_lora\d?)\.up)(?:\.weight)?$/, 'B'],
  [/\.(?:lora_)?alpha$/, 'alpha'],
  [/\.(?:dora_scale|magnitude|lora_magnitude_vector(?:\.(?!weight$)[^.]{1,64})?(?:\.weight)?)$/, 'magnitude'],
  [
    /\.(hada_w[12]_[ab]|lokr_w[12](?:_[ab])?)(?:\.(?!weight$)[^.]{1,64})?(?:\.weight)?$/,
    (group) => group as TensorRole,
  ],
  [/\.([ab][12])\.weight$/, (group) => group as TensorRole],
  [/\.(?:diff|w_norm)$/, 'diff'],
  [/\.(?:diff_b|b_norm)$/, 'diff_b'],
  [/\.set_weight$/, 'set'],
  [/\.reshape_weight$/, 'reshape'],
];
/** Whole tensors. They replace only normalisations; otherwise any checkpoint would pass for a LoRA. */
const WHOLE = /\.(?:scale|weight)$/;

/** Prefixes of trainers, which say whose module follows. */
const PREFIXES = [
  'lora_unet', 'lora_transformer', 'lora_flux', 'lycoris', 'oft_unet', 'lora_te', 'lora_te1', 'lora_te2', 'lora_te3',
]; // biome-ignore format: one line a kind

function flat(name: string): string {
  return name.replaceAll('.', '_');
}

/**
 * Parses the keys of adapters for one family. Its dictionary has every spelling of every module that an adapter can change and treats dots and
 * underscores alike: a name is found in BFL's, diffusers', kohya's, XLabs' or OneTrainer's spelling, so mixed files work by construction.
 */
export class KeyParser {
  readonly #dictionary: ReadonlyMap<string, ModuleRef>;
  /** A dot or an underscore follows each; the module itself tells text encoders and transformer apart. */
  readonly #prefixes: readonly string[];

  constructor(components: readonly Component[]) {
    this.#dictionary = new Map(
      components.flatMap(({ name: component, adapted = [] }) =>
        adapted.map(([name, module]) => [flat(name), { ...module, component }] as const),
      ),
    );
    this.#prefixes = [...WRAPPING_WORDS, ...components.flatMap(({ words }) => words), ...PREFIXES];
  }

  /** Undefined where the suffix or the module is unknown. */
  parse(key: string): ParsedKey | undefined {
    const plain = unwrappedName(key);
    for (const [suffix, role] of SUFFIXES) {
      const match = suffix.exec(plain);
      if (!match) continue;
      const stem = plain.slice(0, match.index);
      const found = this.#prefixed(stem);
      if (!found) return undefined;
      const names = [...new Set([found.spelling, stem.replace(/^base_model\.model\./, '')])];
      return { ref: found.ref, names, role: typeof role === 'string' ? role : role(match[1]!) };
    }
    const whole = WHOLE.exec(plain);
    const found = whole ? this.#prefixed(plain.slice(0, whole.index)) : undefined;
    return found?.ref.norm ? { ref: found.ref, names: [found.spelling], role: 'set' } : undefined;
  }

  /** Finds the module a name stands for, dotted or underscored, without prefix; undefined for an unknown name. */
  #find(name: string): ModuleRef | undefined {
    let block = '';
    const key = flat(name)
      // A trailing underscore before the suffix is a known slip of one trainer.
      .replace(/_$/, '')
      .replace(/(^|_)(blocks|layers|block)_(0|[1-9]\d{0,3})(?=_)/, (_, before: string, stem: string, n: string) => {
        block = n;
        return `${before}${stem}_#`;
      });
    const found = this.#dictionary.get(key);
    return found && { ...found, module: found.module.replace('#', block) };
  }

  /** Finds the module after any prefixes. A name is looked up before a prefix is stripped, because `transformer_blocks` begins like one. */
  #prefixed(name: string, depth = 0): { readonly ref: ModuleRef; readonly spelling: string } | undefined {
    const ref = this.#find(name);
    if (ref) return { ref, spelling: name };
    if (depth === MOST_WORDS) return undefined;
    for (const prefix of this.#prefixes) {
      if (!name.startsWith(prefix) || !/[._]/.test(name.charAt(prefix.length))) continue;
      const found = this.#prefixed(name.slice(prefix.length + 1), depth + 1);
      if (found) return found;
    }
    return undefined;
  }
}

/** Keys in a LoRA file that do not belong to the LoRA: embeddings that some trainers add. */
export function isSideCar(key: string): boolean {
  return key.startsWith('bundle_emb.') || key.startsWith('_aux.');
}
