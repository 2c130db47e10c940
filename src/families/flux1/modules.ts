/** The names of the FLUX.1 transformer's modules in the spellings of Black Forest Labs and diffusers, for models and adapters. */

import type { AdaptedModule, Component, SourcePart } from '../../weights/folders/family.ts';

/** A module of the Flux transformer in both spellings; several diffusers modules are fused, by rows, in the BFL one. */
export interface FluxModule {
  /** `#` stands for the block's number. */
  readonly bfl: string;
  readonly diffusers: readonly string[];
  /** Row counts in proportion to each other, if they differ. */
  readonly shares?: readonly number[];
  /** Row halves are exchanged between the spellings: BFL writes shift, scale; diffusers scale, shift. */
  readonly swapped?: true;
}

const DOUBLE = 'transformer_blocks.#';
const SINGLE = 'single_transformer_blocks.#';

/**
 * The name table of the FLUX.1 transformer.
 * Sources: BFL `src/flux/model.py`; diffusers `loaders/single_file_utils.py`, `convert_flux_transformer_checkpoint_to_diffusers`.
 */
export const FLUX_MODULES: readonly FluxModule[] = [
  { bfl: 'img_in', diffusers: ['x_embedder'] },
  { bfl: 'txt_in', diffusers: ['context_embedder'] },
  { bfl: 'time_in.in_layer', diffusers: ['time_text_embed.timestep_embedder.linear_1'] },
  { bfl: 'time_in.out_layer', diffusers: ['time_text_embed.timestep_embedder.linear_2'] },
  { bfl: 'vector_in.in_layer', diffusers: ['time_text_embed.text_embedder.linear_1'] },
  { bfl: 'vector_in.out_layer', diffusers: ['time_text_embed.text_embedder.linear_2'] },
  { bfl: 'guidance_in.in_layer', diffusers: ['time_text_embed.guidance_embedder.linear_1'] },
  { bfl: 'guidance_in.out_layer', diffusers: ['time_text_embed.guidance_embedder.linear_2'] },
  { bfl: 'double_blocks.#.img_mod.lin', diffusers: [`${DOUBLE}.norm1.linear`] },
  { bfl: 'double_blocks.#.txt_mod.lin', diffusers: [`${DOUBLE}.norm1_context.linear`] },
  { bfl: 'double_blocks.#.img_attn.qkv', diffusers: ['q', 'k', 'v'].map((of) => `${DOUBLE}.attn.to_${of}`) },
  { bfl: 'double_blocks.#.txt_attn.qkv', diffusers: ['q', 'k', 'v'].map((of) => `${DOUBLE}.attn.add_${of}_proj`) },
  { bfl: 'double_blocks.#.img_attn.norm.query_norm', diffusers: [`${DOUBLE}.attn.norm_q`] },
  { bfl: 'double_blocks.#.img_attn.norm.key_norm', diffusers: [`${DOUBLE}.attn.norm_k`] },
  { bfl: 'double_blocks.#.txt_attn.norm.query_norm', diffusers: [`${DOUBLE}.attn.norm_added_q`] },
  { bfl: 'double_blocks.#.txt_attn.norm.key_norm', diffusers: [`${DOUBLE}.attn.norm_added_k`] },
  { bfl: 'double_blocks.#.img_attn.proj', diffusers: [`${DOUBLE}.attn.to_out.0`] },
  { bfl: 'double_blocks.#.txt_attn.proj', diffusers: [`${DOUBLE}.attn.to_add_out`] },
  { bfl: 'double_blocks.#.img_mlp.0', diffusers: [`${DOUBLE}.ff.net.0.proj`] },
  { bfl: 'double_blocks.#.img_mlp.2', diffusers: [`${DOUBLE}.ff.net.2`] },
  { bfl: 'double_blocks.#.txt_mlp.0', diffusers: [`${DOUBLE}.ff_context.net.0.proj`] },
  { bfl: 'double_blocks.#.txt_mlp.2', diffusers: [`${DOUBLE}.ff_context.net.2`] },
  { bfl: 'single_blocks.#.modulation.lin', diffusers: [`${SINGLE}.norm.linear`] },
  {
    bfl: 'single_blocks.#.linear1',
    diffusers: [`${SINGLE}.attn.to_q`, `${SINGLE}.attn.to_k`, `${SINGLE}.attn.to_v`, `${SINGLE}.proj_mlp`],
    shares: [1, 1, 1, 4],
  },
  { bfl: 'single_blocks.#.linear2', diffusers: [`${SINGLE}.proj_out`] },
  { bfl: 'single_blocks.#.norm.query_norm', diffusers: [`${SINGLE}.attn.norm_q`] },
  { bfl: 'single_blocks.#.norm.key_norm', diffusers: [`${SINGLE}.attn.norm_k`] },
  { bfl: 'final_layer.linear', diffusers: ['proj_out'] },
  { bfl: 'final_layer.adaLN_modulation.1', diffusers: ['norm_out.linear'], swapped: true },
];

