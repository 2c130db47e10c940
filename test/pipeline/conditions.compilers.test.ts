/**
 * FLUX.1 models that take pictures, at 1024² with 512 text tokens: what the real compilers for a TPU slice and a GPU that are not here
 * make of one step and of encoding a picture. Answers are kept in the cache folder, and a second run of the tests repeats them.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AheadRun, compileRun, type LoadOptions, type Request } from '../../src/index.ts';
import type { StageName } from '../../src/models/programs.ts';
import { findPlugin } from '../../src/xla.ts';

const MIB = 2 ** 20;
const [width, height] = [1024, 1024];
const PICTURE = { width, height, data: new Uint8Array(width * height * 3).fill(128) };
const PROMPT = { prompt: 'make it blue' } as const;

/** Compiled with the least effort. */
function compiled(
  model: string,
  target: string,
  request: Omit<Request, 'prompt'>,
  options: LoadOptions & { readonly stages?: readonly StageName[] } = {},
): Promise<AheadRun> {
  return compileRun(model, { ...PROMPT, ...request }, { target, stages: ['step'], quick: true, ...options });
}

const missing = (device: 'tpu' | 'cuda'): string | false =>
  findPlugin(device) ? false : `the plugin for ${device} is not installed: fluxion plugins install ${device}`;

/** Checks that a run fits with its transformer in place, and that both kinds of blocks have the kernel, over all tokens. */
function checkBlocks(run: AheadRun, kernel: string, heads: string): void {
  assert.ok(run.fits && run.tooLarge.length === 0, JSON.stringify(run.stages));
  assert.ok(run.transformer === 'kept' || run.transformer === 'yields', run.transformer);
  const blocks = run.programs.filter(({ name }) => /_(double|single)_block$/.test(name));
  assert.equal(blocks.length, 2);
  for (const { name, attention } of blocks) {
    assert.deepEqual(attention.map((choice) => choice.kernel), [kernel], name); // biome-ignore format: a check
    assert.ok(attention[0]!.why.includes(heads), attention[0]!.why);
  }
}

/** Operations of a step with 4096 tokens more than the 74.4 TFLOP of one without: 2 for each weight that they meet, and 8704² scores, not 4608². */
function checkFlops(run: AheadRun, pictures: number): void {
  const flops = run.programs.reduce((sum, { runs, flops }) => sum + runs * flops, 0);
  const expected = pictures * (59.5e12 * (8704 / 4608) + 14.87e12 * (8704 / 4608) ** 2);
  assert.ok(Math.abs(flops / expected - 1) < 0.03, `${flops} FLOP, not ${expected}`);
}

describe('a reference of Kontext, of as many tokens as the picture', { skip: missing('tpu') }, () => {
  test('v6e:2x2, a picture a chip', async () => {
    const mesh = { ici: { data: 4 } };
    const run = await compiled('FLUX.1-Kontext-dev', 'v6e:2x2', { referenceImage: PICTURE, batch: 4 }, { mesh });
    checkBlocks(run, 'splash', 'bf16[1, 24, 8704, 128] by 8704 keys');
    checkFlops(run, 1);
    assert.deepEqual(run.programs.flatMap(({ collectives }) => collectives), []); // biome-ignore format: a check
  });

  test('v6e:2x2, one picture over four chips, reference and all', async () => {
    const mesh = { ici: { data: 1, context: 4 } };
    const run = await compiled('FLUX.1-Kontext-dev', 'v6e:2x2', { referenceImage: PICTURE }, { mesh });
    checkBlocks(run, 'splash', 'bf16[1, 6, 8704, 128] by 8704 keys');
    checkFlops(run, 1 / 4);
    const join = run.programs.find(({ name }) => name === 'flux_join')!;
    // A quarter of 8704 tokens of 3072 numbers in bf16.
    assert.equal(join.outputs, (8704 / 4) * 3072 * 2);
  });
});

describe('pictures on an H200', { skip: missing('cuda') }, () => {
  test('a reference of Kontext, and the picture itself', async () => {
    const request = { referenceImage: PICTURE };
    const run = await compiled('FLUX.1-Kontext-dev', 'h200', request, { stages: ['pictures', 'step'] });
    checkBlocks(run, 'cudnn', 'bf16[1, 24, 8704, 128] by 8704 keys');
    const { pictures, denoise } = Object.fromEntries(run.stages.map((stage) => [stage.stage, stage]));
    assert.ok(pictures!.total < 25 * 1024 * MIB && denoise!.total < 24 * 1024 * MIB, JSON.stringify(run.stages));
  });

  test('encoded in bands, and the largest values but those of attention are small', async () => {
    const request = { referenceImage: PICTURE };
    const { programs } = await compiled('kontext', 'h200', request, { stages: ['pictures'], vaeTiling: 'on' });
    assert.equal(programs.length, 12);
    for (const { name, temporaries } of programs)
      if (!name.startsWith('vae_attention')) assert.ok(temporaries < 64 * MIB, `${name}: ${temporaries} bytes`);
  });

  test('channels of Fill and Canny, beside blocks that are those of dev', async () => {
    const runs = [
      await compiled('FLUX.1-Fill-dev', 'h200', { image: PICTURE, maskImage: PICTURE }),
      await compiled('FLUX.1-Canny-dev', 'h200', { controlImage: PICTURE }),
    ];
    const given = runs.map((run) => {
      checkBlocks(run, 'cudnn', 'bf16[1, 24, 4608, 128] by 4608 keys');
      return run.programs.find(({ name }) => name === 'flux_img_in')!.arguments;
    });
    // Tokens in f32, a matrix and its bias in bf16.
    assert.deepEqual(given, [384, 128].map((channels) => 4096 * channels * 4 + 3072 * (channels + 1) * 2)); // biome-ignore format: a list
  });
});
