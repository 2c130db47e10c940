/** The names of all tensors that a model of each family may declare: what a file's tensors are looked up by when it is rewritten. */

import { FLUX_MODULES, type Layout, type ModelFamily } from './keymap.ts';

const affine = (module: string): string[] => [`${module}.weight`, `${module}.bias`];

const CLIP_LAYER = 'text_model.encoder.layers.#';
const CLIP: readonly string[] = [
  'text_model.embeddings.token_embedding.weight',
  'text_model.embeddings.position_embedding.weight',
  ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].flatMap((name) => affine(`${CLIP_LAYER}.self_attn.${name}`)),
  ...['layer_norm1', 'layer_norm2', 'mlp.fc1', 'mlp.fc2'].flatMap((name) => affine(`${CLIP_LAYER}.${name}`)),
  ...affine('text_model.final_layer_norm'),
];

const T5: readonly string[] = [
  'shared.weight',
  ...['q', 'k', 'v', 'o', 'relative_attention_bias'].map(
    (name) => `encoder.block.#.layer.0.SelfAttention.${name}.weight`,
  ),
  ...['wi_0', 'wi_1', 'wo'].map((name) => `encoder.block.#.layer.1.DenseReluDense.${name}.weight`),
  'encoder.block.#.layer.0.layer_norm.weight',
  'encoder.block.#.layer.1.layer_norm.weight',
  'encoder.final_layer_norm.weight',
];

const RESNET = ['norm1', 'conv1', 'norm2', 'conv2', 'conv_shortcut'];
const VAE: readonly string[] = [
  ...['encoder', 'decoder'].flatMap((side) => [
    ...['conv_in', 'conv_norm_out', 'conv_out'].flatMap((name) => affine(`${side}.${name}`)),
    ...RESNET.flatMap((name) => affine(`${side}.mid_block.resnets.#.${name}`)),
    ...['group_norm', 'to_q', 'to_k', 'to_v', 'to_out.0'].flatMap((name) =>
      affine(`${side}.mid_block.attentions.0.${name}`),
    ),
  ]),
  ...RESNET.flatMap((name) => affine(`encoder.down_blocks.#.resnets.#.${name}`)),
  ...RESNET.flatMap((name) => affine(`decoder.up_blocks.#.resnets.#.${name}`)),
  ...affine('encoder.down_blocks.#.downsamplers.0.conv'),
  ...affine('decoder.up_blocks.#.upsamplers.0.conv'),
  ...affine('quant_conv'),
  ...affine('post_quant_conv'),
];

/** Names with `#` for the number of a block. */
const TEMPLATES: Readonly<Record<ModelFamily, readonly string[]>> = {
  flux: FLUX_MODULES.flatMap(({ bfl }) => (bfl.endsWith('_norm') ? [`${bfl}.scale`] : affine(bfl))),
  clip: CLIP,
  t5: T5,
  vae: VAE,
};

/** Lists the declared names whose tensors are all in a file of the given layout; `has` takes keys without prefix. */
export function declaredNames(family: ModelFamily, layout: Layout, has: (key: string) => boolean): string[] {
  const stored = (name: string): boolean =>
    layout.parts(name, has).every(({ key }) => has(key) || has(layout.aliases.get(key) ?? key));
  const templates = TEMPLATES[family];
  /** A block counts as long as any of its tensors is there: some have fewer than others. */
  const expand = (stem: string, rest: readonly string[]): string[] => {
    const whole = rest.filter((tail) => !tail.includes('#'));
    const numbered = Map.groupBy(
      rest.filter((tail) => tail.includes('#')),
      (tail) => tail.slice(0, tail.indexOf('#')),
    );
    return [
      ...whole.map((tail) => stem + tail).filter(stored),
      ...[...numbered].flatMap(([head, tails]) => {
        const after = tails.map((tail) => tail.slice(head.length + 1));
        const blocks: string[][] = [];
        for (let i = 0; ; i++) {
          const names = expand(`${stem}${head}${i}`, after);
          if (names.length === 0) return blocks.flat();
          blocks.push(names);
        }
      }),
    ];
  };
  return expand('', templates);
}
