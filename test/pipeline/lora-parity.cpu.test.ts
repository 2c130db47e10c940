/**
 * LoRAs against diffusers with PEFT, in f32 on the CPU plugin: one and several, in several dialects, at scales that are negative
 * or below 1, merged into the weights and beside them.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { Transformer } from '../../src/pipeline/denoise.ts';
import { TextEncoders } from '../../src/pipeline/encode.ts';
import { latentSize } from '../../src/sampling/latents.ts';
import { schedule } from '../../src/sampling/schedule.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { LoraModel, loadAdapter } from '../../src/weights/lora/adapter.ts';
import { type Applied, type ApplyMode, Overlay, rankBucket } from '../../src/weights/lora/overlay.ts';
import { openMapped, Runtime } from '../../src/xla/runtime/runtime.ts';
import { assertClose, compare } from '../support/close.ts';
import { Fixture, type ParityCase, repositoryPath } from '../support/fixture.ts';

interface LoraCase extends ParityCase {
  readonly loras: readonly { readonly path: string; readonly scale: number }[];
}

const TYPES = { compute: 'f32', storage: 'f32' } as const;
const { cases } = JSON.parse(readFileSync(repositoryPath('test/fixtures/lora/cases.json'), 'utf8')) as {
  cases: LoraCase[];
};

let runtime: Runtime;
before(async () => {
  runtime = await Runtime.open({ device: 'cpu' });
});
after(() => runtime[Symbol.asyncDispose]());

for (const path of new Set(cases.map(({ model }) => model))) {
  describe(path, () => {
    const folder = openPipelineFolder(FLUX1, repositoryPath(path), { openFile: openMapped });
    const models = new DisposableStack();
    let encoders: TextEncoders;
    let transformer: Transformer;
    let model: LoraModel;
    before(() => {
      encoders = models.use(new TextEncoders(folder, TYPES));
      transformer = models.use(new Transformer(folder, TYPES));
      model = new LoraModel(FLUX1, [...encoders.declared, ...transformer.weights.declared]);
    });
    after(() => models.dispose());

    for (const given of cases.filter((c) => c.model === path)) {
      test(given.name, async () => {
        using recorded = new Fixture(`../lora/${given.name}.recorded`);
        const applied = await Promise.all(
          given.loras.map(async (lora): Promise<Applied> => {
            const adapter = await loadAdapter({ path: repositoryPath(lora.path) }, model, { strict: true });
            return { adapter, scale: lora.scale };
          }),
        );
        const last = given.num_inference_steps - 1;
        const merged = await make(given, recorded, applied, 'merged');
        const beside = await make(given, recorded, applied, 'beside');
        for (const name of ['pooled', 'text', 'velocity.0', `latents.${last}`]) {
          const limits = name.startsWith('latents') ? { maxRelative: 1e-3 } : { maxRelative: 1e-4 };
          assertClose(`${name}, merged`, merged[name]!, recorded.f32(name), limits);
          assertClose(`${name}, beside`, beside[name]!, recorded.f32(name), limits);
        }
        const { relMax } = compare(beside['velocity.0']!, merged['velocity.0']!);
        assert.ok(relMax > 0 && relMax <= 1e-4, `merged and beside differ by ${relMax}`);

        const plain = await make(given, recorded, [], 'beside');
        const moved = compare(plain['velocity.0']!, recorded.f32('velocity.0')).relMax;
        assert.ok(moved > 0.02, `the LoRAs change the velocity by ${moved} only: the comparison shows nothing`);
      });
    }

    /** The tensors of a recorded case, calculated here. */
    async function make(
      given: LoraCase,
      recorded: Fixture,
      applied: readonly Applied[],
      mode: ApplyMode,
    ): Promise<Record<string, Float32Array>> {
      const overlay = new Overlay([applied], mode);
      const size = latentSize(given.width, given.height);
      const steps = given.num_inference_steps;
      const prompt = { prompt: given.prompts[0]!, prompt2: given.prompts[0]! };
      using conditioning = await encoders.encode(
        runtime,
        [prompt],
        { pass: 1, maxSequenceLength: given.max_sequence_length },
        {
          overlay: new Overlay([applied], 'merged'),
        },
      );
      const host = async (array: { toHost(): Promise<Uint8Array> }) =>
        new Float32Array((await array.toHost()).buffer as ArrayBuffer);
      const made: Record<string, Float32Array> = {
        pooled: await host(conditioning.pooled),
        text: await host(conditioning.sequence),
      };
      const request = {
        batch: 1,
        size,
        schedule: schedule(folder.scheduler, { steps, imageTokens: size.tokens, sigmas: undefined }),
        guidance: given.guidance_scale,
        latents: recorded.f32('noise'),
        textTokens: given.max_sequence_length,
        overlay,
        adapterRank: rankBucket(overlay.rank),
      };
      for await (const state of transformer.denoise(runtime, conditioning, request)) {
        made[`velocity.${state.step - 1}`] = await host(state.velocity);
        made[`latents.${state.step - 1}`] = await host(state.latents);
      }
      return made;
    }
  });
}
