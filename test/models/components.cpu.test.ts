/**
 * Every program of every model on the CPU, against what diffusers and transformers computed for the same inputs
 * (tools/reference/record_components.py), on the bundled model and on the random one.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FLUX1, type Flux1Source } from '../../src/families/flux1/flux1.ts';
import { clipPrograms, eosPosition } from '../../src/models/clip.ts';
import { fluxPrograms } from '../../src/models/flux.ts';
import { t5Programs } from '../../src/models/t5.ts';
import { vaePrograms } from '../../src/models/vae.ts';
import { ropeTables } from '../../src/nn/rope.ts';
import { packLatents } from '../../src/sampling/latents.ts';
import { originOf } from '../../src/weights/folders/model-source.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { blocks, whole } from '../../src/weights/set.ts';
import type { Traced } from '../../src/xla/graph/trace.ts';
import { Runtime } from '../../src/xla/runtime/runtime.ts';
import { assertClose } from '../support/close.ts';
import { Component, type HostInputs } from '../support/component.ts';
import { Fixture, repositoryPath } from '../support/fixture.ts';

/** Largest errors, relative to the largest expected magnitude; in bf16 one rounding is up to 4e-3 of a value. */
const MAX_RELATIVE = { f32: 1e-4, bf16: 4e-2 } as const;

let runtime: Runtime;
before(async () => {
  runtime = await Runtime.open({ device: 'cpu' });
});
after(() => runtime[Symbol.asyncDispose]());

interface Subject {
  readonly folder: Flux1Source;
  readonly fixture: Fixture;
  readonly types: { readonly compute: 'f32' | 'bf16'; readonly storage: 'f32' | 'bf16' };
  /** Compares with the recorded tensor of this name, laid out as the program gives it. */
  close(name: string, actual: Float32Array | undefined, lay?: (x: Float32Array) => Float32Array): void;
}

for (const [model, path] of [
  ['tiny', 'models/tiny'],
  ['random', 'test/fixtures/random-flux'],
] as const) {
  for (const dtype of ['f32', 'bf16'] as const) {
    describe(`the ${model} model in ${dtype}`, () => {
      const folder = openPipelineFolder(FLUX1, repositoryPath(path));
      const fixture = new Fixture(`components-${model}`);
      after(() => fixture[Symbol.dispose]());
      const parts = { CLIP: clip, T5: t5, transformer, 'VAE decoder': decoder, 'VAE encoder': encoder };
      for (const [name, run] of Object.entries(parts)) {
        test(name, async (t) => {
          const close: Subject['close'] = (key, actual, lay = (x) => x) => {
            assert.ok(actual, `the program gives no ${key}`);
            const { relMax } = assertClose(key, actual, lay(fixture.f32(key)), { maxRelative: MAX_RELATIVE[dtype] });
            t.diagnostic(`${key}: largest relative error ${relMax.toExponential(1)}`);
          };
          await run({ folder, fixture, types: { compute: dtype, storage: dtype }, close });
        });
      }
    });
  }
}

async function clip({ folder, fixture, types, close }: Subject): Promise<void> {
  const [batch, tokens] = fixture.shape('clip.in.ids') as [number, number];
  const programs = clipPrograms(folder.clip, { batch, tokens, ...types });
  const scope = 'text_model.encoder.layers';
  const uses = [whole(programs.embed), ...blocks(programs.layer, scope, folder.clip.layers), whole(programs.pool)];
  using component = new Component(runtime, originOf(folder, 'clip'), uses);
  const ids = fixture.i32('clip.in.ids');
  let { x } = await component.run(programs.embed, { ids });
  close('clip.embeddings', x);
  for (let i = 0; i < folder.clip.layers; i++) {
    ({ x } = await component.run(programs.layer, { x: x! }, `${scope}.${i}`));
    if (i === 0) close('clip.layer.0', x);
  }
  const eos = Int32Array.of(eosPosition([...ids], folder.clip.eosTokenId));
  close('clip.pooled', (await component.run(programs.pool, { x: x!, eos })).pooled);
}

