/**
 * Name tables for spellings that differ from the declared names by rule: the autoencoder as latent-diffusion programs name it, T5 as
 * llama.cpp does, and CLIP as OpenAI does. Rules are tried in order, each at most once.
 */

type Rule = readonly [from: RegExp, to: string];

/** Sources: BFL `src/flux/modules/autoencoder.py`; diffusers `loaders/single_file_utils.py`, `convert_ldm_vae_checkpoint`. */
const LDM_VAE: readonly Rule[] = [
  [/^(encoder|decoder)\.conv_norm_out\./, '$1.norm_out.'],
  [/^encoder\.down_blocks\.(\d+)\.resnets\.(\d+)\./, 'encoder.down.$1.block.$2.'],
  [/^encoder\.down_blocks\.(\d+)\.downsamplers\.0\./, 'encoder.down.$1.downsample.'],
  [/^decoder\.up_blocks\.(\d+)\.resnets\.(\d+)\./, 'decoder.up.$1.block.$2.'],
  [/^decoder\.up_blocks\.(\d+)\.upsamplers\.0\./, 'decoder.up.$1.upsample.'],
  [/\.mid_block\.resnets\.0\./, '.mid.block_1.'],
  [/\.mid_block\.resnets\.1\./, '.mid.block_2.'],
  [/\.mid_block\.attentions\.0\.group_norm\./, '.mid.attn_1.norm.'],
  [/\.mid_block\.attentions\.0\.to_([qkv])\./, '.mid.attn_1.$1.'],
  [/\.mid_block\.attentions\.0\.to_out\.0\./, '.mid.attn_1.proj_out.'],
  [/\.conv_shortcut\./, '.nin_shortcut.'],
];

/** Source: llama.cpp `gguf-py/gguf/tensor_mapping.py`, the T5 encoder. */
const LLAMA_T5: readonly Rule[] = [
  [/^shared\./, 'token_embd.'],
  [/^encoder\.final_layer_norm\./, 'enc.output_norm.'],
  [/^encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.([qkvo])\./, 'enc.blk.$1.attn_$2.'],
  [/^encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.relative_attention_bias\./, 'enc.blk.$1.attn_rel_b.'],
  [/^encoder\.block\.(\d+)\.layer\.0\.layer_norm\./, 'enc.blk.$1.attn_norm.'],
  [/^encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wi_0\./, 'enc.blk.$1.ffn_gate.'],
  [/^encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wi_1\./, 'enc.blk.$1.ffn_up.'],
  [/^encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wo\./, 'enc.blk.$1.ffn_down.'],
  [/^encoder\.block\.(\d+)\.layer\.1\.layer_norm\./, 'enc.blk.$1.ffn_norm.'],
];

/** Source: OpenAI CLIP `clip/model.py`, also of open_clip; transformers `convert_clip_original_pytorch_to_hf.py`. */
const OPENAI_CLIP: readonly Rule[] = [
  [/^text_model\.embeddings\.token_embedding\./, 'token_embedding.'],
  [/^text_model\.embeddings\.position_embedding\.weight$/, 'positional_embedding'],
  [/^text_model\.final_layer_norm\./, 'ln_final.'],
  [/^text_model\.encoder\.layers\.(\d+)\./, 'transformer.resblocks.$1.'],
  [/\.self_attn\.[qkv]_proj\.(weight|bias)$/, '.attn.in_proj_$1'],
  [/\.self_attn\.out_proj\./, '.attn.out_proj.'],
  [/\.layer_norm([12])\./, '.ln_$1.'],
  [/\.mlp\.fc1\./, '.mlp.c_fc.'],
  [/\.mlp\.fc2\./, '.mlp.c_proj.'],
];

function respelled(name: string, rules: readonly Rule[]): string {
  return rules.reduce((text, [from, to]) => text.replace(from, to), name);
}

/** Names a diffusers autoencoder's tensor as latent-diffusion programs do; there the decoder's `levels` are counted from the finest. */
export function ldmVaeName(name: string, levels: number): string {
  const level = /^decoder\.up_blocks\.(\d+)\./.exec(name)?.[1];
  const fromFinest = level === undefined ? name : name.replace(level, String(levels - 1 - Number(level)));
  return respelled(fromFinest, LDM_VAE);
}

/** Names a transformers T5 encoder's tensor as llama.cpp does. */
export function llamaT5Name(name: string): string {
  return respelled(name, LLAMA_T5);
}

/** Names a transformers CLIP text encoder's tensor as OpenAI does; three there share the one of `in_proj`. */
export function openAiClipName(name: string): string {
  return respelled(name, OPENAI_CLIP);
}
