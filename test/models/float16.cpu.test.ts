/** Activations that overflow f16: blocks hold them at ±65504 as diffusers does, and T5 adds up in f32 as transformers does. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { fluxPrograms, positionTables } from '../../src/models/flux.ts';
import { t5Programs } from '../../src/models/t5.ts';
import { autoencoderTypes } from '../../src/pipeline/model-types.ts';
import { originOf } from '../../src/weights/folders/model-source.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { blocks, whole } from '../../src/weights/set.ts';
import { PLATFORMS } from '../../src/xla/lowering/platform.ts';
import { Runtime } from '../../src/xla/runtime/runtime.ts';
import { assertClose } from '../support/close.ts';
import { Component } from '../support/component.ts';
import { Fixture, repositoryPath } from '../support/fixture.ts';

const LIMIT = 65_504;
const [TEXT, ROWS, COLUMNS] = [6, 2, 4] as const;
const types = { compute: 'f16', storage: 'f16' } as const;
const folder = openPipelineFolder(FLUX1, repositoryPath('test/fixtures/random-flux'), { decoded: 'f16' });
let runtime: Runtime;
before(async () => {
  runtime = await Runtime.open({ device: 'cpu' });
});
after(() => runtime[Symbol.asyncDispose]());

test('blocks of the transformer clip where diffusers does', async () => {
  using fixture = new Fixture('float16-overflow');
  const config = folder.transformer;
  const image = ROWS * COLUMNS;
  const programs = fluxPrograms(config, {
    batch: 1,
    prompts: 1,
    imageTokens: image,
    textTokens: TEXT,
    steps: 1,
    ...types,
  });
  const uses = Object.entries(programs).flatMap(([name, traced]) =>
    name.startsWith('double')
      ? blocks(traced, 'double_blocks', config.layers)
      : name.startsWith('single')
        ? blocks(traced, 'single_blocks', config.singleLayers)
        : [whole(traced)],
  );
  using component = new Component(runtime, originOf(folder, 'transformer'), uses);
  const positions = Array.from({ length: image }, (_, i) => [0, Math.floor(i / COLUMNS), i % COLUMNS]).flat();
  const { cos, sin } = positionTables(config, [new Float32Array(3 * TEXT), Float32Array.from(positions)]);
  const [img, txt] = ['img', 'txt'].map((name) => fixture.f32(name));
  const joined = (a: Float32Array, b: Float32Array) => Float32Array.of(...a, ...b);

  const double = { img: img!, txt: txt!, cos, sin, mod: fixture.f32('double.mod') };
  const out = await component.run(programs.doubleBlock, double, 'double_blocks.0');
  compare('double', joined(out['txt']!, out['img']!), fixture.f32('double.out'));
  const single = { x: joined(txt!, img!), cos, sin, mod: fixture.f32('single.mod') };
  const { x } = await component.run(programs.singleBlock, single, 'single_blocks.0');
  compare('single', x!, fixture.f32('single.out'));
});

function compare(name: string, actual: Float32Array, expected: Float32Array): void {
  const clipped = [...expected.keys()].filter((i) => Math.abs(expected[i]!) === LIMIT);
  assert.ok(clipped.length > 20, `${name}: ${clipped.length} recorded values are at the limit`);
  assert.ok(
    actual.every((value) => Math.abs(value) <= LIMIT),
    `${name}: a value is out of range`,
  );
  assertClose(name, actual, expected, { maxRelative: 5e-3 });
}

test('T5 adds up in f32 what f16 could not hold', async () => {
  const programs = t5Programs(folder.t5, { batch: 1, tokens: 4, ...types });
  const uses = [programs.embed, programs.bias, programs.finalNorm].map(whole);
  const layers = blocks(programs.layer, 'encoder.block', folder.t5.layers);
  using component = new Component(runtime, originOf(folder, 't5'), [...uses, ...layers]);
  const x = Float32Array.from({ length: 4 * folder.t5.width }, (_, i) => (i % 7) * 100_000);
  const { bias } = await component.run(programs.bias, {});
  const out = (await component.run(programs.layer, { x, bias: bias! }, 'encoder.block.0'))['x']!;
  assertClose('x', out, x, { maxRelative: 1e-3 });
  const { sequence } = await component.run(programs.finalNorm, { x: out });
  assert.ok(sequence!.every(Number.isFinite));
});

test('the autoencoder is never f16', () => {
  for (const platform of Object.values(PLATFORMS)) assert.equal(autoencoderTypes(types, platform).compute, 'f32');
  assert.equal(autoencoderTypes({ compute: 'bf16', storage: 'bf16' }, PLATFORMS.cuda).compute, 'bf16');
});
