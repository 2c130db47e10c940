/** Files, weight stores, configs and pipeline folders: what is whole opens, what is not is told by path and field. */

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AUTOENCODER } from '../../../src/families/flux1/autoencoder.ts';
import { CLIP } from '../../../src/families/flux1/clip.ts';
import { FLUX1 } from '../../../src/families/flux1/flux1.ts';
import { CLIP_L, FLUX_SCHNELL, T5_XXL } from '../../../src/families/flux1/presets.ts';
import { SCHEDULER } from '../../../src/families/flux1/scheduler.ts';
import { T5 } from '../../../src/families/flux1/t5.ts';
import { TRANSFORMER } from '../../../src/families/flux1/transformer.ts';
import { type ErrorCode, FluxionError } from '../../../src/support/errors.ts';
import { readingFile } from '../../../src/weights/files/file-bytes.ts';
import { parseJson, parseJsonObject } from '../../../src/weights/files/json.ts';
import { findWeights, WeightStore } from '../../../src/weights/files/store.ts';
import { openPipelineFolder } from '../../../src/weights/folders/pipeline-folder.ts';
import { fails } from '../../support/fails.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { headerBytes, memoryFile } from '../../support/memory-file.ts';
import { mutations } from '../../support/mutate.ts';
import { writeSafetensors } from '../../support/safetensors.ts';

const TINY = repositoryPath('models/tiny');
const RANDOM = repositoryPath('test/fixtures/random-flux');

function withFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'fluxion-checkpoint-'));
  try {
    body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('JSON: what JSON.parse reads is read the same, with duplicates, depth and size refused', () => {
  const plain = (value: unknown): unknown =>
    value instanceof Map
      ? Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
      : Array.isArray(value)
        ? value.map(plain)
        : value;
  const texts = ['{}', '[]', ' [1, -2.5e3 ,"a\\n\\u00e9", true,false,null] ', '{"b":{"a":[{}]},"1":[[]]}', '""', '0'];
  for (const text of texts) assert.deepEqual(plain(parseJson(text, 'x')), JSON.parse(text), text);
  assert.deepEqual([...parseJsonObject('{"b":1,"1":2,"__proto__":3}', 'x').keys()], ['b', '1', '__proto__']);
  for (const text of [
    '',
    '{',
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '[01]',
    '[1 2]',
    '"a',
    '"\n"',
    'nul',
    '[NaN]',
    '-',
    '{"a" 1}',
    '"\\x"',
  ]) {
    assert.throws(() => JSON.parse(text), SyntaxError);
    fails(() => parseJson(text, 'x'), 'bad_file', /^x: not valid JSON at character \d+: /);
  }
  fails(() => parseJson(`[${'0,'.repeat(2_000_000)}0]`, 'x'), 'bad_file', /more than 2000000 values/);
});

test('a file is read by range, and says what is wrong with its path', () => {
  withFolder((folder) => {
    const path = join(folder, 'a');
    writeFileSync(path, 'hello world');
    const file = readingFile(path);
    assert.equal(file.size, 11);
    assert.equal(Buffer.from(file.view(6, 5)).toString(), 'world');
    fails(() => file.view(7, 5), 'bad_file', /bytes 7 to 12 are outside its 11/);
    file[Symbol.dispose]();
    fails(() => file.view(0, 1), 'disposed', /read after it was closed/);
    fails(() => readingFile(join(folder, 'b')), 'not_found', /b: no such file/);
    fails(() => readingFile(folder), 'io', /expected a file, found a folder/);
  });
});

test('a store slices rows without a copy and ends with its files', () => {
  const bytes = Buffer.concat([
    headerBytes({
      a: { dtype: 'F32', shape: [3, 2], data_offsets: [0, 24] },
      none: { dtype: 'F32', shape: [0, 2], data_offsets: [24, 24] },
    }),
    Buffer.from(Float32Array.of(0, 1, 2, 3, 4, 5).buffer),
  ]);
  const store = WeightStore.open('x.safetensors', { openFile: (path) => memoryFile(path, bytes) });
  const rows = store.bytes('a', [1, 3]);
  assert.equal(rows.buffer, bytes.buffer);
  assert.deepEqual([...new Float32Array(Uint8Array.from(rows).buffer)], [2, 3, 4, 5]);
  assert.equal(store.bytes('none', [0, 0]).length, 0);
  for (const range of [
    [2, 4],
    [-1, 1],
    [2, 1],
    [0, 0.5],
  ] as const) {
    fails(() => store.bytes('a', range), 'bad_shape', /a: rows .* are outside \[3, 2\]/);
  }
  fails(() => store.info('aa'), 'not_found', /no tensor 'aa'/, /nearest: a/);
  store[Symbol.dispose]();
  fails(() => store.bytes('a'), 'disposed', /a read after the weights were closed/);
});

test('shards: all keys, or an error that names what is missing, extra or elsewhere', () => {
  const one = (name: string) => ({ name, dtype: 'u8', shape: [2], bytes: Uint8Array.of(1, 2) }) as const;
  withFolder((folder) => {
    const index = join(folder, 'model.safetensors.index.json');
    const write = (map: unknown): void => writeFileSync(index, JSON.stringify({ metadata: {}, weight_map: map }));
    const [first, second] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
    writeSafetensors(join(folder, first), [one('a'), one('b')]);
    writeSafetensors(join(folder, second), [one('c')]);

    write({ a: first, b: first, c: second });
    using store = WeightStore.open(folder);
    assert.equal(store.path, index);
    assert.deepEqual(store.keys(), ['a', 'b', 'c']);
    assert.equal(store.info('c').file, join(folder, second));

    write({ a: first, b: first, c: second, d: 'model-00003-of-00003.safetensors' });
    fails(() => WeightStore.open(folder), 'not_found', /1 of 3 shards are missing: model-00003-of-00003/);
    write({ a: first, b: first, c: second, d: second });
    fails(() => WeightStore.open(folder), 'bad_file', /00002-of-00002\.safetensors: lacks 1 keys .* d$/m);
    write({ a: first, c: second });
    fails(() => WeightStore.open(folder), 'bad_file', /00001-of-00002\.safetensors: has 1 keys .* b$/m);
    for (const name of [
      '../a.safetensors',
      '/etc/a.safetensors',
      'x/a.safetensors',
      'a\\b.safetensors',
      'C:a.safetensors',
      'a.bin',
      7,
      null,
    ]) {
      write({ a: name });
      fails(
        () => WeightStore.open(folder),
        'bad_file',
        /weight_map\."a": expected the name of a \.safetensors file beside it/,
      );
    }
    write([1]);
    fails(() => WeightStore.open(folder), 'bad_file', /weight_map: expected an object/);
    writeSafetensors(join(folder, second), [one('a')]);
    write({ a: first, b: first, c: second });
    fails(() => WeightStore.open(folder), 'bad_file', /00002-of-00002\.safetensors: a is also in .*00001-of-00002/);
  });
});

test("the weights in a component's folder: plain before variants, the asked-for variant before all", () => {
  withFolder((folder) => {
    const files = (...names: string[]): void => {
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      for (const name of names) writeFileSync(join(folder, name), '');
    };
    const found = (variant?: string): string => findWeights(folder, variant).slice(folder.length + 1);
    files('model.fp16.safetensors', 'model.safetensors', 'model.safetensors.index.json', 'config.json');
    assert.equal(found(), 'model.safetensors');
    assert.equal(found('fp16'), 'model.fp16.safetensors');
    fails(() => found('bf16'), 'not_found', /no weights of variant 'bf16'; looked for .*model\.bf16\.safetensors/);
    files('diffusion_pytorch_model.fp16.safetensors', 'diffusion_pytorch_model.bf16.safetensors');
    assert.equal(found(), 'diffusion_pytorch_model.bf16.safetensors');
    files('diffusion_pytorch_model.safetensors.index.fp16.json', 'diffusion_pytorch_model.safetensors.index.json');
    assert.equal(found(), 'diffusion_pytorch_model.safetensors.index.json');
    assert.equal(found('fp16'), 'diffusion_pytorch_model.safetensors.index.fp16.json');
    files('ae.safetensors');
    assert.equal(found(), 'ae.safetensors');
    files('model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors');
    assert.equal(found(), 'model-00001-of-00002.safetensors');
    files('model-00002-of-00002.safetensors');
    fails(() => found(), 'not_found', /part 2 of 2, and beside it there is no model-00001-of-00002\.safetensors/);
    files('a.safetensors', 'b.safetensors');
    fails(() => found(), 'not_found', /the folder has a\.safetensors, b\.safetensors: give one of them/);
    files('pytorch_model.bin');
    fails(() => found(), 'not_found', /convert them to safetensors/);
    files();
    fails(() => found(), 'not_found', /download the weights/);
    fails(() => findWeights(join(folder, 'none')), 'not_found', /none: no such file or folder/);
  });
});

test('the bundled pipeline opens, with every component', () => {
  const pipeline = openPipelineFolder(FLUX1, TINY);
  assert.equal(pipeline.className, 'FluxPipeline');
  assert.deepEqual(pipeline.transformer, {
    inChannels: 64,
    outChannels: 64,
    layers: 2,
    singleLayers: 5,
    headDim: 64,
    heads: 3,
    jointAttentionDim: 128,
    pooledDim: 128,
    guidanceEmbeds: false,
    axesDimsRope: [8, 28, 28],
  });
  assert.equal(pipeline.clip.activation, 'quick_gelu');
  assert.equal(pipeline.t5.dFf, 256);
  assert.deepEqual(pipeline.vae.blockOutChannels, [16, 32, 48, 64]);
  assert.equal(pipeline.scheduler.useDynamicShifting, true);
  const counts = { transformer: 150, clip: 36, t5: 30, vae: 184 } as const;
  for (const [component, count] of Object.entries(counts)) {
    using store = pipeline.openWeights(component as keyof typeof counts);
    assert.equal(store.keys().length, count);
  }
});

test('a sharded pipeline with other options opens too', () => {
  const pipeline = openPipelineFolder(FLUX1, RANDOM);
  assert.equal(pipeline.transformer.guidanceEmbeds, true);
  assert.equal(pipeline.clip.eosTokenId, 2);
  using store = pipeline.openWeights('transformer');
  assert.ok(store.path.endsWith('.index.json'));
  assert.equal(new Set(store.keys().map((key) => store.info(key).file)).size, 3);
});

const json = (value: object): ReturnType<typeof parseJsonObject> =>
  parseJsonObject(JSON.stringify(value), 'config.json');

test('missing keys take the defaults of diffusers and transformers, which are those of FLUX.1', () => {
  const full = TRANSFORMER.config.read(json({}), 'x');
  assert.deepEqual(full, FLUX_SCHNELL);
  assert.equal(TRANSFORMER.config.read(json({ in_channels: 384, out_channels: null }), 'x').outChannels, 384);
  assert.deepEqual(SCHEDULER.config.read(json({}), 'x'), {
    numTrainTimesteps: 1000,
    shift: 1,
    useDynamicShifting: false,
    baseShift: 0.5,
    maxShift: 1.15,
    baseImageSeqLen: 256,
    maxImageSeqLen: 4096,
    timeShiftType: 'exponential',
    shiftTerminal: undefined,
  });
  const clip = {
    ...CLIP.config.read(json({ hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12 }), 'x'),
  };
  assert.deepEqual({ ...CLIP_L, bosTokenId: 49_406, eosTokenId: 49_407, projectionDim: 512 }, clip);
  const nested = json({
    model_type: 'clip',
    text_config: { hidden_size: 768, num_attention_heads: 12, eos_token_id: [2, 3] },
  });
  assert.deepEqual([CLIP.config.read(nested, 'x').width, CLIP.config.read(nested, 'x').eosTokenId], [768, 2]);
  const t5 = T5.config.read(
    json({ d_model: 4096, d_ff: 10_240, num_layers: 24, num_heads: 64, feed_forward_proj: 'gated-gelu' }),
    'x',
  );
  assert.deepEqual(t5, T5_XXL);
  const vae = AUTOENCODER.config.read(
    json({ ...LATENTS, block_out_channels: [128, 256, 512, 512], latent_channels: 16 }),
    'x',
  );
  assert.deepEqual([vae.normGroups, vae.scalingFactor, vae.shiftFactor, vae.useQuantConv], [32, 0.3611, 0.1159, true]);
});

/** What no autoencoder's config may lack. */
const LATENTS = { scaling_factor: 0.3611, shift_factor: 0.1159 };

test('null is what the files’ own programs make of it, and never another model’s value', () => {
  // Recorded with diffusers 0.42 and transformers 5: each of these raises there, when it is read or when a picture is made.
  const needed: [read: (typeof REFUSED)[number][0], base: object, keys: string[]][] = [
    [
      AUTOENCODER.config.read,
      LATENTS,
      ['scaling_factor', 'shift_factor', 'norm_num_groups', 'layers_per_block', 'sample_size'],
    ],
    [
      AUTOENCODER.config.read,
      LATENTS,
      ['in_channels', 'latent_channels', 'block_out_channels', 'act_fn', 'down_block_types'],
    ],
    [TRANSFORMER.config.read, {}, ['in_channels', 'patch_size', 'num_layers', 'num_single_layers', 'axes_dims_rope']],
    [TRANSFORMER.config.read, {}, ['attention_head_dim', 'joint_attention_dim', 'pooled_projection_dim']],
    [SCHEDULER.config.read, {}, ['num_train_timesteps', 'shift', 'time_shift_type', 'base_shift', 'max_image_seq_len']],
    [CLIP.config.read, {}, ['hidden_size', 'hidden_act', 'layer_norm_eps', 'vocab_size', 'eos_token_id']],
    [T5.config.read, {}, ['d_model', 'layer_norm_epsilon', 'relative_attention_max_distance', 'feed_forward_proj']],
  ];
  for (const [read, base, keys] of needed) {
    for (const key of keys) {
      assert.throws(
        () => read(json({ ...base, [key]: null }), '/m/config.json'),
        new RegExp(`${key}: expected .* found null`),
      );
    }
  }
  for (const key of Object.keys(LATENTS)) {
    const lacking = Object.fromEntries(Object.entries(LATENTS).filter(([name]) => name !== key));
    fails(
      () => AUTOENCODER.config.read(json(lacking), 'x'),
      'bad_file',
      new RegExp(`${key}: .* found nothing`),
      /FLUX\.1's .* 0\.\d+/,
    );
  }
  // None is false, and the rest has a meaning or none in a forward pass.
  const vae = AUTOENCODER.config.read(json({ ...LATENTS, use_quant_conv: null, mid_block_add_attention: null }), 'x');
  assert.deepEqual([vae.useQuantConv, vae.midBlockAttention, vae.usePostQuantConv], [false, false, true]);
  assert.equal(TRANSFORMER.config.read(json({ guidance_embeds: null, out_channels: null }), 'x').outChannels, 64);
  const scheduler = SCHEDULER.config.read(json({ use_dynamic_shifting: true, shift: null, shift_terminal: null }), 'x');
  assert.deepEqual([scheduler.useDynamicShifting, scheduler.shiftTerminal], [true, undefined]);
  assert.equal(
    CLIP.config.read(json({ pad_token_id: null, bos_token_id: null, projection_dim: null }), 'x').padTokenId,
    1,
  );
  fails(() => CLIP.config.read(json({ eos_token_id: [] }), 'x'), 'bad_file', /eos_token_id: expected an integer/);
});

const REFUSED: readonly [(j: ReturnType<typeof json>, path: string) => unknown, object, code: ErrorCode, RegExp][] = [
  [
    TRANSFORMER.config.read,
    { num_layers: 1001 },
    'bad_file',
    /num_layers: expected an integer from 0 to 1000, found 1001/,
  ],
  [TRANSFORMER.config.read, { num_layers: '19' }, 'bad_file', /num_layers: .* found "19"/],
  [TRANSFORMER.config.read, { in_channels: 1e9 }, 'bad_file', /in_channels: expected an integer from 1 to 65536/],
  [
    TRANSFORMER.config.read,
    { num_attention_heads: 1000 },
    'bad_file',
    /num_attention_heads: expected at most 512 with attention_head_dim 128, found /,
  ],
  [
    TRANSFORMER.config.read,
    { axes_dims_rope: [16, 56] },
    'bad_file',
    /axes_dims_rope: expected 3 integers, found \[16, 56\]/,
  ],
  [TRANSFORMER.config.read, { axes_dims_rope: [16, 56, 58] }, 'bad_file', /axes_dims_rope: expected a sum of 128/],
  [TRANSFORMER.config.read, { axes_dims_rope: [15, 57, 56] }, 'bad_file', /axes_dims_rope: expected even numbers/],
  [TRANSFORMER.config.read, { guidance_embeds: 1 }, 'bad_file', /guidance_embeds: expected true or false, found 1/],
  [
    TRANSFORMER.config.read,
    { _class_name: 'Flux2Transformer2DModel' },
    'unsupported',
    /this is FLUX\.2 \(Flux2Transformer2DModel\), and this program runs FLUX\.1/,
  ],
  [
    CLIP.config.read,
    { hidden_act: 'relu' },
    'unsupported',
    /hidden_act: expected 'quick_gelu' or 'gelu', found "relu"/,
  ],
  [CLIP.config.read, { num_attention_heads: 7 }, 'bad_file', /num_attention_heads: does not divide hidden_size 512/],
  [CLIP.config.read, { text_config: { vocab_size: -1 } }, 'bad_file', /text_config\.vocab_size: expected an integer/],
  [CLIP.config.read, { layer_norm_eps: 'x' }, 'bad_file', /layer_norm_eps: expected a number/],
  [T5.config.read, {}, 'unsupported', /feed_forward_proj: expected 'gated-gelu', found "relu"/],
  [
    T5.config.read,
    { relative_attention_num_buckets: 5 },
    'bad_file',
    /relative_attention_num_buckets: expected an even/,
  ],
  [AUTOENCODER.config.read, { act_fn: 'relu' }, 'unsupported', /act_fn: expected 'silu'/],
  [
    AUTOENCODER.config.read,
    { down_block_types: ['AttnDownEncoderBlock2D'] },
    'unsupported',
    /down_block_types: expected only/,
  ],
  [
    AUTOENCODER.config.read,
    { ...LATENTS, block_out_channels: [48] },
    'bad_file',
    /block_out_channels: expected multiples of norm_num_groups 32/,
  ],
  [
    AUTOENCODER.config.read,
    { block_out_channels: Array(9).fill(64) },
    'bad_file',
    /block_out_channels: expected 1 to 8 integers/,
  ],
  [
    AUTOENCODER.config.read,
    { latents_mean: [0] },
    'unsupported',
    /latents_mean: per-channel latent statistics are not implemented/,
  ],
  [AUTOENCODER.config.read, { scaling_factor: 0 }, 'bad_file', /scaling_factor: expected a number/],
  [SCHEDULER.config.read, { _class_name: 'DDIMScheduler' }, 'unsupported', /_class_name: expected 'FlowMatchEuler/],
  [
    SCHEDULER.config.read,
    { use_karras_sigmas: true },
    'unsupported',
    /use_karras_sigmas: Karras sigmas are not implemented/,
  ],
  [SCHEDULER.config.read, { use_exponential_sigmas: true }, 'unsupported', /use_exponential_sigmas/],
  [SCHEDULER.config.read, { use_beta_sigmas: true }, 'unsupported', /use_beta_sigmas/],
  [SCHEDULER.config.read, { stochastic_sampling: true }, 'unsupported', /stochastic_sampling/],
  [SCHEDULER.config.read, { invert_sigmas: true }, 'unsupported', /invert_sigmas/],
  [
    SCHEDULER.config.read,
    { time_shift_type: 'cubic' },
    'unsupported',
    /time_shift_type: expected 'exponential' or 'linear'/,
  ],
  [SCHEDULER.config.read, { max_image_seq_len: 256 }, 'bad_file', /max_image_seq_len: expected more than 256/],
];

test('configs that are wrong, absurd or not implemented are refused by file and field', () => {
  for (const [read, config, code, message] of REFUSED) {
    fails(() => read(json(config), '/m/config.json'), code, /^\/m\/config\.json: /, message);
  }
});

test('pipeline folders that are incomplete say what is missing and where it was looked for', () => {
  withFolder((folder) => {
    fails(() => openPipelineFolder(FLUX1, join(folder, 'none')), 'not_found', /none: no such file or folder/);
    fails(() => openPipelineFolder(FLUX1, folder), 'not_found', /no model_index\.json/);
    cpSync(TINY, folder, { recursive: true });
    const index = join(folder, 'model_index.json');
    const original = readFileSync(index, 'utf8');
    for (const name of ['"StableDiffusionXLPipeline"', '"Flux2Pipeline"']) {
      writeFileSync(index, original.replace('"FluxPipeline"', name));
      fails(
        () => openPipelineFolder(FLUX1, folder),
        'unsupported',
        /model_index\.json: this is (?:Stable Diffusion XL|FLUX\.2) \(\w+Pipeline\), and this program runs FLUX\.1/,
      );
    }
    writeFileSync(index, '{}');
    fails(() => openPipelineFolder(FLUX1, folder), 'bad_file', /_class_name: .* found nothing/);
    writeFileSync(index, original);
    rmSync(join(folder, 'text_encoder_2/config.json'));
    fails(
      () => openPipelineFolder(FLUX1, folder),
      'not_found',
      /text_encoder_2: no config\.json; it has model\.safetensors/,
    );
    cpSync(join(TINY, 'text_encoder_2/config.json'), join(folder, 'text_encoder_2/config.json'));
    rmSync(join(folder, 'tokenizer_2'), { recursive: true });
    fails(() => openPipelineFolder(FLUX1, folder), 'not_found', /no tokenizer_2 folder; looked for .*tokenizer_2/);
    mkdirSync(join(folder, 'tokenizer_2'));
    fails(
      () => openPipelineFolder(FLUX1, folder),
      'not_found',
      /tokenizer_2: no tokenizer\.json or spiece\.model; it is empty/,
    );
    cpSync(join(TINY, 'tokenizer_2'), join(folder, 'tokenizer_2'), { recursive: true });
    const config = join(folder, 'transformer/config.json');
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace('"pooled_projection_dim": 128', '"pooled_projection_dim": 256'),
    );
    fails(
      () => openPipelineFolder(FLUX1, folder),
      'bad_weights',
      /transformer pooled_projection_dim is 256, but text_encoder hidden_size gives 128/,
    );
  });
});

test('400 mutated configs, indexes and model_index files open or are refused by path', () => {
  withFolder((folder) => {
    cpSync(RANDOM, folder, { recursive: true });
    const files = [
      'model_index.json',
      'transformer/config.json',
      'text_encoder/config.json',
      'text_encoder_2/config.json',
      'vae/config.json',
      'scheduler/scheduler_config.json',
      'transformer/diffusion_pytorch_model.safetensors.index.json',
      'transformer/diffusion_pytorch_model.safetensors.index.json',
    ];
    let refused = 0;
    for (const [i, name] of files.entries()) {
      const path = join(folder, name);
      const original = readFileSync(path);
      for (const mutated of mutations(original, 50, 100 + i)) {
        writeFileSync(path, mutated);
        try {
          openPipelineFolder(FLUX1, folder).openWeights('transformer')[Symbol.dispose]();
        } catch (error) {
          assert.ok(error instanceof FluxionError, String(error));
          assert.ok(error.message.startsWith(folder), error.message);
          refused++;
        }
      }
      writeFileSync(path, original);
    }
    assert.ok(refused > 150, `${refused} of 400 refused`);
  });
});
