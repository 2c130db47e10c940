/**
 * One LoRA as trainers, exporters and accidents write it: the same factors under other keys, in other types and shapes, among things that are
 * no part of it. Values are multiples of 1/4 up to 1, which every type from fp8 on holds, so that all come to the very same numbers.
 */

import { drawer, type FileOptions, map, type Values } from './lora.ts';

/** A file to write, with `loraFile`. */
export interface Variant {
  readonly name: string;
  readonly tensors: Readonly<Record<string, Values>>;
  readonly options: FileOptions;
}

interface Factor {
  readonly module: string;
  readonly a: Values;
  readonly b: Values;
}

/** Layers that spelling goes wrong with: parts of fused ones, the exchanged halves, numbers in names, underscores in names. */
function layers(d: number): readonly (readonly [module: string, out: number, inputs: number])[] {
  return [
    ['transformer_blocks.0.attn.to_q', d, d],
    ['transformer_blocks.0.attn.add_v_proj', d, d],
    ['transformer_blocks.1.attn.to_out.0', d, d],
    ['transformer_blocks.1.ff_context.net.0.proj', 4 * d, d],
    ['transformer_blocks.0.norm1_context.linear', 6 * d, d],
    ['single_transformer_blocks.1.proj_mlp', 4 * d, d],
    ['single_transformer_blocks.0.proj_out', d, 5 * d],
    ['time_text_embed.timestep_embedder.linear_2', d, d],
    ['x_embedder', d, 64],
    ['norm_out.linear', 2 * d, d],
    ['proj_out', 64, d],
  ];
}

/** Ranks by module. */
const RANKS = [3, 1, 4];

