/**
 * The stages of the pipeline against diffusers, in f32 on the CPU plugin: embeddings, noise, every recorded step's velocity
 * and latents, and the picture.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { Autoencoder } from '../../src/pipeline/decode.ts';
import { Transformer } from '../../src/pipeline/denoise.ts';
import { TextEncoders } from '../../src/pipeline/encode.ts';
import type { ModelTypes } from '../../src/pipeline/model-types.ts';
import { latentSize, packLatents } from '../../src/sampling/latents.ts';
import { schedule } from '../../src/sampling/schedule.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { openMapped, Runtime } from '../../src/xla/runtime/runtime.ts';
import { assertClose, assertImagesClose } from '../support/close.ts';
import { Fixture, type ParityCase, parityCases, repositoryPath } from '../support/fixture.ts';
import { noise } from '../support/noise.ts';

const TYPES: ModelTypes = { compute: 'f32', storage: 'f32' };
const LATENTS = { maxRelative: 1e-3, p99: 2e-4 };

let runtime: Runtime;
before(async () => {
  runtime = await Runtime.open({ device: 'cpu' });
});
after(async () => {
  assert.deepEqual(liveCounts()['DeviceArray'] ?? 0, 0, 'device arrays alive after all models were disposed');
  await runtime[Symbol.asyncDispose]();
});

for (const model of new Set(parityCases().map((c) => c.model))) {
  describe(model, () => {
    const folder = openPipelineFolder(FLUX1, repositoryPath(model), { openFile: openMapped });
    const models = new DisposableStack();
    let encoders: TextEncoders;
    let transformer: Transformer;
    let autoencoder: Autoencoder;
    before(() => {
      encoders = models.use(new TextEncoders(folder, TYPES));
      transformer = models.use(new Transformer(folder, TYPES));
      autoencoder = models.use(new Autoencoder(folder, TYPES));
    });
    after(() => models.dispose());

    for (const given of parityCases().filter((c) => c.model === model)) {
      test(given.name, async () => {
        using recorded = new Fixture(given.name);
        for (const [p, prompt] of given.prompts.entries()) {
          await checkPrompt(given, recorded, p, { prompt, prompt2: given.prompts_2?.[p] ?? prompt });
        }
      });
    }

    async function checkPrompt(
      given: ParityCase,
      recorded: Fixture,
      p: number,
      text: { readonly prompt: string; readonly prompt2: string },
    ): Promise<void> {
      const batch = given.num_images_per_prompt;
      const size = latentSize(given.width, given.height);
      const sigmas = given.sigmas ?? undefined;
      const times = schedule(folder.scheduler, { steps: given.num_inference_steps, imageTokens: size.tokens, sigmas });
      assert.deepEqual(times.sigmas, recorded.f32('sigmas'), 'sigmas');

      const seeds = given.seeds.slice(p * batch, (p + 1) * batch);
      const shape = [batch, folder.vae.latentChannels, size.height, size.width] as const;
      const drawn = packLatents(noise('torch', { seed: seeds[0]!, shape, dtype: 'f32' }), shape);
      /** This prompt's part of a recorded tensor whose first dimension is all pictures. */
      const part = <T extends Float32Array | Uint8Array>(all: T, pictures = batch): T => {
        const each = all.length / (given.prompts.length * batch);
        return all.slice(p * batch * each, (p * batch + pictures) * each) as T;
      };
      assert.deepEqual(drawn, part(recorded.f32('noise')), 'noise');

      using conditioning = await encoders.encode(runtime, [text], {
        pass: 1,
        maxSequenceLength: given.max_sequence_length,
      });
      const host = async (array: { toHost(): Promise<Uint8Array> }) =>
        new Float32Array((await array.toHost()).buffer as ArrayBuffer);
      const expected = (name: string, count: number) => recorded.f32(name).slice(p * count, (p + 1) * count);
      const pooled = await host(conditioning.pooled);
      const sequence = await host(conditioning.sequence);
      assertClose('pooled', pooled, expected('pooled', pooled.length), { maxRelative: 1e-4 });
      assertClose('text', sequence, expected('text', sequence.length), { maxRelative: 1e-4 });

      const request = {
        batch,
        size,
        schedule: times,
        guidance: given.guidance_scale,
        latents: drawn,
        textTokens: given.max_sequence_length,
      };
      let final: Float32Array | undefined;
      for await (const state of transformer.denoise(runtime, conditioning, request)) {
        final = await host(state.latents);
        if (!given.recorded_steps.includes(state.step - 1)) continue;
        const velocity = await host(state.velocity);
        assertClose(
          `velocity of step ${state.step}`,
          velocity,
          part(recorded.f32(`velocity.${state.step - 1}`)),
          LATENTS,
        );
        assertClose(
          `latents after step ${state.step}`,
          final,
          part(recorded.f32(`latents.${state.step - 1}`)),
          LATENTS,
        );
      }
      const pixels: number[] = [];
      for await (const image of autoencoder.decode(runtime, final!, size)) {
        pixels.push(...Array.from(image, (value) => Math.round(value * 255)));
      }
      assertImagesClose('image', Uint8Array.from(pixels), part(recorded.u8('image')));
    }
  });
}
