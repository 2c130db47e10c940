/**
 * Meshes of 4 and 8 virtual CPU devices: every way of sharing the work gives the one-device latents and pictures, in order, and
 * moves between devices what it should and nothing else.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { comparePictures } from '../../src/cli/pictures/compare.ts';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { FLUX_DEV } from '../../src/families/flux1/presets.ts';
import { Flux, type Image, type LoadOptions, type Request } from '../../src/index.ts';
import { fluxPrograms } from '../../src/models/flux.ts';
import { Transformer } from '../../src/pipeline/denoise.ts';
import { TextEncoders } from '../../src/pipeline/encode.ts';
import type { ModelTypes } from '../../src/pipeline/model-types.ts';
import { latentSize, packLatents } from '../../src/sampling/latents.ts';
import { schedule } from '../../src/sampling/schedule.ts';
import { originOf } from '../../src/weights/folders/model-source.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { blocks, WeightSet, whole } from '../../src/weights/set.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { type MeshOptions, openMapped, Runtime } from '../../src/xla/runtime/runtime.ts';
import { assertClose } from '../support/close.ts';
import { fluxion, temporaryFolder } from '../support/command-line.ts';
import { repositoryPath } from '../support/fixture.ts';
import { type Collective, collectives } from '../support/hlo.ts';
import { drawer, loraFile } from '../support/lora.ts';
import { noise } from '../support/noise.ts';

const RANDOM = repositoryPath('test/fixtures/random-flux');
const TYPES: ModelTypes = { compute: 'f32', storage: 'f32' };
const BATCH = 4;
const TEXT_TOKENS = 32;

after(() => assert.deepEqual(liveCounts(), {}, 'native objects alive after all models were disposed'));

function open(ici: MeshOptions['ici'], cpuDevices: number): Promise<Runtime> {
  return Runtime.open({ device: 'cpu', cacheDir: 'none', cpuDevices, ...(cpuDevices > 1 && { mesh: { ici } }) });
}

/** What both encoders and two steps of the transformer (2 heads, 2 single blocks, guidance) make of a prompt. */
async function latents(runtime: Runtime): Promise<{ text: Float32Array; steps: Float32Array[] }> {
  using models = new DisposableStack();
  const folder = openPipelineFolder(FLUX1, RANDOM, { openFile: openMapped });
  const encoders = models.use(new TextEncoders(folder, TYPES));
  const transformer = models.use(new Transformer(folder, TYPES));
  const size = latentSize(96, 64);
  const shape = [BATCH, folder.vae.latentChannels, size.height, size.width] as const;
  const request = {
    batch: BATCH,
    size,
    schedule: schedule(folder.scheduler, { steps: 2, imageTokens: size.tokens }),
    guidance: 3.5,
    textTokens: TEXT_TOKENS,
    latents: packLatents(noise('torch', { seed: 3, shape, dtype: 'f32' }), shape),
  };
  const host = async (array: { toHost(): Promise<Uint8Array<ArrayBuffer>> }) =>
    new Float32Array((await array.toHost()).buffer);
  using conditioning = await encoders.encode(runtime, [{ prompt: 'green hills', prompt2: 'the sea' }], {
    pass: 1,
    maxSequenceLength: TEXT_TOKENS,
  });
  const steps: Float32Array[] = [];
  for await (const state of transformer.denoise(runtime, conditioning, request)) steps.push(await host(state.latents));
  return { text: await host(conditioning.sequence), steps };
}

describe('equals one device', () => {
  let one: ReturnType<typeof latents> | undefined;
  /** Computed once, by the first to ask. */
  async function expected() {
    one ??= (async () => {
      await using runtime = await open({}, 1);
      return await latents(runtime);
    })();
    return one;
  }

  const cases: [string, MeshOptions['ici'], number][] = [
    ['data parallel', { data: 4 }, 4],
    ['FSDP', { data: 1, fsdp: -1 }, 4],
    ['tensor parallel, 2 heads over 2', { data: 2, tensor: 2 }, 4],
    ['tensor parallel, 2 heads over 4', { tensor: 4 }, 4],
    ['context parallel by heads', { data: 2, context: 2 }, 4],
    ['context parallel by queries, as 2 heads are not divided by 4', { context: 4 }, 4],
    ['data × FSDP × tensor', { data: 2, fsdp: 2, tensor: 2 }, 8],
    ['FSDP × context × tensor', { fsdp: 2, context: 2, tensor: 2 }, 8],
  ];
  for (const [name, ici, devices] of cases) {
    test(name, async () => {
      const { text, steps } = await expected();
      await using runtime = await open(ici, devices);
      const found = await latents(runtime);
      assertClose('text', found.text, text, { maxRelative: 1e-4 });
      assert.equal(found.steps.length, steps.length);
      for (const [i, state] of found.steps.entries())
        assertClose(`latents after step ${i + 1}`, state, steps[i]!, { maxRelative: 1e-4 });
    });
  }
});