/** Every variant for a transformer of this width with at least two blocks of each kind; the first is as diffusers saves it. */
export function loraVariants(width: number): readonly Variant[] {
  const draw = drawer(77);
  const quarters = (rows: number, columns: number) => map(draw(rows, columns), (value) => Math.round(4 * value) / 4);
  const factors = layers(width).map(([module, out, inputs], i): Factor => {
    const rank = RANKS[i % RANKS.length]!;
    return { module, a: quarters(rank, inputs), b: quarters(out, rank) };
  });
  const flat = (name: string) => name.replaceAll('.', '_');

  type Keys = (module: string) => readonly [a: string, b: string, alpha?: string];
  const under = (keys: Keys): Record<string, Values> =>
    Object.fromEntries(
      factors.flatMap(({ module, a, b }): [string, Values][] => {
        const [down, up, alpha] = keys(module);
        return [[down, a], [up, b], ...(alpha === undefined ? [] : [[alpha, one(a.rows)] as [string, Values]])];
      }),
    ); // biome-ignore format: a pair and its alpha
  const peft =
    (start: string, infix = ''): Keys =>
    (m) => [`${start}${m}.lora_A${infix}.weight`, `${start}${m}.lora_B${infix}.weight`];
  const kohya =
    (stem: (module: string) => string): Keys =>
    (m) => [`${stem(m)}.lora_down.weight`, `${stem(m)}.lora_up.weight`, `${stem(m)}.alpha`];
  const plain = under(peft('transformer.'));
  const withAlpha = under(kohya((m) => `lora_transformer_${flat(m)}`));
  const variant = (name: string, tensors: Record<string, Values>, options: FileOptions = {}): Variant => ({
    name,
    tensors,
    options,
  });
  const each = <T>(
    tensors: Record<string, Values>,
    pick: (key: string, value: Values) => T | undefined,
  ): Record<string, T> =>
    Object.fromEntries(
      Object.entries(tensors).flatMap(([key, value]) => {
        const picked = pick(key, value);
        return picked === undefined ? [] : [[key, picked] as const];
      }),
    );
  const alphas = (dtype: 'f16' | 'bf16' | 'f64' | 'i64', shape: readonly number[]): FileOptions => ({
    dtypes: each(withAlpha, (key) => (key.endsWith('alpha') ? dtype : undefined)),
    shapes: each(withAlpha, (key) => (key.endsWith('alpha') ? shape : undefined)),
  });
  const factorsAs = (...types: readonly ('f16' | 'bf16' | 'f8e4m3' | 'f8e5m2' | 'f64')[]): FileOptions => ({
    dtypes: Object.fromEntries(Object.keys(plain).map((key, i) => [key, types[i % types.length]!])),
  });

  return [
    variant('as diffusers saves it', plain),
    variant('without prefix', under(peft(''))),
    variant('a compiled transformer', under(peft('transformer._orig_mod.'))),
    variant('compiled blocks', under((m) => peft('transformer.')(m.replace(/(blocks\.\d+)\./, '$1._orig_mod.')))),
    variant('the adapter’s name in the keys', under(peft('base_model.model.', '.default'))),
    variant('another name in the keys', under(peft('transformer.', '.my-style_v2'))),
    variant('PEFT inside a pipeline', under(peft('base_model.model.transformer.'))),
    variant('a training wrapper', under(peft('module.transformer.'))),
    variant('ComfyUI’s prefix', under(peft('model.diffusion_model.'))),
    variant('the prefix of other models', under(peft('unet.'))),
    variant('no .weight', under((m) => [`transformer.${m}.lora_A`, `transformer.${m}.lora_B`])),
    variant('lora.down', under((m) => [`${m}.lora.down.weight`, `${m}.lora.up.weight`])),
    variant('lora_linear_layer', under((m) => [`transformer.${m}.lora_linear_layer.down.weight`, `transformer.${m}.lora_linear_layer.up.weight`])),
    variant('kohya’s prefix', under(kohya((m) => `lora_unet_${flat(m)}`))),
    variant('kohya’s prefix before dots', under(kohya((m) => `lora_unet_${m}`))),
    variant('a dot after the prefix', under(kohya((m) => `lora_unet.${m}`))),
    variant('underscores throughout', under((m) => peft('transformer_')(flat(m)))),
    variant('OneTrainer’s prefix', withAlpha),
    variant('LyCORIS’ prefix', under(kohya((m) => `lycoris_${flat(m)}`))),
    variant('a trailing underscore', under(kohya((m) => `lora_unet_${flat(m)}_`))),
    variant('to_out without its number', under((m) => peft('transformer.')(m.replace('to_out.0', 'to_out')))),
    variant('alphas of 0', each(withAlpha, (key, value) => (key.endsWith('alpha') ? one(0) : value))),
    variant('every other alpha', each(withAlpha, (key, value) => (key.endsWith('alpha') && key.length % 2 === 0 ? undefined : value))),
    variant('alphas in f16', withAlpha, alphas('f16', [])),
    variant('alphas in bf16, of one dimension', withAlpha, alphas('bf16', [1])),
    variant('alphas in f64, of two dimensions', withAlpha, alphas('f64', [1, 1])),
    variant('alphas that are integers', withAlpha, alphas('i64', [])),
    variant('factors in bf16', plain, factorsAs('bf16')),
    variant('factors in f16', plain, factorsAs('f16')),
    variant('factors in f64', plain, factorsAs('f64')),
    variant('factors in fp8', plain, factorsAs('f8e4m3')),
    variant('factors of all types', plain, factorsAs('f8e5m2', 'bf16', 'f16', 'f8e4m3')),
    variant('shapes of convolutions', plain, { shapes: each(plain, (_, { rows, columns }) => [rows, columns, 1, 1]) }),
    variant('alpha in the header', plain, {
      metadata: {
        lora_adapter_metadata: JSON.stringify({
          'transformer.lora_alpha': 7,
          'transformer.alpha_pattern': Object.fromEntries(factors.map(({ module, a }) => [module, a.rows])),
        }),
      },
    }),
    variant('a header full of other things', plain, {
      metadata: { ss_tag_frequency: JSON.stringify({ a: { 'x"\\\n': 1 } }), format: 'pt', 'modelspec.title': '✨ style\u0007', empty: '', long: 'x'.repeat(100_000) },
    }),
    variant('modules of no ranks', {
      ...plain,
      'transformer.transformer_blocks.1.attn.to_q.lora_A.weight': { rows: 0, columns: width, data: new Float32Array(0) },
      'transformer.transformer_blocks.1.attn.to_q.lora_B.weight': { rows: width, columns: 0, data: new Float32Array(0) },
    }),
    variant('embeddings and differences of zero beside it', {
      ...plain,
      'bundle_emb.tok.clip_l': one(1),
      '_aux.step': one(2),
      'diffusion_model.double_blocks.0.img_attn.norm.query_norm.diff': { rows: 8, columns: 1, data: new Float32Array(8) },
      'text_encoders.clip_l.transformer.text_model.embeddings.position_embedding.diff': { rows: 4, columns: 2, data: new Float32Array(8) },
    }),
    variant('two spellings in one file', Object.fromEntries(
      Object.entries(plain).map(([key, value], i) => [Math.floor(i / 2) % 2 === 0 ? key : key.replace('transformer.', 'base_model.model.'), value]),
    )),
  ]; // biome-ignore format: one variant a line
}

function one(value: number): Values {
  return { rows: 1, columns: 1, data: Float32Array.of(value) };
}
