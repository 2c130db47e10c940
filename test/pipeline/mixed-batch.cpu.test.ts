/**
 * A batch of pictures that have nothing in common but their size: prompts, guidance and LoRAs of their own, against each picture made alone.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { type DenoiseRequest, Transformer } from '../../src/pipeline/denoise.ts';
import { latentSize } from '../../src/sampling/latents.ts';
import { schedule } from '../../src/sampling/schedule.ts';
import type { ModelFloat } from '../../src/support/dtype.ts';
import { fromF32 } from '../../src/support/floats.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { LoraModel, loadAdapter } from '../../src/weights/lora/adapter.ts';
import { type Applied, Overlay, rankBucket } from '../../src/weights/lora/overlay.ts';
import { openMapped, Runtime } from '../../src/xla/runtime/runtime.ts';
import { compare } from '../support/close.ts';
import { repositoryPath } from '../support/fixture.ts';
import { drawer } from '../support/lora.ts';

const folder = openPipelineFolder(FLUX1, repositoryPath('test/fixtures/random-flux'), { openFile: openMapped });
const TEXT = 9;
const SIZE = latentSize(80, 48);
const STEPS = 2;

interface Picture {
  readonly pooled: Float32Array;
  readonly sequence: Float32Array;
  readonly latents: Float32Array;
  readonly guidance: number;
  readonly loras: readonly Applied[];
}

/** Largest difference from a picture made alone, of its largest value. */
const LIMITS: readonly (readonly [compute: ModelFloat, cpuDevices: number, limit: number])[] = [
  ['f32', 1, 1e-4],
  ['f32', 2, 1e-4],
  // bf16 has 8 bits, and other batches are other kernels.
  ['bf16', 1, 0.03],
];

for (const [compute, cpuDevices, limit] of LIMITS) {
  describe(`${compute}, ${cpuDevices} device(s)`, () => {
    let runtime: Runtime;
    let transformer: Transformer;
    let pictures: readonly Picture[];
    before(async () => {
      runtime = await Runtime.open({ device: 'cpu', cpuDevices });
      transformer = new Transformer(folder, { compute, storage: compute });
      const model = new LoraModel(FLUX1, transformer.weights.declared);
      const lora = (dialect: string) =>
        loadAdapter({ path: repositoryPath(`test/fixtures/lora/random-${dialect}.safetensors`) }, model);
      const [a, b] = [await lora('kohya'), await lora('xlabs')];
      const draw = drawer(7);
      const { pooledDim, jointAttentionDim, inChannels } = folder.transformer;
      const picture = (guidance: number, loras: readonly Applied[]): Picture => ({
        pooled: draw(1, pooledDim).data,
        sequence: draw(TEXT, jointAttentionDim).data,
        latents: draw(SIZE.tokens, inChannels).data,
        guidance,
        loras,
      });
      pictures = [
        picture(3.5, [{ adapter: a, scale: 1 }]),
        picture(1, []),
        picture(7, [
          { adapter: b, scale: -0.5 },
          { adapter: a, scale: 0.7 },
        ]),
        picture(0, [{ adapter: b, scale: 2 }]),
      ];
    });
    after(async () => {
      transformer[Symbol.dispose]();
      await runtime[Symbol.asyncDispose]();
    });

    /** Latents after the last step of each picture of a batch; one list of LoRAs may stand for all. */
    async function make(batch: readonly Picture[], loras: readonly (readonly Applied[])[]): Promise<Float32Array[]> {
      const overlay = new Overlay(loras, 'beside');
      const { pooledDim, jointAttentionDim, inChannels } = folder.transformer;
      const request: DenoiseRequest = {
        batch: batch.length,
        prompts: batch.length,
        size: SIZE,
        schedule: schedule(folder.scheduler, { steps: STEPS, imageTokens: SIZE.tokens, sigmas: undefined }),
        textTokens: TEXT,
        overlay,
        adapterRank: rankBucket(overlay.rank),
        guidance: batch.map(({ guidance }) => guidance),
        latents: joined(batch.map(({ latents }) => latents)),
      };
      using inputs = new DisposableStack();
      const input = async (shape: readonly number[], values: Float32Array) =>
        inputs.use(
          await runtime.place(
            { dtype: compute, shape, axes: ['activation_batch', ...shape.slice(1).map(() => null)] },
            (part) => part.take(fromF32(compute, values), compute),
          ),
        );
      const pooled = await input([batch.length, pooledDim], joined(batch.map((picture) => picture.pooled)));
      const sequence = await input(
        [batch.length, TEXT, jointAttentionDim],
        joined(batch.map((picture) => picture.sequence)),
      );
      let latents = new Float32Array();
      const conditioning = { pooled, sequence, warnings: [], [Symbol.dispose]() {} };
      for await (const step of transformer.denoise(runtime, conditioning, request))
        latents = new Float32Array((await step.latents.toHost()).buffer as ArrayBuffer);
      const each = SIZE.tokens * inChannels;
      return batch.map((_, i) => latents.subarray(i * each, (i + 1) * each));
    }

    test('is the pictures that are made alone', async () => {
      const together = await make(
        pictures,
        pictures.map(({ loras }) => loras),
      );
      for (const [i, picture] of pictures.entries()) {
        // Alone on several devices, a picture fills all their places.
        const [alone] = await make(
          Array.from({ length: cpuDevices }, () => picture),
          [picture.loras],
        );
        const { relMax } = compare(together[i]!, alone!);
        assert.ok(relMax <= limit, `picture ${i} differs by ${relMax} from the one made alone`);
        const [plain] = await make(
          Array.from({ length: cpuDevices }, () => ({ ...picture, guidance: 20 })),
          [[]],
        );
        assert.ok(
          compare(together[i]!, plain!).relMax > 2 * limit,
          `picture ${i} does not follow its guidance and LoRAs`,
        );
      }
    });
  });
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