describe('placement', () => {
  const folder = openPipelineFolder(FLUX1, RANDOM, { openFile: openMapped });
  const { layers, singleLayers } = folder.transformer;
  const sizes = { batch: 4, prompts: 1, imageTokens: 16, textTokens: 16, steps: 1, ...TYPES };
  const parts = fluxPrograms(folder.transformer, sizes);
  const uses = Object.entries(parts).flatMap(([name, traced]) =>
    name.startsWith('double')
      ? blocks(traced, 'double_blocks', layers)
      : name.startsWith('single')
        ? blocks(traced, 'single_blocks', singleLayers)
        : [whole(traced)],
  );

  /** Bytes of all weights on every device, and whether each weight comes back as it is in the file. */
  async function place(ici: MeshOptions['ici']): Promise<{ placed: number; perDevice: number[] }> {
    await using runtime = await open(ici, 4);
    await using single = await open({}, 1);
    using weights = new WeightSet(originOf(folder, 'transformer'), uses);
    using reference = new WeightSet(originOf(folder, 'transformer'), uses);
    const perDevice = [0, 0, 0, 0];
    for (const use of uses) {
      const expected = await reference.arrays(single, use);
      for (const [i, array] of (await weights.arrays(runtime, use)).entries()) {
        array.arrays.forEach((part, d) => {
          perDevice[d]! += part.byteLength;
        });
        // What is side by side is dealt out: the same values in another order.
        const sorted = async (a: typeof array) => new Float32Array((await a.toHost()).buffer).sort();
        assert.deepEqual(await sorted(array), await sorted(expected[i]!), use.traced.weights[i]!.name);
      }
    }
    return { placed: runtime.placed.bytes, perDevice };
  }

  test('under FSDP no byte is placed twice, under DDP every device has all', async () => {
    const all = await place({ data: 4 });
    const total = all.perDevice[0]!;
    assert.deepEqual(all.perDevice, [total, total, total, total]);
    assert.equal(all.placed, 4 * total);
    const shared = await place({ fsdp: 4 });
    const norms = uses.flatMap(({ traced }) => traced.weights).filter(({ axes }) => !axes.includes('embed'));
    const replicated = norms.reduce((sum, { shape }) => sum + 4 * shape.reduce((n, d) => n * d, 1), 0);
    assert.deepEqual(new Set(shared.perDevice).size, 1);
    assert.equal(shared.placed, total - replicated + 4 * replicated);
    assert.equal(shared.placed, shared.perDevice[0]! * 4);
  });

  test('tensor parallel deals out heads and hidden units', async () => {
    const { perDevice } = await place({ tensor: 2, fsdp: 2 });
    assert.deepEqual(new Set(perDevice).size, 1);
  });
});