const BY_BFL = new Map(FLUX_MODULES.map((module) => [module.bfl, module]));

/** The diffusers tensors whose rows, in order, make up the BFL tensor; a name that is not in the table stands for itself. */
export function bflToDiffusers(name: string): readonly SourcePart[] {
  const dot = name.lastIndexOf('.');
  const parameter = name.slice(dot + 1);
  const [, block = ''] = /^(?:double|single)_blocks\.(\d+)/.exec(name) ?? [];
  const row = BY_BFL.get(name.slice(0, dot).replace(`_blocks.${block}.`, '_blocks.#.'));
  if (!row) return [{ key: name }];
  const suffix = parameter === 'scale' ? 'weight' : parameter;
  const keys = row.diffusers.map((stem) => `${stem.replace('#', block)}.${suffix}`);
  if (!row.swapped) return keys.map((key, i) => ({ key, share: row.shares?.[i] ?? 1 }));
  return keys.flatMap((key) => [
    { key, run: [1, 2] },
    { key, run: [0, 2] },
  ]);
}

/** XLabs' names of the modules that its attention processors change; 1 stands for the image, 2 for the text. */
const XLABS: readonly (readonly [name: string, module: string, parts?: AdaptedModule['parts']])[] = [
  ['double_blocks.#.processor.qkv_lora1', 'double_blocks.#.img_attn.qkv'],
  ['double_blocks.#.processor.proj_lora1', 'double_blocks.#.img_attn.proj'],
  ['double_blocks.#.processor.qkv_lora2', 'double_blocks.#.txt_attn.qkv'],
  ['double_blocks.#.processor.proj_lora2', 'double_blocks.#.txt_attn.proj'],
  ['single_blocks.#.processor.qkv_lora', 'single_blocks.#.linear1', { first: 0, end: 3, of: 4 }],
  ['single_blocks.#.processor.proj_lora', 'single_blocks.#.linear2'],
];

/** The modules that adapters change, as BFL, diffusers, XLabs and OneTrainer name them. */
export const FLUX_ADAPTED: NonNullable<Component['adapted']> = [...adaptedModules()];

function* adaptedModules(): Generator<[name: string, module: AdaptedModule]> {
  for (const { bfl, diffusers, swapped } of FLUX_MODULES) {
    const whole: AdaptedModule = { module: bfl, ...(bfl.endsWith('_norm') && { norm: true }) };
    yield [bfl, whole];
    for (const [i, name] of diffusers.entries()) {
      const parts = diffusers.length > 1 ? { first: i, end: i + 1, of: diffusers.length } : undefined;
      const ref: AdaptedModule = { ...whole, ...(parts && { parts }), ...(swapped && { swapped }) };
      yield [name, ref];
      // Some writers omit the number of the single layer in `to_out`.
      if (name.endsWith('.to_out.0')) yield [name.slice(0, -2), ref];
      // OneTrainer writes a fused module's parts as `img_attn.qkv.0`, `.1`, `.2`.
      if (parts) yield [`${bfl}.${i}`, ref];
      // Attention processors of older diffusers: `attn.processor.to_q_lora`, `attn.processor.to_out_lora`.
      if (name.includes('.attn.to_') || name.includes('.attn.add_'))
        yield [`${name.replace('.attn.', '.attn.processor.').replace(/\.0$/, '')}_lora`, ref];
    }
  }
  for (const [name, module, parts] of XLABS) yield [name, { module, ...(parts && { parts }) }];
}
