/** Pictures of every sampler and schedule against diffusers, its scheduler replaced, and what must hold of them besides. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { Request } from '../../src/api/request.ts';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { Transformer } from '../../src/pipeline/denoise.ts';
import { TextEncoders } from '../../src/pipeline/encode.ts';
import { Flux } from '../../src/pipeline/flux.ts';
import type { ModelTypes } from '../../src/pipeline/model-types.ts';
import { generatorOf } from '../../src/sampling/generator.ts';
import { latentSize, packLatents } from '../../src/sampling/latents.ts';
import { SAMPLERS, type SamplerName } from '../../src/sampling/samplers/by-name.ts';
import { type Spacing, schedule } from '../../src/sampling/schedule.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { openMapped, Runtime } from '../../src/xla/runtime/runtime.ts';
import { assertClose, assertImagesClose } from '../support/close.ts';
import { Fixture, repositoryPath } from '../support/fixture.ts';

interface Case {
  readonly name: string;
  /** A sampler, or diffusers' stochastic Euler, which is LCM. */
  readonly sampler: SamplerName | 'euler_stochastic';
  readonly steps: number;
  readonly spacing: Spacing;
  readonly height: number;
  readonly width: number;
  /** Before the shift. */
  readonly sigmas: readonly number[] | null;
  /** One after the other. */
  readonly seeds: readonly number[];
  readonly prompt: string;
  readonly max_sequence_length: number;
  readonly image?: string;
  readonly mask_image?: string;
  readonly strength?: number;
}

const { cases } = JSON.parse(readFileSync(repositoryPath('test/fixtures/samplers/cases.json'), 'utf8')) as {
  cases: readonly Case[];
};
const TYPES: ModelTypes = { compute: 'f32', storage: 'f32' };
const LATENTS = { maxRelative: 1e-3, p99: 2e-4 };
const samplerOf = ({ sampler }: Case): SamplerName => (sampler === 'euler_stochastic' ? 'lcm' : sampler);

describe('latents after every evaluation', () => {
  const folder = openPipelineFolder(FLUX1, repositoryPath('models/tiny'), { openFile: openMapped });
  const models = new AsyncDisposableStack();
  let runtime: Runtime;
  let encoders: TextEncoders;
  let transformer: Transformer;
  before(async () => {
    runtime = models.use(await Runtime.open({ device: 'cpu' }));
    encoders = models.use(new TextEncoders(folder, TYPES));
    transformer = models.use(new Transformer(folder, TYPES));
  });
  after(() => models.disposeAsync());

  for (const given of cases.filter(({ image }) => image === undefined)) {
    test(given.name, async () => {
      using recorded = new Fixture(given.name, 'samplers');
      const sampler = samplerOf(given);
      const size = latentSize(given.width, given.height);
      const { steps, spacing, sigmas, prompt, max_sequence_length: textTokens } = given;
      const asked = { imageTokens: size.tokens, spacing, levels: SAMPLERS[sampler].levels };
      const times = schedule(folder.scheduler, { ...asked, steps, ...(sigmas && { sigmas }) });
      const evaluations = SAMPLERS[sampler].evaluations(times);
      const timesteps = Float32Array.from(evaluations, ({ timestep }) => timestep);
      assertClose('timesteps', timesteps, recorded.f32('timesteps'), { maxRelative: 1e-6 });

      const batch = given.seeds.length;
      const shape = [1, folder.vae.latentChannels, size.height, size.width] as const;
      const each = size.tokens * 64;
      const generators = given.seeds.map((seed) => generatorOf('torch', BigInt(seed)));
      const gather = (draw: (of: (typeof generators)[number]) => Float32Array) =>
        Float32Array.from(generators.flatMap((generator) => [...draw(generator)]));
      const latents = gather((generator) => packLatents(generator.normal(each, 'f32'), shape));
      assert.deepEqual(latents, recorded.f32('noise'), 'noise');

      using conditioning = await encoders.encode(runtime, [{ prompt, prompt2: prompt }], {
        pass: 1,
        maxSequenceLength: textTokens,
      });
      const draw = () => gather((generator) => generator.normal(each, 'f32'));
      const request = { batch, size, schedule: times, sampler, guidance: 3.5, latents, draw, textTokens };
      const states = recorded.f32('latents');
      const ends = [...evaluations.entries()].filter(([, { ends }]) => ends).map(([i]) => i);
      let made = 0;
      for await (const state of transformer.denoise(runtime, conditioning, request)) {
        const actual = new Float32Array((await state.latents.toHost()).buffer as ArrayBuffer);
        const at = ends[state.step - 1]! * actual.length;
        assertClose(`latents after step ${state.step}`, actual, states.subarray(at, at + actual.length), LATENTS);
        made++;
      }
      assert.equal(made, times.timesteps.length);
    });
  }
});

