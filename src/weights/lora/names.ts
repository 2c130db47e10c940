/**
 * Every spelling of every module an adapter can change, in one dictionary: dots and underscores are the same in it, so that a name
 * is looked up whichever of BFL's, diffusers', kohya's, XLabs' or OneTrainer's spelling it is in, and mixed files work by construction.
 */

import type { ModelSizes } from '../../families/flux1/flux1.ts';
import { FLUX_MODULES } from '../../families/flux1/modules.ts';
import type { ComponentName } from '../folders/family.ts';

/** A declared module, or some of the parts that it holds fused by rows. */
export interface ModuleRef {
  readonly component: Exclude<ComponentName<ModelSizes>, 'vae'>;
  /** Declared name, such as `double_blocks.0.img_attn.qkv`; in the dictionary `#` stands for the block's number. */
  readonly module: string;
  /** Which of the `of` fused parts; all of the module where absent. */
  readonly parts?: { readonly first: number; readonly end: number; readonly of: number };
  /** The file's row halves are exchanged: it writes scale, shift where the declared weight is shift, scale. */
  readonly swapped?: true;
  /** A normalisation: a vector, which some files replace. */
  readonly norm?: true;
}

/** XLabs' names of what its attention processors change; 1 is the image's, 2 the text's. */
const XLABS: readonly (readonly [name: string, module: string, parts?: ModuleRef['parts']])[] = [
  ['double_blocks.#.processor.qkv_lora1', 'double_blocks.#.img_attn.qkv'],
  ['double_blocks.#.processor.proj_lora1', 'double_blocks.#.img_attn.proj'],
  ['double_blocks.#.processor.qkv_lora2', 'double_blocks.#.txt_attn.qkv'],
  ['double_blocks.#.processor.proj_lora2', 'double_blocks.#.txt_attn.proj'],
  ['single_blocks.#.processor.qkv_lora', 'single_blocks.#.linear1', { first: 0, end: 3, of: 4 }],
  ['single_blocks.#.processor.proj_lora', 'single_blocks.#.linear2'],
];

const CLIP_LAYER = [
  ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].map((name) => `self_attn.${name}`),
  'mlp.fc1',
  'mlp.fc2',
  'layer_norm1',
  'layer_norm2',
];
const T5_LAYER = [
  ...['q', 'k', 'v', 'o'].map((name) => `layer.0.SelfAttention.${name}`),
  ...['wi_0', 'wi_1', 'wo'].map((name) => `layer.1.DenseReluDense.${name}`),
  'layer.0.layer_norm',
  'layer.1.layer_norm',
];

const DICTIONARY: ReadonlyMap<string, ModuleRef> = new Map(spellings().map(([name, ref]) => [flat(name), ref]));

function* fluxSpellings(): Generator<[string, ModuleRef]> {
  for (const { bfl, diffusers, swapped } of FLUX_MODULES) {
    const whole: ModuleRef = { component: 'transformer', module: bfl, ...(bfl.endsWith('_norm') && { norm: true }) };
    yield [bfl, whole];
    for (const [i, name] of diffusers.entries()) {
      const parts = diffusers.length > 1 ? { first: i, end: i + 1, of: diffusers.length } : undefined;
      const ref: ModuleRef = { ...whole, ...(parts && { parts }), ...(swapped && { swapped }) };
      yield [name, ref];
      // Some writers leave out the number of the one layer in `to_out`.
      if (name.endsWith('.to_out.0')) yield [name.slice(0, -2), ref];
      // OneTrainer writes a fused module's parts as `img_attn.qkv.0`, `.1`, `.2`.
      if (parts) yield [`${bfl}.${i}`, ref];
      // Attention processors of older diffusers: `attn.processor.to_q_lora`, `attn.processor.to_out_lora`.
      if (name.includes('.attn.to_') || name.includes('.attn.add_'))
        yield [`${name.replace('.attn.', '.attn.processor.').replace(/\.0$/, '')}_lora`, ref];
    }
  }
  for (const [name, module, parts] of XLABS)
    yield [name, { component: 'transformer', module, ...(parts && { parts }) }];
}

function spellings(): [string, ModuleRef][] {
  const norm = (name: string) => /norm\d?$/.test(name) && ({ norm: true } as const);
  const clip = CLIP_LAYER.flatMap((name): [string, ModuleRef][] => {
    const module = `text_model.encoder.layers.#.${name}`;
    const ref: ModuleRef = { component: 'clip', module, ...norm(name) };
    // transformers 5 has no `text_model` in front.
    return [
      [module, ref],
      [`encoder.layers.#.${name}`, ref],
    ];
  });
  const t5 = T5_LAYER.map((name): [string, ModuleRef] => {
    const module = `encoder.block.#.${name}`;
    return [module, { component: 't5', module, ...norm(name) }];
  });
  const clipEnd: ModuleRef = { component: 'clip', module: 'text_model.final_layer_norm', norm: true };
  const t5End: ModuleRef = { component: 't5', module: 'encoder.final_layer_norm', norm: true };
  return [...fluxSpellings(), ...clip, ...t5, [clipEnd.module, clipEnd], [t5End.module, t5End]];
}

function flat(name: string): string {
  return name.replaceAll('.', '_');
}

/** Finds the module a name stands for, dotted or underscored, without prefix; undefined for one that is in no spelling. */
export function findModule(name: string): ModuleRef | undefined {
  let block = '';
  const key = flat(name)
    // A trailing underscore before the suffix is a known slip of one trainer.
    .replace(/_$/, '')
    .replace(/(^|_)(blocks|layers|block)_(0|[1-9]\d{0,3})(?=_)/, (_, before: string, stem: string, n: string) => {
      block = n;
      return `${before}${stem}_#`;
    });
  const found = DICTIONARY.get(key);
  return found && { ...found, module: found.module.replace('#', block) };
}