async function t5({ folder, fixture, types, close }: Subject): Promise<void> {
  const [batch, tokens] = fixture.shape('t5.in.ids') as [number, number];
  const programs = t5Programs(folder.t5, { batch, tokens, ...types });
  const uses = [
    whole(programs.embed),
    whole(programs.bias),
    ...blocks(programs.layer, 'encoder.block', folder.t5.layers),
    whole(programs.finalNorm),
  ];
  using component = new Component(runtime, originOf(folder, 't5'), uses);
  const { bias } = await component.run(programs.bias, {});
  close('t5.position_bias', bias);
  let { x } = await component.run(programs.embed, { ids: fixture.i32('t5.in.ids') });
  for (let i = 0; i < folder.t5.layers; i++) {
    ({ x } = await component.run(programs.layer, { x: x!, bias: bias! }, `encoder.block.${i}`));
    if (i === 0) close('t5.layer.0', x);
  }
  close('t5.last_hidden_state', (await component.run(programs.finalNorm, { x: x! })).sequence);
}

async function transformer({ folder, fixture, types, close }: Subject): Promise<void> {
  const config = folder.transformer;
  const recorded = (name: string) => fixture.f32(`transformer.in.${name}`);
  const [batch, imageTokens] = fixture.shape('transformer.in.hidden_states') as [number, number];
  const textTokens = fixture.shape('transformer.in.encoder_hidden_states')[1]!;
  const programs = fluxPrograms(config, { batch, prompts: batch, imageTokens, textTokens, steps: 1, ...types });
  const doubles = [programs.doubleModulation, programs.doubleBlock].flatMap((traced) =>
    blocks(traced, 'double_blocks', config.layers),
  );
  const singles = [programs.singleModulation, programs.singleBlock].flatMap((traced) =>
    blocks(traced, 'single_blocks', config.singleLayers),
  );
  const rest = [
    programs.conditioning,
    programs.finalModulation,
    programs.textIn,
    programs.imageIn,
    programs.finalLayer,
  ].map(whole);
  using component = new Component(runtime, originOf(folder, 'transformer'), [...doubles, ...singles, ...rest]);

  // Each image of the recorded batch has its own timestep: the vectors are calculated one by one.
  const vectors: Float32Array[] = [];
  for (let i = 0; i < batch; i++) {
    const timesteps = Float32Array.of(recorded('timestep')[i]! * 1000);
    const guidance = config.guidanceEmbeds ? { guidance: recorded('guidance').map((strength) => strength * 1000) } : {};
    const inputs = { timesteps, pooled: recorded('pooled_projections'), ...guidance };
    const { vec } = await component.run(programs.conditioning, inputs);
    const width = vec!.length / batch;
    vectors.push(vec!.subarray(i * width, (i + 1) * width));
  }
  const vec = joined(vectors);
  const width = vec.length / batch;
  close('transformer.time_text_embed', vec, (x) => x.map((v) => v / (1 + Math.exp(-v))));

  const positions = joined([recorded('txt_ids'), recorded('img_ids')]);
  const rope = { ...ropeTables(positions, config.axesDimsRope) };
  // The reference repeats each angle for both channels of its pair.
  close('transformer.rope.cos', rope.cos, (x) => x.filter((_, i) => i % 2 === 0));
  close('transformer.rope.sin', rope.sin, (x) => x.filter((_, i) => i % 2 === 0));

  const modulation = async (traced: Traced, scope: string): Promise<Float32Array> =>
    (await component.run(traced, { vec }, scope))['mod']!;

  let { txt } = await component.run(programs.textIn, { sequence: recorded('encoder_hidden_states') });
  close('transformer.context_embedder', txt);
  let { img } = await component.run(programs.imageIn, { latents: recorded('hidden_states') });
  close('transformer.x_embedder', img);
  for (let i = 0; i < config.layers; i++) {
    const scope = `double_blocks.${i}`;
    const inputs: HostInputs = {
      img: img!,
      txt: txt!,
      ...rope,
      mod: await modulation(programs.doubleModulation, scope),
    };
    ({ img, txt } = await component.run(programs.doubleBlock, inputs, scope));
    if (i > 0) continue;
    close('transformer.double.0.image', img);
    close('transformer.double.0.text', txt);
  }
  let { x } = await component.run(programs.join, { img: img!, txt: txt! });
  for (let i = 0; i < config.singleLayers; i++) {
    const scope = `single_blocks.${i}`;
    const inputs: HostInputs = { x: x!, ...rope, mod: await modulation(programs.singleModulation, scope) };
    ({ x } = await component.run(programs.singleBlock, inputs, scope));
    if (i > 0) continue;
    const tokens = textTokens + imageTokens;
    const part = (start: number, end: number) =>
      joined(
        Array.from({ length: batch }, (_, b) => x!.subarray((b * tokens + start) * width, (b * tokens + end) * width)),
      );
    close('transformer.single.0.text', part(0, textTokens));
    close('transformer.single.0.image', part(textTokens, tokens));
  }
  const mod = await modulation(programs.finalModulation, '');
  close('transformer.proj_out', (await component.run(programs.finalLayer, { x: x!, mod })).velocity);
}

