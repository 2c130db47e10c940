/** Quantised products, compiled by the real compilers for a TPU and an H200 that are not here: units for small numbers are used. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { linear } from '../../../src/nn/linear.ts';
import { spec, trace } from '../../../src/xla/graph/trace.ts';
import { type QuantisedForm, Weights } from '../../../src/xla/graph/weights.ts';
import { lower, type Target } from '../../../src/xla/lowering/lower.ts';
import { findPlugin, print } from '../../../src/xla.ts';
import { type CompileRequest, compileAhead } from '../../support/compile-ahead.ts';

const [TOKENS, IN, OUT] = [4608, 3072, 12288];

/** The first layer of an MLP of FLUX.1 at 1024². */
function program(form: QuantisedForm, target: Target): string {
  const weights = new Weights('bf16', 'bf16', { form });
  const traced = trace('layer', weights, { x: spec('bf16', [TOKENS, IN]) }, ({ x }, w) => ({
    y: linear(w, { in: IN, out: OUT, axes: ['embed', 'mlp'] })(x),
  }));
  return print(lower(traced.graph, target));
}

interface Expected {
  /** The layer's own and, before activations become integers, the one that rotates them. */
  readonly products: readonly string[];
  /** Most bytes of temporaries. */
  readonly temporaries: number;
}

async function check(
  request: Omit<CompileRequest, 'programs'>,
  target: Target,
  expected: Readonly<Record<QuantisedForm, Expected>>,
): Promise<void> {
  const forms = Object.keys(expected) as QuantisedForm[];
  const programs = Object.fromEntries(forms.map((form) => [form, program(form, target)]));
  const results = await compileAhead({ ...request, programs });
  for (const form of forms) {
    const { error, products, temporaries } = results.get(form)!;
    assert.equal(error, undefined, `${form}: ${error}`);
    assert.deepEqual(products, [...expected[form].products].sort(), form);
    assert.ok(temporaries! <= expected[form].temporaries, `${form}: ${temporaries} bytes of temporaries`);
  }
}

const absent = (device: 'cuda' | 'tpu') => findPlugin(device) === undefined && `the ${device} plugin is not installed`;

describe('a quantised layer', () => {
  test('on TPU v6e is one product, scales applied inside it, and no copy of the matrix', {
    skip: absent('tpu'),
  }, async () => {
    const integers = {
      products: ['convolution bf16 × bf16 → f32', 'convolution s8 × s8 → s32'],
      // The tokens as integers.
      temporaries: TOKENS * IN + 2 ** 20,
    };
    await check(
      { device: 'tpu', topology: 'v6e:2x2' },
      { platform: 'tpu' },
      {
        int8: integers,
        // Widened on the way in, tile by tile.
        fp8: { products: ['convolution bf16 × f8e4m3fn → f32'], temporaries: 2 ** 20 },
        int4: { ...integers, temporaries: TOKENS * IN + IN * OUT + 2 ** 24 },
      },
    );
  });

  test('on an H200 is a product of cuBLASLt, of 8-bit floats where they are asked for', {
    skip: absent('cuda'),
  }, async () => {
    // Without a device to time them on, the compiler cannot choose between its own kernels and the library's.
    const request = { device: 'cuda', topology: '1x1x1', flags: { xla_gpu_enable_triton_gemm: false } } as const;
    const rounded = TOKENS * IN + 2 ** 23;
    const integers = {
      products: ['__cublas$lt$matmul bf16 × bf16 → f32', '__cublas$lt$matmul s8 × s8 → s32'],
      temporaries: rounded + 4 * TOKENS * OUT,
    };
    await check(
      request,
      { platform: 'cuda', computeCapability: 9 },
      {
        int8: integers,
        fp8: {
          products: ['__cublas$lt$matmul$f8 f8e4m3fn × f8e4m3fn → bf16'],
          temporaries: rounded + 2 * TOKENS * OUT,
        },
        int4: { ...integers, temporaries: integers.temporaries + IN * OUT },
      },
    );
  });
});
