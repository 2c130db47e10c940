/** LoRAs with the bundled model on the CPU plugin: exchanged without compiling, never mixed, in prompts, recipes and on the command line. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import {
  type Event,
  Flux,
  type Image,
  type LoraUse,
  type Report,
  type Request,
  readRecipe,
  recipeSlot,
} from '../../src/index.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { psnr } from '../support/close.ts';
import { repositoryPath } from '../support/fixture.ts';
import { loraFile } from '../support/lora.ts';
import { loraVariants } from '../support/lora-variants.ts';

const NIGHT = repositoryPath('models/tiny-lora');
const OTHER = repositoryPath('test/fixtures/lora/tiny-kohya.safetensors');
const PROMPT = 'a lighthouse by the sea at noon';
const SMALL = { prompt: PROMPT, width: 64, height: 64, steps: 4, seed: 7 } as const;

async function run(flux: Flux, request: Parameters<Flux['stream']>[0]) {
  const events: Event[] = [];
  for await (const event of flux.stream(request)) events.push(event);
  const images = events.flatMap((event) => (event.type === 'image' ? [event.image] : []));
  const done = events.at(-1)!;
  assert.ok(done.type === 'done');
  return { image: images[0]!, images, events, programs: done.report.programs };
}

const brightness = ({ data }: Image) => data.reduce((sum, value) => sum + value, 0) / data.length;
const worst = (a: Image, b: Image) =>
  a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);

const total = ({ compiled, fromCache }: Report['programs']) => compiled + fromCache;

let flux: Flux;
let plain: Image;
before(async () => {
  flux = await Flux.load('tiny', { device: 'cpu', dtype: 'f32', loraDir: repositoryPath('models') });
  plain = (await run(flux, SMALL)).image;
});
after(async () => {
  await flux[Symbol.asyncDispose]();
  assert.deepEqual(liveCounts(), {}, 'native objects alive after the model was disposed');
});

describe('LoRAs in force', () => {
  after(() => flux.loras.set([]));

  test('change the picture, and say what they matched', async () => {
    const [report] = await flux.loras.set([{ path: NIGHT }]);
    assert.deepEqual([report!.name, report!.dialect], ['tiny-lora', 'diffusers']);
    assert.deepEqual(report!.modules, { transformer: 49, clip: 0, t5: 0 });
    assert.deepEqual([report!.ranks, report!.unmatched.count], [[8], 0]);
    const { image, events } = await run(flux, SMALL);
    assert.ok(brightness(image) < 0.6 * brightness(plain), 'night is darker than noon');
    const told = events.find((event) => event.type === 'lora');
    assert.ok(told?.type === 'lora' && told.scale === 1 && told.lora.name === 'tiny-lora');
  });

  test('are exchanged, added, re-weighted and removed without compiling or placing weights', async () => {
    await flux.loras.set([{ path: NIGHT }]);
    const night = (await run(flux, SMALL)).image;
    // This one has a part for CLIP, which is merged by three small programs, one a shape of weight, at its first use.
    await flux.loras.set([{ path: OTHER }]);
    assert.equal(total((await run(flux, SMALL)).programs), 3);
    const sets: LoraUse[][] = [
      [{ path: OTHER }],
      [
        { path: NIGHT, scale: 0.6 },
        { path: OTHER, scale: 0.6 },
      ],
      [{ path: NIGHT, scale: -0.5 }],
      [{ path: NIGHT, scale: 0 }],
      [],
      [{ path: NIGHT }],
    ];
    const seen: Image[] = [];
    const counts: (number | undefined)[] = [];
    for (const loras of sets) {
      await flux.loras.set(loras);
      const { image, programs } = await run(flux, SMALL);
      assert.deepEqual(programs, { compiled: 0, fromCache: 0 }, JSON.stringify(loras));
      seen.push(image);
      counts.push(liveCounts()['DeviceArray']);
    }
    const [other, both, negative, zero, none, again] = seen;
    for (const image of [other, both, negative]) {
      assert.ok(worst(image!, plain) > 30 && worst(image!, night) > 30, 'each is a picture of its own');
    }
    assert.ok(worst(zero!, plain) <= 1, 'a scale of 0 is no LoRA');
    assert.deepEqual(none!.data, plain.data, 'what was removed leaves nothing');
    assert.deepEqual(again!.data, night.data, 'what comes back is the same');
    assert.ok(Math.max(...counts.map((count) => count!)) < 600, `arrays pile up: ${counts}`);
  });

  test('of more ranks than there is room for compile once, and the factors of fewer are freed', async () => {
    await flux.loras.set([{ path: NIGHT }]);
    await run(flux, SMALL);
    const few = liveCounts()['DeviceArray']!;
    const many = Array.from({ length: 3 }, (): LoraUse => ({ path: NIGHT, scale: 1 / 3 }));
    await flux.loras.set(many);
    const { image, programs } = await run(flux, SMALL);
    assert.ok(total(programs) > 0, 'three times rank 8 do not fit into 16');
    // Zeros of the new rank may have come to those of the old one.
    assert.ok(liveCounts()['DeviceArray']! <= few + 20, `${few} arrays became ${liveCounts()['DeviceArray']}`);
    await flux.loras.set([{ path: NIGHT }]);
    const once = await run(flux, SMALL);
    assert.equal(total(once.programs), 0, 'the larger room serves the smaller need');
    assert.ok(worst(once.image, image) <= 1, 'three thirds are one');
  });

  test('merged and beside are the same picture, in f32 and nearly so in bf16', async () => {
    for (const [dtype, least] of [
      ['f32', 50],
      ['bf16', 25],
    ] as const) {
      const made = [];
      for (const loraMode of ['merged', 'beside'] as const) {
        await using opened = await Flux.load('tiny', { device: 'cpu', dtype, loraMode });
        await opened.loras.set([
          { path: NIGHT, scale: 0.6 },
          { path: OTHER, scale: 0.6 },
        ]);
        made.push((await run(opened, { ...SMALL, noise: 'jax' })).image);
      }
      const decibels = psnr(made[0]!.data, made[1]!.data);
      assert.ok(decibels >= least, `${dtype}: PSNR ${decibels.toFixed(1)} dB`);
    }
  });

  test('are the same picture in whatever way a file is written', async () => {
    const variants = loraVariants(192).filter(({ name }) =>
      /diffusers saves|compiled blocks|a dot after|integers|fp8|f64|all types|convolutions|no ranks|zero/.test(name),
    );
    assert.equal(variants.length, 11);
    const request = { ...SMALL, width: 32, height: 32, steps: 1 };
    const bare = (await run(flux, request)).image;
    let first: Image | undefined;
    for (const { name, tensors, options } of variants) {
      const [report] = await flux.loras.set([{ path: loraFile(tensors, options), scale: 0.1 }]);
      assert.deepEqual(report!.unmatched, { count: 0, first: [] }, name);
      const { image } = await run(flux, request);
      first ??= image;
      assert.deepEqual(image.data, first.data, name);
    }
    assert.ok(worst(first!, bare) > 10, 'the LoRA changes the picture');
  });

  test('that cannot be loaded leave those before', async () => {
    await flux.loras.set([{ path: NIGHT }]);
    const night = (await run(flux, SMALL)).image;
    const broken = join(mkdtempSync(join(tmpdir(), 'fluxion-')), 'broken.safetensors');
    writeFileSync(broken, readFileSync(OTHER).subarray(0, 5000));
    const key = 'transformer.transformer_blocks.0.attn.to_q';
    const zeros = (rows: number, columns: number, fill = 0) => ({
      rows,
      columns,
      data: new Float32Array(rows * columns).fill(fill),
    });
    const pair = { [`${key}.lora_A.weight`]: zeros(2, 192), [`${key}.lora_B.weight`]: zeros(192, 2) };
    const lora_B = `${key}.lora_B.weight`;
    for (const [path, code, message] of [
      [broken, 'bad_file', /broken\.safetensors: header length 14456 is more than the 4992 bytes/],
      [
        loraFile({ ...pair, [lora_B]: zeros(128, 2) }),
        'bad_weights',
        /to_q\.lora_B\.weight: expected \[192, 2\], found \[128, 2\]/,
      ],
      [loraFile({ ...pair, [lora_B]: zeros(192, 2, Number.NaN) }), 'bad_file', /to_q\.lora_B\.weight: holds NaN/],
      [
        loraFile({ 'lora_unet_input_blocks_4_1_proj_in.lora_down.weight': zeros(2, 192) }),
        'unsupported',
        /Stable Diffusion/,
      ],
      [loraFile({ 'model.layers.0.q_proj.lora_A.weight': zeros(2, 192) }), 'bad_weights', /none of its 1 tensors/],
    ] as const) {
      await assert.rejects(flux.loras.set([{ path: OTHER }, { path }]), { code, message });
      await assert.rejects(run(flux, { ...SMALL, loras: [{ path }] }), { code, message });
    }
    await assert.rejects(flux.loras.set([{ path: NIGHT, scale: Number.NaN }]), { code: 'bad_request' });
    assert.deepEqual(
      flux.loras.current.map(({ lora, scale }) => [lora.name, scale]),
      [['tiny-lora', 1]],
    );
    assert.deepEqual((await run(flux, SMALL)).image.data, night.data);
  });
});

describe('LoRAs of a request', () => {
  /** A picture of a batch is the one that is made in its slot beside empty ones, to the byte. */
  async function assertSame(image: Image, request: Partial<Request>): Promise<void> {
    const slot = recipeSlot(image.recipe);
    const alone = await run(flux, { ...SMALL, ...request, ...(slot && { slot }) });
    assert.deepEqual(image.data, alone.image.data, JSON.stringify(request));
  }

  test('are those of their own request among requests at the same time', async () => {
    const uses: (readonly LoraUse[])[] = [
      [{ path: NIGHT }],
      [],
      [{ path: OTHER, scale: 0.6 }],
      [{ path: NIGHT, scale: 0.4 }],
    ];
    const together = await Promise.all(uses.map((loras) => run(flux, { ...SMALL, loras })));
    for (const [i, loras] of uses.entries()) {
      const alone = await run(flux, { ...SMALL, loras });
      const decibels = psnr(together[i]!.image.data, alone.image.data);
      assert.ok(decibels >= 45, `${JSON.stringify(loras)}: ${decibels} dB`);
      await assertSame(together[i]!.image, { loras });
    }
  });

  test('named in a prompt are taken out of it, each prompt its own', async () => {
    const prompt = [PROMPT, `${PROMPT} <lora:tiny-lora:0.8>`];
    const { images } = await run(flux, { ...SMALL, prompt });
    assert.ok(psnr(images[0]!.data, plain.data) >= 45);
    await assertSame(images[0]!, {});
    assert.equal(images[1]!.prompt, PROMPT);
    const { image } = await run(flux, { ...SMALL, loras: [{ path: NIGHT, scale: 0.8 }] });
    assert.ok(psnr(images[1]!.data, image.data) >= 45);
    await assertSame(images[1]!, { loras: [{ path: NIGHT, scale: 0.8 }] });
    assert.ok(psnr(images[1]!.data, plain.data) < 40, 'the LoRA has no effect');
    await assert.rejects(run(flux, { ...SMALL, prompt: 'x <lora:nope:1>' }), { code: 'not_found' });
  });

  test('are in the recipe of their pictures', async () => {
    const { image } = await run(flux, { ...SMALL, loras: [{ path: NIGHT, scale: 0.8, name: 'night/fall' }] });
    const { recipe, parameters } = readRecipe(await image.png(), 'picture');
    const [lora] = recipe!.loras!;
    assert.deepEqual([lora!.name, lora!.scale], ['night-fall', 0.8]);
    assert.match(parameters!, new RegExp(`Lora hashes: "night-fall: ${lora!.hash}"`));
    assert.equal(readRecipe(await plain.png(), 'picture').recipe!.loras, undefined);
  });
});

