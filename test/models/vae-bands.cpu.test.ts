/** The autoencoder in bands of rows against the same as a whole, and what the compiler allocates against what is planned for. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { vaeBytes, vaePrograms } from '../../src/models.ts';
import { inBands } from '../../src/nn/bands.ts';
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
  for (const [batch, height, width, compute, maxRelative] of [
    [1, 10, 14, 'f32', 1e-5],
    [2, 6, 4, 'f32', 1e-5],
    // Statistics that differ in their last bits round a value here and there to its neighbour.
    [1, 6, 4, 'bf16', 2e-2],
  ] as const) {
    test(`give what the whole gives: ${batch} × ${8 * height} × ${8 * width}, ${compute}`, async () => {
      const latents = waves(batch * height * width * 16, 1);
      const image = waves(batch * height * width * 64 * 3, 2);
      const results = await Promise.all(
        [undefined, 1e5].map(async (budget) => {
          const programs = vaePrograms(TINY.vae, { batch, height, width, compute, storage: 'f32', budget });
          const uses = [...programs.decode, ...programs.encode];
          for (const parts of [programs.decode, programs.encode]) {
            const loops = parts.flatMap(({ traced }) => traced.graph.nodes.filter(({ op }) => op.kind === 'map'));
            assert.equal(loops.length > 5, budget !== undefined);
          }
          using component = new Component(runtime, originOf(TINY, 'vae'), uses);
          const decoded = await component.chain(programs.decode, latents);
          const encoded = await component.chain(programs.encode, image);
          return { image: decoded['image']!, moments: encoded['moments']!, latents: encoded['latents']! };
        }),
      );
      const [whole, banded] = results as [(typeof results)[0], (typeof results)[0]];
      // A 255th is 4e-3: no seam, nor anything else, can be seen.
      assertClose('image', banded.image, whole.image, { maxRelative });
      assertClose('moments', banded.moments, whole.moments, { maxRelative });
      assertClose('latents', banded.latents, whole.latents, { maxRelative });
    });
  }

  for (const direction of ['decode', 'encode'] as const)
    test(`take no more memory than is planned for, and less than the whole: ${direction}`, async () => {
      const alive = async (budget?: number): Promise<{ planned: number; counted: number }> => {
        const parts = vaePrograms(TINY.vae, { batch: 1, height: 20, width: 28, ...F32, budget })[direction];
        let counted = 0;
        for (const { traced } of parts) {
          const stats = (await runtime.compile(traced)).executables[0]!.memoryStats()!;
          const given = 4 * traced.graph.parameters[0]!.shape.reduce((n, d) => n * d, 1);
          counted = Math.max(counted, given + stats.outputs + stats.temporaries);
        }
        return { planned: vaeBytes(parts), counted };
      };
      const whole = await alive();
      const banded = await alive(3e5);
      for (const { planned, counted } of [whole, banded])
        assert.ok(counted <= planned * 1.05 && counted >= planned * 0.6, `${counted} bytes, planned for ${planned}`);
      assert.ok(banded.counted < 0.85 * whole.counted, `${banded.counted} of ${whole.counted} bytes`);
    });

  // A window of two steps meets the rows of two bands, and one row below the picture that no other row has.
  test('halve a picture exactly, wherever they end', async () => {
    const x = waves(8 * 6 * 2, 5).map((value) => Math.round(100 * value));
    const window = waves(2 * 2 * 9, 6).map((value) => Math.round(10 * value));
    const results = await Promise.all(
      [1, 2].map(async (count) => {
        const traced = trace('halved', new Weights('f32', 'f32'), { x: spec('f32', [1, 8, 6, 2]) }, (inputs, w) => {
          const halve = conv2d(w.at('conv'), { in: 2, out: 2, kernel: 3, stride: 2, padding: 'after' });
          return { y: inBands(inputs.x, { count, halo: 2 }, halve) };
        });
        using owned = new DisposableStack();
        const [picture, weight, bias] = await Promise.all(
          traced.graph.parameters.map(async ({ shape }, i) =>
            owned.use(await runtime.upload([x, window, new Float32Array(2)][i]!, 'f32', shape)),
          ),
        );
        const { y } = (await runtime.compile(traced)).run({ x: picture! }, [weight!, bias!]);
        return new Float32Array((await owned.use(y!).toHost()).buffer);
      }),
    );
    assert.equal(results[0]!.length, 4 * 3 * 2);
    assert.deepEqual(results[1], results[0]);
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
    const programs = runtime.executables.size;
    const banded = await decode({ memoryLimit: 1 });
    assert.ok(runtime.executables.size > programs, 'the same programs were run');
    assert.deepEqual(await decode({ vaeTiling: 'off', memoryLimit: 1 }), whole);
    assert.ok(compare(banded, whole).relMax < 1e-5);
    const encode = async (options: AutoencoderOptions): Promise<Float32Array> => {
      using autoencoder = new Autoencoder(TINY, F32, options);
      return await autoencoder.encode(runtime, waves(416 * 416 * 3, 4), latentSize(416, 416));
    };
    const seen = await encode({});
    const known = runtime.executables.size;
    const inBandsToo = await encode({ memoryLimit: 1 });
    assert.ok(runtime.executables.size > known, 'the same programs were run');
    assert.deepEqual(await encode({ vaeTiling: 'off', memoryLimit: 1 }), seen);
    assert.ok(compare(inBandsToo, seen).relMax < 1e-5);
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
