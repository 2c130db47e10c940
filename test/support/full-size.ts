/** The full-size models as data: every key and shape of their files, and every weight the models declare. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CLIP_L, FLUX_VAE, T5_XXL } from '../../src/families/flux1/presets.ts';
import { clipPrograms } from '../../src/models/clip.ts';
import { type FluxConfig, fluxPrograms } from '../../src/models/flux.ts';
import { t5Programs } from '../../src/models/t5.ts';
import { type VaePart, vaePrograms } from '../../src/models/vae.ts';
import type { DeclaredWeight } from '../../src/weights/folders/bind.ts';
import { repositoryPath } from './fixture.ts';

export const FIXTURES: string = repositoryPath('test/fixtures/checkpoint');

/** Keys and shapes of the full-size models as diffusers and transformers write them (tools/reference/record_layouts.py). */
export type Keys = Readonly<Record<string, readonly number[]>>;
export const FULL_SIZE: Readonly<Record<'dev' | 'schnell' | 'clip' | 't5' | 'vae', Keys>> = JSON.parse(
  gunzipSync(readFileSync(join(FIXTURES, 'keys.json.gz'))).toString(),
);

/** Every weight the models declare, under its full name. */
export function declareFlux(cfg: FluxConfig): DeclaredWeight[] {
  const sizes = {
    batch: 1,
    prompts: 1,
    imageTokens: 4,
    textTokens: 2,
    steps: 1,
    compute: 'f32',
    storage: 'bf16',
  } as const;
  const p = fluxPrograms(cfg, sizes);
  const blocks = (name: string, count: number, parts: readonly DeclaredWeight[]): DeclaredWeight[] =>
    Array.from({ length: count }, (_, i) =>
      parts.map((part) => ({ ...part, name: `${name}.${i}.${part.name}` })),
    ).flat();
  return [
    ...[p.conditioning, p.finalModulation, p.textIn, p.imageIn, p.finalLayer].flatMap(({ weights }) => weights),
    ...blocks('double_blocks', cfg.layers, [...p.doubleModulation.weights, ...p.doubleBlock.weights]),
    ...blocks('single_blocks', cfg.singleLayers, [...p.singleModulation.weights, ...p.singleBlock.weights]),
  ];
}

export function declareClip(): DeclaredWeight[] {
  const p = clipPrograms(CLIP_L, { batch: 1, tokens: 77, compute: 'f32', storage: 'bf16' });
  const layers = Array.from({ length: CLIP_L.layers }, (_, i) =>
    p.layer.weights.map((weight) => ({ ...weight, name: `text_model.encoder.layers.${i}.${weight.name}` })),
  );
  return [...p.embed.weights, ...layers.flat(), ...p.pool.weights];
}

export function declareT5(): DeclaredWeight[] {
  const p = t5Programs(T5_XXL, { batch: 1, tokens: 8, compute: 'f32', storage: 'bf16' });
  const layers = Array.from({ length: T5_XXL.layers }, (_, i) =>
    p.layer.weights.map((weight) => ({ ...weight, name: `encoder.block.${i}.${weight.name}` })),
  );
  return [...p.embed.weights, ...p.bias.weights, ...layers.flat(), ...p.finalNorm.weights];
}

export function declareVae(): { decode: readonly DeclaredWeight[]; encode: readonly DeclaredWeight[] } {
  const p = vaePrograms(FLUX_VAE, { batch: 1, height: 8, width: 8, compute: 'f32', storage: 'bf16' });
  const declared = (parts: readonly VaePart[]): DeclaredWeight[] =>
    parts.flatMap(({ traced, scope }) =>
      traced.weights.map((weight) => (scope === '' ? weight : { ...weight, name: `${scope}.${weight.name}` })),
    );
  return { decode: declared(p.decode), encode: declared(p.encode) };
}
