/**
 * LoRAs of every dialect on a transformer of FLUX.1's shapes, one double and one single block, in f32 on the CPU plugin: against diffusers with
 * PEFT where it reads the file, else against plain arithmetic on the weights.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { FLUX1, type Flux1Source } from '../../src/families/flux1/flux1.ts';
import { Transformer } from '../../src/pipeline/denoise.ts';
import { latentSize } from '../../src/sampling/latents.ts';
import { type Adapter, LoraModel, loadAdapter } from '../../src/weights/lora/adapter.ts';
import { type ApplyMode, Overlay, rankBucket } from '../../src/weights/lora/overlay.ts';
import { Runtime } from '../../src/xla/runtime/runtime.ts';
import { assertClose, compare } from '../support/close.ts';
import { Fixture, repositoryPath } from '../support/fixture.ts';
import { draw, type FileNote, LoraFolder, WIDE, WideStore } from '../support/wide-flux.ts';

const TEXT = 8;
const { cases, files } = JSON.parse(readFileSync(repositoryPath('test/fixtures/lora-wide/cases.json'), 'utf8')) as {
  cases: readonly {
    readonly name: string;
    readonly source: 'diffusers' | 'arithmetic';
    readonly loras: readonly { readonly file: string; readonly scale: number }[];
  }[];
  files: Readonly<Record<string, FileNote>>;
};
/** Where merging is compared with standing beside as well; all others are as the default is, beside but for what is no low-rank product. */
const MERGED = ['kohya', 'three-mixed'];

const NEEDED = 8e9;
const scarce = process.availableMemory() < NEEDED && `${NEEDED / 1e9} GB of memory are not free here`;

describe('a transformer of real shapes', { skip: scarce }, () => {
  const open = new DisposableStack();
  const folder = open.use(new LoraFolder());
  const expected = open.use(new Fixture('../lora-wide/expected'));
  let runtime: Runtime;
  let transformer: Transformer;
  let model: LoraModel;
  before(async () => {
    runtime = await Runtime.open({ device: 'cpu' });
    const source = { family: FLUX1, transformer: WIDE, openWeights: () => new WideStore() } as unknown as Flux1Source;
    transformer = open.use(new Transformer(source, { compute: 'f32', storage: 'f32' }));
    model = new LoraModel(FLUX1, transformer.weights.declared);
  });
  after(async () => {
    open.dispose();
    await runtime[Symbol.asyncDispose]();
  });

  const adapters = new Map<string, Promise<Adapter>>();
  const load = (name: string): Promise<Adapter> => {
    const known =
      adapters.get(name) ?? loadAdapter({ path: folder.write(name, files[name]!) }, model, { strict: true });
    adapters.set(name, known);
    return known;
  };

  async function velocity(loras: (typeof cases)[number]['loras'], mode: ApplyMode): Promise<Float32Array> {
    const applied = await Promise.all(loras.map(async ({ file, scale }) => ({ adapter: await load(file), scale })));
    const overlay = new Overlay([applied], mode);
    using inputs = new DisposableStack();
    const upload = async (name: string, shape: readonly number[]) =>
      inputs.use(
        await runtime.upload(
          draw(
            name,
            1,
            0,
            0,
            shape.reduce((n, d) => n * d),
          ),
          'f32',
          shape,
        ),
      );
    const conditioning = {
      pooled: await upload('pooled', [1, WIDE.pooledDim]),
      sequence: await upload('text', [1, TEXT, WIDE.jointAttentionDim]),
      warnings: [],
      [Symbol.dispose]() {},
    };
    const size = latentSize(64, 64);
    const request = {
      batch: 1,
      size,
      schedule: { sigmas: Float32Array.of(0.8, 0), timesteps: Float32Array.of(800), mu: null },
      guidance: 3.5,
      latents: draw('latents', 1, 0, 0, size.tokens * WIDE.inChannels),
      textTokens: TEXT,
      overlay,
      adapterRank: rankBucket(overlay.rank),
    };
    for await (const step of transformer.denoise(runtime, conditioning, request))
      return new Float32Array((await step.velocity.toHost()).buffer as ArrayBuffer);
    assert.fail('no step was made');
  }

  test('without LoRAs', async () => {
    assertClose('velocity', await velocity([], 'beside'), expected.f32('plain'), { maxRelative: 1e-4 });
  });

  for (const { name, source, loras } of cases) {
    test(`${name}, as ${source} has it`, async () => {
      const wanted = expected.f32(name);
      const beside = await velocity(loras, 'beside');
      assertClose('velocity', beside, wanted, { maxRelative: 1e-4 });
      const moved = compare(wanted, expected.f32('plain')).relMax;
      if (loras.every(({ scale }) => scale === 0)) assert.equal(moved, 0);
      else assert.ok(moved > 0.02, `the LoRAs change the velocity by ${moved} only: the comparison shows nothing`);
      for (const { file } of loras) assert.equal((await load(file)).report.dialect, files[file]!.dialect);
      if (!MERGED.includes(name)) return;
      assertClose('velocity, merged', await velocity(loras, 'merged'), wanted, { maxRelative: 1e-4 });
    });
  }
});