describe('what moves between devices in a block', () => {
  const cfg = { ...FLUX_DEV, heads: 4, headDim: 16, axesDimsRope: [4, 4, 8] as const };
  const sizes = { batch: 4, prompts: 1, imageTokens: 64, textTokens: 32, steps: 1 };
  const parts = fluxPrograms(cfg, { ...sizes, compute: 'bf16', storage: 'bf16' });

  async function moved(ici: MeshOptions['ici']) {
    await using runtime = await open(ici, 4);
    const of = async (traced: typeof parts.doubleBlock) => {
      const executable = (await runtime.compile(traced)).executables[0]!;
      return { moved: collectives(executable), memory: executable.memoryStats()! };
    };
    return { double: await of(parts.doubleBlock), single: await of(parts.singleBlock) };
  }
  const kinds = (list: readonly Collective[]) => [...new Set(list.map(({ kind }) => kind))].sort();
  /** Values moved, each of a combined collective counted. */
  const count = (list: readonly Collective[], kind: string) =>
    list.filter((c) => c.kind === kind).reduce((sum, { shapes }) => sum + shapes.length, 0);

  test('data parallel: nothing', async () => {
    const { double, single } = await moved({ data: 4 });
    assert.deepEqual([double.moved, single.moved], [[], []]);
  });

  test('FSDP: its own weights, once, and no activations; arguments are a share', async () => {
    const { double, single } = await moved({ fsdp: 4 });
    for (const [block, traced] of [
      [double, parts.doubleBlock],
      [single, parts.singleBlock],
    ] as const) {
      const shared = traced.weights.filter(({ axes }) => axes.includes('embed'));
      const elements = (list: typeof shared) => list.reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0);
      assert.deepEqual(kinds(block.moved), ['all-gather']);
      assert.equal(
        block.moved.reduce((n, c) => n + c.elements, 0),
        elements(shared),
      );
      const inputs = traced.graph.parameters.slice(0, traced.inputs.length);
      const tables = 2 * 4 * 96 * 8;
      const activations = inputs
        .filter(({ dtype }) => dtype === 'bf16')
        .reduce((n, p) => n + 2 * p.shape.reduce((a, b) => a * b, 1), 0);
      const replicated = elements(traced.weights.filter((weight) => !shared.includes(weight)));
      const weights = block.memory.arguments - tables - activations / 4;
      const share = 2 * (elements(shared) / 4 + replicated);
      assert.ok(Math.abs(weights - share) <= 0.01 * share, `${weights} bytes of weights, expected ${share}`);
    }
  });

  test('tensor parallel: two all-reduces for each stream of tokens, one where both paths end together', async () => {
    const { double, single } = await moved({ tensor: 4 });
    assert.deepEqual([kinds(double.moved), kinds(single.moved)], [['all-reduce'], ['all-reduce']]);
    assert.equal(count(double.moved, 'all-reduce'), 4);
    assert.equal(count(single.moved, 'all-reduce'), 1);
  });

  test('context parallel: queries, keys and values to their heads, and what was attended back', async () => {
    const { double, single } = await moved({ context: 4 });
    assert.deepEqual([kinds(double.moved), kinds(single.moved)], [['all-to-all'], ['all-to-all']]);
    assert.equal(double.moved.length, 8);
    assert.equal(single.moved.length, 4);
  });
});

describe('pictures', () => {
  const SMALL = {
    prompt: 'a blue sailboat on the ocean',
    width: 64,
    height: 64,
    steps: 2,
    maxSequenceLength: 32,
  } as const;

  async function make(options: LoadOptions, request: Request): Promise<{ images: Image[]; warnings: string[] }> {
    await using flux = await Flux.load(RANDOM, { device: 'cpu', dtype: 'f32', ...options });
    const images: Image[] = [];
    const warnings: string[] = [];
    for await (const event of flux.stream(request)) {
      if (event.type === 'image') images.push(event.image);
      if (event.type === 'warning') warnings.push(event.message);
    }
    return { images, warnings };
  }
  function assertSame(found: readonly Image[], expected: readonly Image[]): void {
    assert.deepEqual(
      found.map(({ seed }) => seed),
      expected.map(({ seed }) => seed),
    );
    for (const [i, image] of found.entries()) {
      const worst = image.data.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[i]!.data[at]!)), 0);
      assert.ok(worst <= 1, `picture ${i} differs by ${worst}`);
    }
  }

  test('8 devices, batch 8: 8 different pictures, those of 8 single runs; fewer leave places empty', async () => {
    const seeds = Array.from({ length: 8 }, (_, i) => 40 + i);
    const single = await make({}, { ...SMALL, seed: seeds });
    await using flux = await Flux.load(RANDOM, {
      device: 'cpu',
      dtype: 'f32',
      cpuDevices: 8,
      mesh: { ici: { data: -1 } },
    });
    assert.equal(flux.device, '8 × cpu');
    assertSame(await flux.generate({ ...SMALL, seed: 40, batch: 8 }), single.images);
    assert.equal(new Set(single.images.map(({ data }) => Buffer.from(data).toString('base64'))).size, 8);
    assertSame(await flux.generate({ ...SMALL, seed: 41, batch: 1 }), single.images.slice(1, 2));
    assertSame(await flux.generate({ ...SMALL, seed: [42, 45], batch: 3, preview: 'step' }), single.images.slice(2));
  });

  test('a batch that does not fill the devices is told, encoders stay or go, and jax noise is one draw', async () => {
    const request = { ...SMALL, seed: 5, batch: 3, noise: 'jax' } as const;
    const one = await make({}, request);
    for (const offloadEncoders of [true, false]) {
      const mesh = { ici: { data: 2, fsdp: 2 } };
      const four = await make({ cpuDevices: 4, mesh, offloadEncoders }, request);
      assertSame(four.images, one.images);
      assert.match(four.warnings.join(), /3 pictures for 4 slots: 1 slot runs empty/);
    }
  });

  test('LoRAs are merged and stand beside on every part', async () => {
    const d = 192;
    const draw = drawer(3);
    const [qkv, proj, last] = [
      'double_blocks_0_img_attn_qkv',
      'single_blocks_1_linear2',
      'final_layer_adaLN_modulation_1',
    ].map((name) => `lora_unet_${name}`);
    // A magnitude over all columns of a fused layer, one of the exchanged halves, and a product of products: differences of weights.
    const differences = loraFile({
      [`${qkv}.lora_down.weight`]: draw(2, d), [`${qkv}.lora_up.weight`]: draw(3 * d, 2), [`${qkv}.dora_scale`]: draw(1, d),
      [`${last}.lora_down.weight`]: draw(2, d), [`${last}.lora_up.weight`]: draw(2 * d, 2), [`${last}.dora_scale`]: draw(2 * d),
      [`${proj}.hada_w1_a`]: draw(d, 17), [`${proj}.hada_w1_b`]: draw(17, 5 * d), [`${proj}.hada_w2_a`]: draw(d, 17),
      [`${proj}.hada_w2_b`]: draw(17, 5 * d),
    }); // biome-ignore format: one module a line
    const loras = [
      { path: repositoryPath('models/tiny-lora'), scale: 0.8 },
      { path: differences, scale: 0.05 },
    ];
    const request = { ...SMALL, seed: 2, batch: 2, loras };
    const tiny = async (options: LoadOptions) => {
      await using flux = await Flux.load('tiny', { device: 'cpu', dtype: 'f32', ...options });
      return await flux.generate(request);
    };
    const one = await tiny({ loraMode: 'merged' });
    const mesh = { ici: { fsdp: 2, tensor: 2 } };
    for (const loraMode of ['merged', 'beside'] as const)
      assertSame(await tiny({ loraMode, cpuDevices: 4, mesh }), one);
  });

  test('what cannot be is refused before the weights are looked at', async () => {
    const refused = (options: LoadOptions, message: RegExp) =>
      assert.rejects(Flux.load(RANDOM, { device: 'cpu', ...options }), { code: 'bad_config', message });
    await refused({ mesh: { ici: { data: 4 } } }, /asks for 4 devices, and there is 1$/);
    await refused({ cpuDevices: 4, mesh: { ici: { data: 3 } } }, /asks for 3 devices, and there are 4$/);
    await refused({ mesh: { rules: [['embed', 'model']] } }, /no mesh axis 'model'/);
    await refused({ cpuDevices: 2, device: 'cuda' }, /2 CPU devices were requested, but the device is cuda/);
  });
});

