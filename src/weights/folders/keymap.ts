/**
 * How the weights the models declare are named in the files people have. The tables are data; `layoutOf` recognises a file's
 * spelling, a layout's `parts` answers where a declared tensor lies in it.
 *
 * Declared names: Flux transformer as Black Forest Labs name it, CLIP and T5 as transformers 4 does, VAE as diffusers does.
 */

import { ldmVaeName, llamaT5Name, openAiClipName } from './respell.ts';

/** The models whose weights are bound. */
export type ModelFamily = 'flux' | 'clip' | 't5' | 'vae';

/** A stored tensor, or one of several equal runs of its rows, that holds part of a declared tensor. */
export interface SourcePart {
  readonly key: string;
  /** Which run, from 0, of how many. */
  readonly run?: readonly [index: number, of: number];
}

/** One spelling of a family's weights. */
export interface Layout {
  readonly name: string;
  /** A key, without prefix, that this spelling has and no other. */
  readonly marker: string;
  /** Gives the stored tensors whose rows, one after the other, are the declared tensor's; without prefix, as in `has`. */
  parts(declared: string, has: (key: string) => boolean): readonly SourcePart[];
  /** Other keys under which a stored key may be found instead; where both exist the extra is a duplicate. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Keys such files carry that the model does not use. */
  readonly unused: readonly RegExp[];
}

/** A module of the Flux transformer in both spellings; several diffusers modules are fused, by rows, in the BFL one. */
export interface FluxModule {
  /** `#` stands for the block's number. */
  readonly bfl: string;
  readonly diffusers: readonly string[];
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
  {
    bfl: 'double_blocks.#.img_attn.qkv',
    diffusers: [`${DOUBLE}.attn.to_q`, `${DOUBLE}.attn.to_k`, `${DOUBLE}.attn.to_v`],
  },
  {
    bfl: 'double_blocks.#.txt_attn.qkv',
    diffusers: [`${DOUBLE}.attn.add_q_proj`, `${DOUBLE}.attn.add_k_proj`, `${DOUBLE}.attn.add_v_proj`],
  },
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
  },
  { bfl: 'single_blocks.#.linear2', diffusers: [`${SINGLE}.proj_out`] },
  { bfl: 'single_blocks.#.norm.query_norm', diffusers: [`${SINGLE}.attn.norm_q`] },
  { bfl: 'single_blocks.#.norm.key_norm', diffusers: [`${SINGLE}.attn.norm_k`] },
  { bfl: 'final_layer.linear', diffusers: ['proj_out'] },
  { bfl: 'final_layer.adaLN_modulation.1', diffusers: ['norm_out.linear'], swapped: true },
];

const BY_BFL = new Map(FLUX_MODULES.map((module) => [module.bfl, module]));
const BY_DIFFUSERS = new Map(
  FLUX_MODULES.flatMap((module) => module.diffusers.map((name, part) => [name, { module, part }] as const)),
);

/** Splits `double_blocks.3.img_mlp.0.bias` into the table's module name, the block's number and the parameter. */
function splitFlux(name: string): { module: string; block: string; parameter: string } {
  const dot = name.lastIndexOf('.');
  let block = '';
  const module = name
    .slice(0, dot)
    .replace(/^((?:double|single|transformer|single_transformer)_blocks)\.(\d+)/, (_, stem, n) => {
      block = n;
      return `${stem}.#`;
    });
  return { module, block, parameter: name.slice(dot + 1) };
}

/** Gives the diffusers tensors whose rows, in order, are the BFL tensor's; a name that is not in the table stands for itself. */
export function bflToDiffusers(name: string): readonly SourcePart[] {
  const { module, block, parameter } = splitFlux(name);
  const row = BY_BFL.get(module);
  if (!row) return [{ key: name }];
  const suffix = parameter === 'scale' ? 'weight' : parameter;
  const keys = row.diffusers.map((stem) => `${stem.replace('#', block)}.${suffix}`);
  if (!row.swapped) return keys.map((key) => ({ key }));
  return keys.flatMap((key) => [
    { key, run: [1, 2] },
    { key, run: [0, 2] },
  ]);
}

/** Gives the BFL tensor a diffusers tensor belongs to and which of its fused parts it is; undefined for a name not in the table. */
export function diffusersToBfl(
  name: string,
): { name: string; part: number; parts: number; swapped: boolean } | undefined {
  const { module, block, parameter } = splitFlux(name);
  const found = BY_DIFFUSERS.get(module);
  if (!found) return undefined;
  const { bfl, diffusers, swapped = false } = found.module;
  const suffix = bfl.endsWith('_norm') && parameter === 'weight' ? 'scale' : parameter;
  return { name: `${bfl.replace('#', block)}.${suffix}`, part: found.part, parts: diffusers.length, swapped };
}