/** [b, c, h, w] to [b, h, w, c]. */
function channelsLast(x: Float32Array, [b, c, h, w]: readonly [number, number, number, number]): Float32Array {
  const out = new Float32Array(x.length);
  for (let i = 0; i < b; i++)
    for (let j = 0; j < c; j++)
      for (let k = 0; k < h * w; k++) out[(i * h * w + k) * c + j] = x[(i * c + j) * h * w + k]!;
  return out;
}

type Shape4 = readonly [number, number, number, number];

async function decoder({ folder, fixture, types, close }: Subject): Promise<void> {
  const shape = fixture.shape('decoder.in.latents') as Shape4;
  const [batch, , height, width] = shape;
  const programs = vaePrograms(folder.vae, { batch, height, width, ...types });
  const uses = [...programs.decode, ...programs.encode];
  using component = new Component(runtime, originOf(folder, 'vae'), uses);
  const { scalingFactor, shiftFactor } = folder.vae;
  const scaled = fixture.f32('decoder.in.latents').map((v) => (v - shiftFactor) * scalingFactor);
  const { image } = await component.chain(programs.decode, packLatents(scaled, shape));
  const expected = channelsLast(fixture.f32('decoder.image'), fixture.shape('decoder.image') as Shape4);
  const inRange = (v: number) => Math.min(1, Math.max(0, v * 0.5 + 0.5));
  close('decoder.image', image, () => expected.map(inRange));
  const clipped = expected.filter((v) => Math.abs(v) >= 1).length / expected.length;
  assert.ok(clipped < 0.5, `${clipped} of the recorded picture is clipped: too little is left to compare`);
}

async function encoder({ folder, fixture, types, close }: Subject): Promise<void> {
  const shape = fixture.shape('encoder.in.image') as Shape4;
  const moments = fixture.shape('encoder.moments') as Shape4;
  const [batch, , height, width] = moments;
  const programs = vaePrograms(folder.vae, { batch, height, width, ...types });
  const uses = [...programs.decode, ...programs.encode];
  using component = new Component(runtime, originOf(folder, 'vae'), uses);
  const image = channelsLast(fixture.f32('encoder.in.image'), shape);
  const encoded = await component.chain(programs.encode, image);
  close('encoder.moments', encoded['moments'], (x) => channelsLast(x, moments));
  const { latentChannels: c, scalingFactor, shiftFactor } = folder.vae;
  const mean = (x: Float32Array) => x.subarray(0, x.length / 2).map((v) => (v - shiftFactor) * scalingFactor);
  close('encoder.moments', encoded['latents'], (x) => packLatents(mean(x), [batch, c, height, width]));
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