describe("MaxDiffusion's command lines", () => {
  const words = (line: string, ...more: string[]) => [
    'generate',
    ...line.split(' '),
    `pretrained_model_name_or_path=${RANDOM}`,
    'prompt=A serene mountain landscape at sunset',
    'resolution=64',
    'cpu_devices=4',
    'jax_cache_dir=cache',
    '--json',
    ...more,
  ];

  test('DDP and FSDP make one picture on each device', async () => {
    using folder = temporaryFolder();
    const made: string[] = [];
    for (const [run, line] of [
      ['ddp', 'base_flux_schnell.yml run_name=flux_ddp ici_data_parallelism= 4'],
      [
        'fsdp',
        'base_flux_schnell.yml run_name=flux_fsdp per_device_batch_size= 1 ici_data_parallelism= 1 ici_fsdp_parallelism= -1 offload_encoders=False',
      ],
    ] as const) {
      const { status, stdout, stderr } = await fluxion(words(line, `output_dir=${run}/`), { cwd: folder.path });
      assert.equal(status, 0, stderr);
      const report = JSON.parse(stdout) as { device: string; files: { path: string; seed: number }[] };
      assert.equal(report.device, '4 × cpu');
      assert.deepEqual(
        report.files.map(({ seed }) => seed),
        [0, 1, 2, 3],
      );
      made.push(...report.files.map(({ path }) => path));
    }
    assert.equal(new Set(made).size, 8);
    for (const i of [0, 3]) {
      const { psnr, identical } = await comparePictures(
        readFileSync(folder.file(made[i]!)),
        readFileSync(folder.file(made[i + 4]!)),
      );
      assert.ok(identical || psnr! > 30, `picture ${i} of FSDP is ${psnr} dB from that of DDP`);
    }
  });

  test('devices that are not there are refused with the arithmetic', async () => {
    using folder = temporaryFolder();
    const line = words('base_flux_dev.yml ici_data_parallelism= 4').filter((word) => word !== 'cpu_devices=4');
    const { status, stderr, stdout } = await fluxion(line, { cwd: folder.path });
    assert.equal(status, 2, stderr);
    assert.match(stdout + stderr, /ici_data_parallelism=4 × .* asks for 4 devices, and there is 1/);
  });
});