const itself = (declared: string): readonly SourcePart[] => [{ key: declared }];
const NONE: ReadonlyMap<string, string> = new Map();
/** Words that wrappers and trainers put before a model's own names, one after the other and ended by dots; adapters have them too. */
export const WRAPPING_WORDS = ['base_model', 'model', 'module', 'diffusion_model', 'transformer', 'unet'] as const;
/** What torch puts into names, wherever in them, where it compiles, shards or checkpoints a module. */
export const WRAPPERS: RegExp = /(^|\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)(?=\.)/g;
/** Words that only a family's names stand behind: where all-in-one files of ComfyUI, stable-diffusion.cpp and others keep it. */
export const FAMILY_WORDS: Readonly<Record<ModelFamily, readonly string[]>> = {
  flux: ['net'],
  clip: ['text_encoders', 'clip_l', 'cond_stage_model', 'conditioner', 'embedders', '0', 'text_encoder'],
  t5: ['text_encoders', 't5xxl', 'text_encoder_2'],
  vae: ['vae', 'first_stage_model', 'autoencoder'],
};
/** More than any file has before a name. */
export const MOST_WORDS = 8;
const CLIP_UNUSED = [
  /(^|\.)position_ids$/,
  /^(text_model\.)?text_projection(\.|$)/,
  /^visual_projection\./,
  /^vision_model\./,
  /^logit_scale$/,
];

/** diffusers before 0.18 named the VAE's attention projections after their role. */
const OLD_VAE_ATTENTION = new Map([
  ['to_q', 'query'],
  ['to_k', 'key'],
  ['to_v', 'value'],
  ['to_out.0', 'proj_attn'],
]);

/** OpenAI's CLIP has the three projections of attention in one tensor. */
function openAiClip(declared: string): readonly SourcePart[] {
  const key = openAiClipName(declared);
  const projection = /\.self_attn\.([qkv])_proj\./.exec(declared)?.[1];
  return [projection === undefined ? { key } : { key, run: ['qkv'.indexOf(projection), 3] }];
}

/** The spellings known of each family, tried in order. */
export const LAYOUTS: Readonly<Record<ModelFamily, readonly Layout[]>> = {
  flux: [
    {
      name: 'diffusers',
      marker: 'x_embedder.weight',
      parts: bflToDiffusers,
      aliases: NONE,
      unused: [],
    },
    {
      name: 'BFL',
      marker: 'img_in.weight',
      parts: itself,
      aliases: NONE,
      unused: [],
    },
  ],
  clip: [
    {
      name: 'transformers 4',
      marker: 'text_model.embeddings.token_embedding.weight',
      parts: itself,
      aliases: NONE,
      unused: CLIP_UNUSED,
    },
    {
      name: 'transformers 5',
      marker: 'embeddings.token_embedding.weight',
      parts: (declared) => [{ key: declared.replace(/^text_model\./, '') }],
      aliases: NONE,
      unused: CLIP_UNUSED,
    },
    {
      name: 'OpenAI',
      marker: 'token_embedding.weight',
      parts: openAiClip,
      aliases: NONE,
      unused: [
        ...CLIP_UNUSED,
        /^visual\./,
        /^(?:text_projection|input_resolution|context_length|vocab_size|attn_mask)$/,
      ],
    },
  ],
  t5: [
    {
      name: 'transformers',
      marker: 'encoder.final_layer_norm.weight',
      parts: itself,
      aliases: new Map([['shared.weight', 'encoder.embed_tokens.weight']]),
      unused: [/^decoder\./, /^lm_head\./],
    },
    {
      name: 'llama.cpp',
      marker: 'enc.output_norm.weight',
      parts: (declared) => [{ key: llamaT5Name(declared) }],
      aliases: NONE,
      unused: [/^dec\./, /^output\./],
    },
  ],
  vae: [
    {
      name: 'diffusers before 0.18',
      marker: 'decoder.mid_block.attentions.0.query.weight',
      parts: (declared) => [
        {
          key: declared.replace(
            /(?<=\.attentions\.\d+\.)(to_q|to_k|to_v|to_out\.0)(?=\.)/,
            (role) => OLD_VAE_ATTENTION.get(role) ?? role,
          ),
        },
      ],
      aliases: NONE,
      unused: [],
    },
    {
      name: 'diffusers',
      marker: 'decoder.conv_norm_out.weight',
      parts: itself,
      aliases: NONE,
      unused: [],
    },
    {
      name: 'latent diffusion',
      marker: 'decoder.norm_out.weight',
      parts: (declared, has) => [
        {
          key: ldmVaeName(
            declared,
            countBlocks((i) => has(`decoder.up.${i}.block.0.norm1.weight`)),
          ),
        },
      ],
      aliases: NONE,
      unused: [],
    },
  ],
};

/** Counts numbers from 0 on for which something holds, up to the first for which it does not. */
export function countBlocks(present: (i: number) => boolean): number {
  let count = 0;
  while (present(count)) count++;
  return count;
}

/** Finds the spelling and the prefix of a file's keys; undefined when no known one fits. */
export function layoutOf(
  family: ModelFamily,
  store: { keys(): readonly string[]; has(key: string): boolean },
): { layout: Layout; prefix: string } | undefined {
  const words = new Set<string>([...WRAPPING_WORDS, ...FAMILY_WORDS[family]]);
  const isPrefix = (text: string): boolean => {
    const parts = text.split('.');
    return parts.length <= MOST_WORDS + 1 && parts.slice(0, -1).every((word) => words.has(word));
  };
  const keys = store.keys();
  for (const layout of LAYOUTS[family]) {
    if (store.has(layout.marker)) return { layout, prefix: '' };
    const ending = `.${layout.marker}`;
    const prefixes = keys
      .filter((key) => key.endsWith(ending))
      .map((key) => key.slice(0, -layout.marker.length))
      .filter(isPrefix);
    const prefix = prefixes.sort((a, b) => a.length - b.length)[0];
    if (prefix !== undefined) return { layout, prefix };
  }
  return undefined;
}
