/** The first-block cache against diffusers' `FirstBlockCache`, in f32 on the CPU plugin: the steps it cuts short, and latents. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { Transformer } from '../../src/pipeline/denoise.ts';
import type { ModelTypes } from '../../src/pipeline/model-types.ts';
import { latentSize } from '../../src/sampling/latents.ts';
import { schedule } from '../../src/sampling/schedule.ts';
import { WeightStore } from '../../src/weights/files/store.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { openMapped, Runtime, type ShardedArray } from '../../src/xla/runtime/runtime.ts';
import { assertClose } from '../support/close.ts';
import { repositoryPath } from '../support/fixture.ts';

const TYPES: ModelTypes = { compute: 'f32', storage: 'f32' };
const FOLDER = 'test/fixtures/first-block-cache';

/** One recorded call, with the field names of its JSON file. */
interface CacheCase {
  readonly name: string;
  readonly model: string;
  readonly height: number;
  readonly width: number;
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  readonly max_sequence_length: number;
  readonly batch: number;
  readonly threshold: number;
  readonly recorded_steps: readonly number[];
  readonly cached_steps: readonly number[];
}

const { cases } = JSON.parse(readFileSync(repositoryPath(`${FOLDER}/cases.json`), 'utf8')) as { cases: CacheCase[] };

let runtime: Runtime;
before(async () => {
  runtime = await Runtime.open({ device: 'cpu' });
});
after(async () => {
  assert.deepEqual(liveCounts()['DeviceArray'] ?? 0, 0, 'device arrays alive after all models were disposed');
  await runtime[Symbol.asyncDispose]();
});

describe('diffusers skips the same steps and comes to the same latents', () => {
  for (const given of cases) {
    test(given.name, async () => {
      using recorded = WeightStore.open(repositoryPath(`${FOLDER}/${given.name}.safetensors`));
      const values = (name: string) => new Float32Array(recorded.bytes(name).slice().buffer);
      const folder = openPipelineFolder(FLUX1, repositoryPath(given.model), { openFile: openMapped });
      using transformer = new Transformer(folder, TYPES);
      const size = latentSize(given.width, given.height);
      const steps = given.num_inference_steps;
      const request = {
        batch: given.batch,
        size,
        schedule: schedule(folder.scheduler, { steps, imageTokens: size.tokens }),
        guidance: given.guidance_scale,
        latents: values('noise'),
        textTokens: given.max_sequence_length,
        cacheThreshold: given.threshold,
      };
      const upload = (name: string) => runtime.upload(values(name), 'f32', recorded.info(name).shape);
      using pooled: ShardedArray = await upload('pooled');
      using sequence = await upload('text');
      const conditioning = { pooled, sequence, warnings: [], [Symbol.dispose]: () => {} };
      const cached: number[] = [];
      let compared = 0;
      for await (const state of transformer.denoise(runtime, conditioning, request)) {
        if (state.cached) cached.push(state.step);
        if (!given.recorded_steps.includes(state.step - 1)) continue;
        compared++;
        const latents = new Float32Array((await state.latents.toHost()).buffer);
        const bounds = { maxRelative: 1e-3, p99: 2e-4 };
        assertClose(`latents after step ${state.step}`, latents, values(`latents.${state.step - 1}`), bounds);
      }
      assert.equal(compared, given.recorded_steps.length);
      assert.deepEqual(cached, given.cached_steps, 'steps cut short');
      assert.ok(cached.length > 0 && cached.length < steps, 'a case that shows something');
    });
  }
});
