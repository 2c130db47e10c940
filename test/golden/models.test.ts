/**
 * The exact program of every model part: the bundled model's in full, full-size FLUX.1's by hash. A change here is a change of what
 * runs on every device and of every cache key, so that each is reviewed. Tracing needs no weights.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import {
  CLIP_L,
  FLUX_CONTROL,
  FLUX_DEV,
  FLUX_FILL,
  FLUX_SCHNELL,
  FLUX_VAE,
  T5_XXL,
} from '../../src/families/flux1/presets.ts';
import { type ClipConfig, clipPrograms } from '../../src/models/clip.ts';
import { type FluxConfig, fluxPrograms } from '../../src/models/flux.ts';
import { type T5Config, t5Programs } from '../../src/models/t5.ts';
import { type VaeConfig, type VaeSizes, vaePrograms } from '../../src/models/vae.ts';
import { elementCount } from '../../src/support/dtype.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { print } from '../../src/xla/graph/print.ts';
import type { Traced } from '../../src/xla/graph/trace.ts';
import { lower, type PlatformName } from '../../src/xla/lowering/lower.ts';
import { repositoryPath } from '../support/fixture.ts';
import { declareVae } from '../support/full-size.ts';
import { assertGoldenFolder, assertGoldenHashes, firstDifference, type Texts } from '../support/golden.ts';

interface Pipeline {
  readonly transformer: FluxConfig;
  readonly clip: ClipConfig;
  readonly t5: T5Config;
  readonly vae: VaeConfig;
}

interface Variant {
  readonly pipeline: Pipeline;
  /** Side of the square picture in pixels. */
  readonly side: number;
  readonly textTokens: number;
  readonly steps: number;
  readonly dtype: 'bf16' | 'f32';
  readonly platform: PlatformName;
}

const TINY: Pipeline = openPipelineFolder(FLUX1, repositoryPath('models/tiny'));
const SCHNELL: Pipeline = { transformer: FLUX_SCHNELL, clip: CLIP_L, t5: T5_XXL, vae: FLUX_VAE };
const DEV: Pipeline = { ...SCHNELL, transformer: FLUX_DEV };

const tiny = { pipeline: TINY, side: 128, textTokens: 32, steps: 4 } as const;
const dev = { pipeline: DEV, side: 1024, textTokens: 512, steps: 28, dtype: 'bf16' } as const;

/** Kept in full. */
const WHOLE: Readonly<Record<string, Variant>> = {
  'tiny-bf16-cpu': { ...tiny, dtype: 'bf16', platform: 'cpu' },
};
const HASHED: Readonly<Record<string, Variant>> = {
  'tiny-f32-cpu': { ...tiny, dtype: 'f32', platform: 'cpu' },
  'tiny-bf16-tpu': { ...tiny, dtype: 'bf16', platform: 'tpu' },
  'schnell-1024-cpu': {
    pipeline: SCHNELL,
    side: 1024,
    textTokens: 256,
    steps: 4,
    dtype: 'bf16',
    platform: 'cpu',
  },
  'dev-1024-cpu': { ...dev, platform: 'cpu' },
  'dev-1024-cuda': { ...dev, platform: 'cuda' },
};

function programs({ pipeline, side, textTokens, steps, dtype }: Omit<Variant, 'platform'>): Traced[] {
  const { transformer, clip, t5, vae } = pipeline;
  const types = { compute: dtype, storage: dtype } as const;
  const latent = side / 8;
  return [
    clipPrograms(clip, { batch: 1, tokens: clip.maxPositions, ...types }),
    t5Programs(t5, { batch: 1, tokens: textTokens, ...types }),
    fluxPrograms(transformer, { batch: 1, prompts: 1, imageTokens: (latent / 2) ** 2, textTokens, steps, ...types }),
    ...vaeParts(vae, { height: latent, width: latent, ...types }),
  ].flatMap((parts) => Object.values<Traced>({ ...parts }));
}

/** Both directions of the autoencoder; equal parts come once. */
function vaeParts(vae: VaeConfig, sizes: Omit<VaeSizes, 'batch'>): Record<string, Traced>[] {
  const { decode, encode } = vaePrograms(vae, { batch: 1, ...sizes });
  return [...decode, ...encode].map(({ traced }) => ({ [traced.name]: traced }));
}

