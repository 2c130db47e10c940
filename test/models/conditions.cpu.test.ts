/**
 * The networks that take pictures on the CPU, against what diffusers and transformers computed for the same inputs
 * (tools/reference/record_condition_parts.py): ControlNets of each kind, SigLIP's vision tower and the Redux projector.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CONTROLNET } from '../../src/families/flux1/controlnet.ts';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { IMAGE_ENCODER } from '../../src/families/flux1/image-encoder.ts';
import { REDUX } from '../../src/families/flux1/redux.ts';
import {
  controlNetPrograms,
  controlTokens,
  hintProgram,
  residualOf,
  residualPrograms,
} from '../../src/models/controlnet.ts';
import { reduxProgram } from '../../src/models/redux.ts';
import { siglipPrograms } from '../../src/models/siglip.ts';
import { ropeTables } from '../../src/nn/rope.ts';
import { openExtra } from '../../src/weights/folders/extras.ts';
import { blocks, whole } from '../../src/weights/set.ts';
import { Runtime } from '../../src/xla/runtime/runtime.ts';
import { assertClose } from '../support/close.ts';
import { Component } from '../support/component.ts';
import { Fixture, repositoryPath } from '../support/fixture.ts';

/**
 * Largest errors, relative to the largest expected magnitude. The last bit of a frequency, times a guidance of 7000, is 1e-4 of an angle;
 * in bf16 one rounding is up to 4e-3 of a value.
 */
const MAX_RELATIVE = { f32: 2e-4, bf16: 5e-2 } as const;
const MODELS = repositoryPath('test/fixtures/conditions/models');

let runtime: Runtime;
before(async () => {
  runtime = await Runtime.open({ device: 'cpu' });
});
after(() => runtime[Symbol.asyncDispose]());

const fixture = new Fixture('condition-parts');
after(() => fixture[Symbol.dispose]());

type Name = keyof typeof MAX_RELATIVE;

function close(dtype: Name, key: string, actual: Float32Array | undefined): void {
  assert.ok(actual, `the program gives no ${key}`);
  assertClose(key, actual, fixture.f32(key), { maxRelative: MAX_RELATIVE[dtype] });
}

for (const dtype of ['f32', 'bf16'] as const) {
  describe(`in ${dtype}`, () => {
    const types = { compute: dtype, storage: dtype } as const;
    for (const [name, file] of [
      ['controlnet', 'controlnet'],
      ['controlnet-union', 'controlnet-union'],
      ['controlnet-xlabs', 'controlnet-xlabs'],
      ['controlnet-xlabs', 'controlnet-xlabs.safetensors'],
    ] as const) {
      test(file, () => controlNet(dtype, name, `${MODELS}/${file}`));
    }

    test('SigLIP and Redux', async () => {
      const folder = `${MODELS}/redux`;
      const encoder = openExtra(FLUX1, IMAGE_ENCODER, folder);
      const [batch] = fixture.shape('redux.in.pixels') as [number];
      const programs = siglipPrograms(encoder.config, { batch, ...types });
      const scope = 'vision_model.encoder.layers';
      const layers = blocks(programs.layer, scope, encoder.config.layers);
      using component = new Component(runtime, encoder.open(), [
        whole(programs.embed),
        ...layers,
        whole(programs.finalNorm),
      ]);
      const pixels = channelsLast(fixture.f32('redux.in.pixels'), fixture.shape('redux.in.pixels'));
      let { x } = await component.run(programs.embed, { pixels });
      close(dtype, 'redux.embeddings', x);
      for (const [i, use] of layers.entries()) {
        ({ x } = await component.run(use.traced, { x: x! }, use.scope));
        if (i === 0) close(dtype, 'redux.layer.0', x);
      }
      ({ x } = await component.run(programs.finalNorm, { x: x! }));
      close(dtype, 'redux.last_hidden_state', x);

      const projector = openExtra(FLUX1, REDUX, folder);
      const project = reduxProgram(projector.config, {
        batch,
        tokens: fixture.shape('redux.image_embeds')[1]!,
        ...types,
      });
      using redux = new Component(runtime, projector.open(), [whole(project)]);
      close(dtype, 'redux.image_embeds', (await redux.run(project, { x: x! }))['tokens']);
    });
  });
}

