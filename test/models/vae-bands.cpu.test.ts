/** The autoencoder in bands of rows against the same as a whole, and what the compiler allocates against what is planned for. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { vaeBytes, vaePrograms } from '../../src/models.ts';
import { conv2d, doublingConv } from '../../src/nn/conv.ts';
import { Autoencoder, type AutoencoderOptions } from '../../src/pipeline/decode.ts';
import { latentSize } from '../../src/sampling/latents.ts';
import { originOf } from '../../src/weights/folders/model-source.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { graph } from '../../src/xla/graph/graph.ts';
import { map } from '../../src/xla/graph/map.ts';
import { print } from '../../src/xla/graph/print.ts';
import { parameter } from '../../src/xla/graph/tensor.ts';
import { spec, trace } from '../../src/xla/graph/trace.ts';
import { Weights } from '../../src/xla/graph/weights.ts';
import { Runtime } from '../../src/xla/runtime/runtime.ts';
import { assertClose, compare } from '../support/close.ts';
import { Component } from '../support/component.ts';
import { repositoryPath } from '../support/fixture.ts';

const TINY = openPipelineFolder(FLUX1, repositoryPath('models/tiny'));
const F32 = { compute: 'f32', storage: 'f32' } as const;

let runtime: Runtime;
before(async () => {
  runtime = await Runtime.open({ device: 'cpu' });
});
after(() => runtime[Symbol.asyncDispose]());

/** Smooth values between about -1 and 1, different everywhere. */
function waves(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.37 + seed) * Math.cos(i * 0.0113 * seed));
}

describe('bands of rows', () => {
  for (const [batch, height, width] of [
    [1, 10, 14],
    [2, 6, 4],
  ] as const) {
    test(`give what the whole gives: ${batch} × ${8 * height} × ${8 * width}`, async () => {
      const latents = waves(batch * height * width * 16, 1);
      const image = waves(batch * height * width * 64 * 3, 2);
      const results = await Promise.all(
        [undefined, 3e5].map(async (budget) => {
          const programs = vaePrograms(TINY.vae, { batch, height, width, ...F32, budget });
          const uses = [...programs.decode, ...programs.encode];
          const loops = uses.flatMap(({ traced }) => traced.graph.nodes.filter(({ op }) => op.kind === 'map'));
          assert.equal(loops.length > 5, budget !== undefined);
          using component = new Component(runtime, originOf(TINY, 'vae'), uses);
          const decoded = await component.chain(programs.decode, latents);
          const encoded = await component.chain(programs.encode, image);
          return { image: decoded['image']!, moments: encoded['moments']!, latents: encoded['latents']! };
        }),
      );
      const [whole, banded] = results as [(typeof results)[0], (typeof results)[0]];
      // A 255th is 4e-3: no seam, nor anything else, can be seen.
      assertClose('image', banded.image, whole.image, { maxRelative: 1e-5 });
      assertClose('moments', banded.moments, whole.moments, { maxRelative: 1e-5 });
      assertClose('latents', banded.latents, whole.latents, { maxRelative: 1e-5 });
    });
  }

  test('take no more memory than is planned for, and less than the whole', async () => {
    const alive = async (budget?: number): Promise<{ planned: number; counted: number }> => {
      const { decode } = vaePrograms(TINY.vae, { batch: 1, height: 20, width: 28, ...F32, budget });
      let counted = 0;
      for (const { traced } of decode) {
        const stats = (await runtime.compile(traced)).executables[0]!.memoryStats()!;
        const given = 4 * traced.graph.parameters[0]!.shape.reduce((n, d) => n * d, 1);
        counted = Math.max(counted, given + stats.outputs + stats.temporaries);
      }
      return { planned: vaeBytes(decode), counted };
    };
    const whole = await alive();
    const banded = await alive(3e5);
    for (const { planned, counted } of [whole, banded])
      assert.ok(counted <= planned * 1.05 && counted >= planned * 0.6, `${counted} bytes, planned for ${planned}`);
    assert.ok(banded.counted < 0.85 * whole.counted, `${banded.counted} of ${whole.counted} bytes`);
  });

  test('are used by a run that is told to, with the same picture', async () => {
    const size = latentSize(320, 320);
    const latents = waves(2 * size.tokens * 64, 3);
    const decode = async (options: AutoencoderOptions, on = runtime): Promise<Float32Array> => {
      using autoencoder = new Autoencoder(TINY, F32, options);
      const pictures = await Array.fromAsync(autoencoder.decode(on, latents, size), (pixels) => [...pixels]);
      return Float32Array.from(pictures.flat());
    };
    const whole = await decode({});
    const programs = runtime.executableCount;
    const banded = await decode({ memoryLimit: 1 });
    assert.ok(runtime.executableCount > programs, 'the same programs were run');
    assert.deepEqual(await decode({ vaeTiling: 'off', memoryLimit: 1 }), whole);
    assert.ok(compare(banded, whole).relMax < 1e-5);
    // Each of two devices decodes one picture, in bands as well.
    await using mesh = await Runtime.open({ device: 'cpu', cpuDevices: 2, mesh: { ici: { data: 2 } } });
    assert.ok(compare(await decode({ memoryLimit: 1 }, mesh), whole).relMax < 1e-5);
  });
});

test('doubling a picture is a convolution of repeated pixels', async () => {
  const [height, width, c] = [3, 5, 2];
  const picture = spec('f32', [1, height, width, c]);
  const repeated = trace('repeated', new Weights('f32', 'f32'), { x: picture }, ({ x }, w) => ({
    y: conv2d(w.at('conv'), { in: c, out: c, kernel: 3 })(
      x
        .reshape([1, height, 1, width, 1, c])
        .broadcastTo([1, height, 2, width, 2, c])
        .reshape([1, 2 * height, 2 * width, c]),
    ),
  }));
  const doubled = trace('doubled', new Weights('f32', 'f32'), { x: picture }, ({ x }, w) => ({
    y: doublingConv(w.at('conv'), { channels: c })(x),
  }));
  const values = doubled.graph.parameters.map((p, i) =>
    waves(
      p.shape.reduce((n, d) => n * d, 1),
      i + 1,
    ),
  );
  const results = await Promise.all(
    [repeated, doubled].map(async (traced) => {
      using owned = new DisposableStack();
      const arrays = await Promise.all(
        traced.graph.parameters.map(async ({ shape }, i) => owned.use(await runtime.upload(values[i]!, 'f32', shape))),
      );
      const { y } = (await runtime.compile(traced)).run({ x: arrays[0]! }, arrays.slice(1));
      return new Float32Array((await owned.use(y!).toHost()).buffer);
    }),
  );
  assertClose('doubled', results[1]!, results[0]!, { maxRelative: 1e-6 });
});

test('a loop takes what its body uses from around it, computed once before', () => {
  const x = parameter('x', 'f32', [3, 2]);
  const y = parameter('y', 'f32', [2]);
  const outside = y.mul(2).exp();
  const mapped = map([x], [], ([row]) => row.mul(outside).add(outside));
  assert.deepEqual(mapped.shape, [3, 2]);
  assert.equal(mapped.inputs.length, 2, 'one value from around, however often it is used');
  assert.equal(mapped.inputs[1], outside);
  const text = print(graph('loop', [x, y], [mapped]));
  assert.ok(text.indexOf('stablehlo.exponential') < text.indexOf('stablehlo.while'));
});