function texts(variant: Variant): Texts {
  return new Map(
    programs(variant).map(({ name, graph }) => [name, print(lower(graph, { platform: variant.platform }))]),
  );
}

describe('golden programs', () => {
  for (const [name, variant] of Object.entries(WHOLE)) {
    test(name, () => assertGoldenFolder(repositoryPath(`test/golden/${name}`), texts(variant)));
  }
  for (const [name, variant] of Object.entries(HASHED)) {
    test(name, () => assertGoldenHashes(repositoryPath('test/golden/hashes.json'), name, texts(variant)));
  }
  test('nothing is left of variants that are gone', () => {
    const hashes = JSON.parse(readFileSync(repositoryPath('test/golden/hashes.json'), 'utf8')) as object;
    assert.deepEqual(Object.keys(hashes), Object.keys(HASHED).sort());
    const folders = readdirSync(repositoryPath('test/golden'), { withFileTypes: true });
    assert.deepEqual(
      folders.filter((entry) => entry.isDirectory()).map(({ name }) => name),
      Object.keys(WHOLE),
    );
  });
  test('a difference is shown with the lines around it', () => {
    const lines = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    assert.equal(
      firstDifference(lines.join('\n'), lines.with(4, 'E').toSpliced(5, 0, 'new').join('\n')),
      ['@@ line 5 @@', ' b', ' c', ' d', '-e', '+E', '+new', ' f', ' g', ' h'].join('\n'),
    );
  });
});

test('on CPU every bf16 dot asks for an f32 result, elsewhere for a bf16 one but in attention scores', () => {
  const dots = (platform: PlatformName) =>
    [...texts({ ...tiny, dtype: 'bf16', platform }).values()]
      .flatMap((text) => text.split('\n'))
      .filter((line) => line.includes('dot_general') && /: \(tensor<\S*bf16>, /.test(line));
  const short = (lines: readonly string[]) => lines.filter((line) => line.endsWith('xbf16>'));
  assert.ok(dots('cpu').length > 50);
  assert.deepEqual(short(dots('cpu')), []);
  assert.equal(dots('tpu').length, dots('cpu').length);
  // One f32 dot an attention: CLIP's layer, T5's layer, double and single block, and the VAE's.
  assert.equal(dots('tpu').length - short(dots('tpu')).length, 5);
});

/** Sums the parameters of all programs, each block's as often as the model has it; weights shared by programs count once. */
function parameters(parts: object, repeats: Readonly<Record<string, number>> = {}): number {
  const sizes = new Map<string, number>();
  for (const [name, { weights }] of Object.entries(parts) as [string, Traced][]) {
    const times = repeats[name];
    for (const weight of weights) {
      const key = `${times ? name : ''} ${weight.name} ${weight.rows?.start ?? 0}`;
      sizes.set(key, elementCount(weight.shape) * (times ?? 1));
    }
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

test('the full-size models have as many parameters as the published files', () => {
  const types = { compute: 'bf16', storage: 'bf16' } as const;
  const transformer = (cfg: FluxConfig) => {
    const { layers: double, singleLayers: single } = cfg;
    const sizes = { batch: 1, prompts: 1, imageTokens: 4, textTokens: 2, steps: 1, ...types };
    const repeats = { doubleBlock: double, doubleModulation: double, singleBlock: single, singleModulation: single };
    return parameters(fluxPrograms(cfg, sizes), repeats);
  };
  assert.equal(transformer(FLUX_DEV), 11_901_408_320);
  assert.equal(transformer(FLUX_SCHNELL), 11_891_178_560);
  assert.equal(transformer(FLUX_FILL), 11_902_391_360);
  assert.equal(transformer(FLUX_CONTROL), 11_901_604_928);
  const clip = clipPrograms(CLIP_L, { batch: 1, tokens: 77, ...types });
  assert.equal(parameters(clip, { layer: CLIP_L.layers }), 123_060_480);
  const t5 = t5Programs(T5_XXL, { batch: 1, tokens: 8, ...types });
  assert.equal(parameters(t5, { layer: T5_XXL.layers }), 4_762_310_656);
  const { decode, encode } = declareVae();
  const vae = new Map([...decode, ...encode].map(({ name, shape }) => [name, elementCount(shape)]));
  assert.equal(
    vae.values().reduce((sum, count) => sum + count, 0),
    83_819_683,
  );
});