describe('on the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fluxion-lora-cli-'));
  const fluxion = async (...argv: string[]) => {
    const bin = repositoryPath('bin/fluxion.js');
    const { stdout } = await promisify(execFile)(process.execPath, [bin, ...argv], { cwd: folder, maxBuffer: 2 ** 24 });
    return stdout;
  };
  const small = [
    'width=64',
    'height=64',
    'num_inference_steps=4',
    'seed=7',
    'batch=1',
    'hardware=cpu',
    '--quiet',
    PROMPT,
  ];

  test('lora_config, --lora and a prompt make the same picture; redo makes it again', async () => {
    const lists = {
      lora_model_name_or_path: [NIGHT],
      weight_name: ['pytorch_lora_weights.safetensors'],
      adapter_name: ['tiny-lora'],
      scale: [0.8],
      from_pt: ['true'],
    };
    const config = (await fluxion('generate', ...small, `lora_config=${JSON.stringify(lists)}`)).trim();
    const flag = (await fluxion('generate', ...small, '--lora', `${NIGHT}:0.8`)).trim();
    const named = small.with(-1, `${PROMPT} <lora:tiny-lora:0.8>`);
    const prompt = (await fluxion('generate', ...named, `lora_dir=${repositoryPath('models')}`)).trim();
    const pictures = [config, flag, prompt].map((path) => readFileSync(join(folder, path)));
    assert.deepEqual(pictures[1], pictures[0]);
    assert.deepEqual(pictures[2], pictures[0]);
    const verdict = await fluxion('redo', flag, '--check', '--quiet', `lora_dir=${repositoryPath('models')}`);
    assert.match(verdict, /identical/);
    const without = (await fluxion('generate', ...small)).trim();
    assert.notDeepEqual(readFileSync(join(folder, without)), pictures[0]);
  });

  test('inspect explains a file without a model', async () => {
    const { lora } = JSON.parse(await fluxion('inspect', join(NIGHT, 'pytorch_lora_weights.safetensors'), '--json'));
    assert.deepEqual([lora.dialect, lora.modules.transformer, lora.ranks, lora.alphas], ['diffusers', 49, [8], [16]]);
    const { holds, lora: none } = JSON.parse(await fluxion('inspect', repositoryPath('models/tiny/vae'), '--json'));
    assert.deepEqual([typeof holds, none], ['string', undefined]);
  });

  test('the report says what was matched', async () => {
    const { loras } = JSON.parse(await fluxion('generate', '--json', ...small, '--lora', `${NIGHT}:0.5`));
    assert.equal(loras.length, 1);
    assert.deepEqual([loras[0].name, loras[0].scale, loras[0].modules.transformer], ['tiny-lora', 0.5, 49]);
  });
});