describe('pictures', () => {
  let flux: Flux;
  before(async () => {
    flux = await Flux.load('tiny', { device: 'cpu', weightsDtype: 'f32', activationsDtype: 'f32' });
  });
  after(() => flux.close());

  for (const given of cases) {
    test(given.name, async () => {
      using recorded = new Fixture(given.name, 'samplers');
      const { steps, spacing, sigmas, prompt, width, height, seeds } = given;
      const images = await flux.generate({
        prompt, width, height, steps, schedule: spacing, sampler: samplerOf(given), seed: seeds[0]!, batch: seeds.length,
        maxSequenceLength: given.max_sequence_length, guidance: 3.5, ...(sigmas && { sigmas }),
        ...(given.image && { image: repositoryPath(given.image), strength: given.strength! }),
        ...(given.mask_image && { maskImage: repositoryPath(given.mask_image) }),
      }); // biome-ignore format: one request
      const pixels = Uint8Array.from(images.flatMap(({ data }) => [...data]));
      assertImagesClose(given.name, pixels, recorded.u8('image'));
    });
  }

  const base: Request = { prompt: 'a lighthouse by the sea', width: 64, height: 64, steps: 4, seed: 11 };
  const one = async (request: Partial<Request>) => (await flux.generate({ ...base, ...request }))[0]!;

  test('a recipe names sampler and schedule where they are not the default ones, and makes the same bytes', async () => {
    for (const sampler of ['heun', 'dpmpp_2m', 'lcm', 'euler_ancestral'] as const) {
      const image = await one({ sampler, schedule: 'beta' });
      const { recipe } = image;
      assert.equal(recipe.sampler, sampler);
      assert.equal(recipe.schedule, 'beta');
      assert.equal(recipe.steps, 4);
      const again = await one({ sampler: recipe.sampler!, schedule: recipe.schedule!, seed: recipe.seed });
      assert.deepEqual(again.data, image.data, sampler);
    }
    const { recipe } = await one({ sampler: 'euler', schedule: 'default' });
    assert.ok(!('sampler' in recipe) && !('schedule' in recipe));
  });

  test('samplers differ from each other, and noise of a step from seed to seed', async () => {
    const made = await Promise.all(
      Object.keys(SAMPLERS).map(async (sampler) => (await one({ sampler: sampler as SamplerName })).data),
    );
    for (const [i, a] of made.entries()) for (const b of made.slice(i + 1)) assert.notDeepEqual(a, b);
  });

  test('a picture has the noise of its own generator in every slot and beside any other', async () => {
    for (const noise of ['torch', 'philox'] as const) {
      const request = { sampler: 'euler_ancestral', noise } as const;
      const together = await flux.generate({ ...base, ...request, batch: 3 });
      for (const [i, image] of together.entries()) {
        const alone = await one({ ...request, seed: 11 + i, ...(image.recipe.batch && { slot: image.recipe.batch }) });
        assert.deepEqual(alone.data, image.data, `${noise} ${i}`);
      }
    }
    const [first, second] = await flux.generate({ ...base, sampler: 'lcm', noise: 'jax', batch: 2 });
    assert.notDeepEqual(first!.data, second!.data);
    assert.deepEqual((await flux.generate({ ...base, sampler: 'lcm', noise: 'jax', batch: 2 }))[1]!.data, second!.data);
  });

  test('requests that wait share a batch only with the same sampler', async () => {
    const [heun, euler] = await Promise.all([one({ sampler: 'heun' }), one({ sampler: 'euler' })]);
    assert.equal(heun.recipe.batch, undefined);
    assert.equal(euler.recipe.batch, undefined);
  });

  test('Heun counts steps, not evaluations, and shows each step’s clean picture', async () => {
    const steps: number[] = [];
    let previews = 0;
    for await (const event of flux.stream({ ...base, sampler: 'heun', preview: 'step' })) {
      if (event.type !== 'step') continue;
      steps.push(event.step);
      assert.equal(event.steps, 4);
      previews += event.previews?.length ?? 0;
    }
    assert.deepEqual(steps, [1, 2, 3, 4]);
    assert.equal(previews, 4);
  });

  test('the first-block cache compares evaluations: at 0 it changes nothing, and at most it skips all but the first', async () => {
    const whole = await one({ sampler: 'heun', steps: 5 });
    const none = await one({ sampler: 'heun', steps: 5, cache: 'fbcache', threshold: 0 });
    assert.deepEqual(none.data, whole.data);
    const most = await one({ sampler: 'heun', steps: 5, cache: 'fbcache', threshold: 10 });
    assert.deepEqual(most.recipe.cache?.cachedSteps, [2, 3, 4, 5]);
  });

  test('given sigmas are spaced anew between their ends, which is said', async () => {
    const warnings: string[] = [];
    for await (const event of flux.stream({ ...base, sigmas: [1, 0.9, 0.2], schedule: 'karras' }))
      if (event.type === 'warning') warnings.push(event.message);
    assert.match(warnings.join(), /schedule=karras keeps the ends and the number of the given sigmas/);
  });
});