/** Runs a ControlNet, each picture with its own timestep. */
async function controlNet(dtype: Name, name: string, path: string): Promise<void> {
  const types = { compute: dtype, storage: dtype } as const;
  const recorded = (key: string) => fixture.f32(`${name}.in.${key}`);
  // A file does not tell how its small heads share their rotary channels.
  const known = openExtra(FLUX1, CONTROLNET, `${MODELS}/controlnet`).config;
  const net = openExtra(FLUX1, CONTROLNET, path, {}, known);
  const { config } = net;
  const [batch, imageTokens] = fixture.shape(`${name}.in.hidden_states`) as [number, number];
  const textTokens = fixture.shape(`${name}.in.encoder_hidden_states`)[1]!;
  const programs = controlNetPrograms(config, { batch, prompts: batch, imageTokens, textTokens, steps: 1, ...types });
  const [, , height = 0, width = 0] = fixture.shape(`${name}.in.controlnet_cond`);
  const hint = config.hintChannels === undefined ? undefined : hintProgram(config, { batch, height, width, ...types });
  const doubles = (traced: typeof programs.doubleBlock, prefix = 'double_blocks') =>
    blocks(traced, prefix, config.layers);
  const singles = (traced: typeof programs.doubleBlock, prefix = 'single_blocks') =>
    blocks(traced, prefix, config.singleLayers);
  using component = new Component(runtime, net.open(), [
    ...[programs.conditioning, programs.textIn, programs.imageIn, ...(hint ? [hint] : [])].map(whole),
    ...[programs.doubleModulation, programs.doubleBlock].flatMap((traced) => doubles(traced)),
    ...[programs.singleModulation, programs.singleBlock].flatMap((traced) => singles(traced)),
    ...doubles(programs.doubleHead, 'controlnet_blocks'),
    ...singles(programs.singleHead, 'controlnet_single_blocks'),
  ]);

  const vectors: Float32Array[] = [];
  for (let i = 0; i < batch; i++) {
    const { vec } = await component.run(programs.conditioning, {
      timesteps: Float32Array.of(recorded('timestep')[i]! * 1000),
      pooled: recorded('pooled_projections'),
      ...(config.guidanceEmbeds && { guidance: recorded('guidance').map((strength) => strength * 1000) }),
    });
    vectors.push(vec!.subarray((i * vec!.length) / batch, ((i + 1) * vec!.length) / batch));
  }
  const vec = Float32Array.from(vectors.flatMap((vector) => [...vector]));
  const first = recorded('txt_ids').subarray(0, 3 * controlTokens(config));
  const ids = Float32Array.of(...first, ...recorded('txt_ids'), ...recorded('img_ids'));
  const rope = { ...ropeTables(ids, config.axesDimsRope) };
  const given = recorded('controlnet_cond');
  const pixels = channelsLast(given, fixture.shape(`${name}.in.controlnet_cond`));
  const control = hint ? (await component.run(hint, { pixels }))['control']! : given;

  const scale = recorded('conditioning_scale');
  const mode = config.modes === undefined ? {} : { mode: fixture.i32(`${name}.in.controlnet_mode`) };
  let { txt } = await component.run(programs.textIn, { sequence: recorded('encoder_hidden_states'), ...mode });
  let { img } = await component.run(programs.imageIn, { latents: recorded('hidden_states'), control });
  for (let i = 0; i < config.layers; i++) {
    const scope = `double_blocks.${i}`;
    const { mod } = await component.run(programs.doubleModulation, { vec }, scope);
    ({ img, txt } = await component.run(programs.doubleBlock, { img: img!, txt: txt!, mod: mod!, ...rope }, scope));
    const { residual } = await component.run(programs.doubleHead, { img: img!, scale }, `controlnet_blocks.${i}`);
    close(dtype, `${name}.double.${i}`, residual);
  }
  let { x } = await component.run(programs.join, { img: img!, txt: txt! });
  for (let i = 0; i < config.singleLayers; i++) {
    const scope = `single_blocks.${i}`;
    const { mod } = await component.run(programs.singleModulation, { vec }, scope);
    ({ x } = await component.run(programs.singleBlock, { x: x!, mod: mod!, ...rope }, scope));
    const { residual } = await component.run(programs.singleHead, { x: x!, scale }, `controlnet_single_blocks.${i}`);
    close(dtype, `${name}.single.${i}`, residual);
  }
}

test('residuals are added to image tokens alone', async () => {
  const sizes = { batch: 2, imageTokens: 2, textTokens: 1, compute: 'f32' } as const;
  const { addToImage, addToJoint } = residualPrograms({ heads: 1, headDim: 1 }, sizes);
  const run = async (traced: typeof addToImage, inputs: Readonly<Record<string, Float32Array>>) => {
    using arrays = new DisposableStack();
    const program = await runtime.compile(traced);
    const given: Record<string, Awaited<ReturnType<Runtime['upload']>>> = {};
    for (const [i, name] of traced.inputs.entries()) {
      const { shape } = traced.graph.parameters[i]!;
      given[name] = arrays.use(await runtime.upload(inputs[name]!, 'f32', shape));
    }
    const [out] = Object.values(program.run(given, [])).map((array) => arrays.use(array));
    return [...new Float32Array((await out!.toHost()).buffer)];
  };
  const residual = Float32Array.of(10, 20, 30, 40);
  assert.deepEqual(await run(addToImage, { img: Float32Array.of(1, 2, 3, 4), residual }), [11, 22, 33, 44]);
  const x = Float32Array.of(1, 2, 3, 4, 5, 6);
  assert.deepEqual(await run(addToJoint, { x, residual }), [1, 12, 23, 4, 35, 46]);
});

test('residuals serve blocks in a row, or take turns', () => {
  assert.deepEqual(residualOf(5, 2, false), [0, 0, 0, 1, 1]);
  assert.deepEqual(residualOf(7, 3, false), [0, 0, 0, 1, 1, 1, 2]);
  assert.deepEqual(residualOf(5, 2, true), [0, 1, 0, 1, 0]);
  assert.deepEqual(residualOf(2, 5, false), [0, 1]);
  assert.deepEqual(residualOf(5, 0, true), []);
});

/** [b, c, h, w] to [b, h, w, c]; other shapes as they are. */
function channelsLast(x: Float32Array, shape: readonly number[]): Float32Array {
  if (shape.length !== 4) return x;
  const [b, c, h, w] = shape as [number, number, number, number];
  const out = new Float32Array(x.length);
  for (let i = 0; i < b; i++)
    for (let j = 0; j < c; j++)
      for (let k = 0; k < h * w; k++) out[(i * h * w + k) * c + j] = x[(i * c + j) * h * w + k]!;
  return out;
}
