/** The published FLUX.1 models by name: their configs, without a file; and models with random weights. */

import { fileURLToPath } from 'node:url';
import { FluxionError } from '../../support/errors.ts';
import { kindOf } from '../../weights/files/file-bytes.ts';
import { modelName, openModel, withRandomWeights } from '../../weights/folders/model-source.ts';
import type { OpenTensorsOptions } from '../../weights/folders/open.ts';
import { openPipelineFolder } from '../../weights/folders/pipeline-folder.ts';
import { FLUX1, type Flux1Parts, type Flux1Source, type ModelSizes, publishedScheduler } from './flux1.ts';
import { CLIP_L, FLUX_CONTROL, FLUX_DEV, FLUX_FILL, FLUX_SCHNELL, FLUX_VAE, T5_XXL } from './presets.ts';

/** The model that comes with the program. */
export const BUNDLED = 'tiny';

/** Path of the folder of the bundled model. */
export const BUNDLED_FOLDER = fileURLToPath(new URL('../../../models/tiny/', import.meta.url));

/** By the last part of their names on the hub, each with its short names. Krea's network is dev's, and so is Kontext's. */
const PUBLISHED = {
  'FLUX.1-dev': { short: ['dev', 'flux-dev'], transformer: FLUX_DEV },
  'FLUX.1-schnell': { short: ['schnell', 'flux-schnell'], transformer: FLUX_SCHNELL },
  'FLUX.1-Krea-dev': { short: ['krea', 'flux-krea'], transformer: FLUX_DEV },
  'FLUX.1-Kontext-dev': { short: ['kontext', 'flux-kontext'], transformer: FLUX_DEV },
  'FLUX.1-Fill-dev': { short: ['fill', 'flux-fill'], transformer: FLUX_FILL },
  'FLUX.1-Canny-dev': { short: ['canny', 'flux-canny'], transformer: FLUX_CONTROL },
  'FLUX.1-Depth-dev': { short: ['depth', 'flux-depth'], transformer: FLUX_CONTROL },
} as const;

/** The published model of a name such as `black-forest-labs/FLUX.1-dev`, `FLUX.1-dev` or `dev`; undefined for any other. */
export function publishedModel(name: string): { readonly name: string; readonly sizes: ModelSizes } | undefined {
  const wanted = name.toLowerCase();
  const found = Object.entries(PUBLISHED).find(
    ([full, { short }]) =>
      wanted === full.toLowerCase() || wanted.endsWith(`/${full.toLowerCase()}`) || short.some((s) => s === wanted),
  );
  if (!found) return undefined;
  const [full, { transformer }] = found;
  return {
    name: full,
    sizes: { transformer, clip: CLIP_L, t5: T5_XXL, vae: FLUX_VAE, scheduler: publishedScheduler(transformer) },
  };
}

/** The names that `publishedModel` knows. */
export const PUBLISHED_NAMES = Object.keys(PUBLISHED);

/**
 * A model with weights of the right shapes and random values: a published one by its name, or a folder, of which only configs and
 * tokenizers are read. Parts given as files keep the weights of their files. Throws `not_found` for any other name.
 */
export function randomModel(
  model: string,
  parts: Flux1Parts,
  options: OpenTensorsOptions & { readonly seed: number },
): { readonly source: Flux1Source; readonly name: string } {
  const random = (source: Flux1Source): Flux1Source => withRandomWeights(source, parts, options.seed, options);
  if (model === BUNDLED) return { source: random(openPipelineFolder(FLUX1, BUNDLED_FOLDER)), name: BUNDLED };
  if (kindOf(model) !== 'missing')
    return { source: random(openModel(FLUX1, model, parts)), name: modelName(FLUX1, model, parts) };
  const published = publishedModel(model);
  if (!published) {
    throw new FluxionError('not_found', `the sizes of '${model}' are not known`, {
      hint: `weights=random takes a model folder, for its configs and tokenizers, or one of ${PUBLISHED_NAMES.join(', ')}, tiny`,
    });
  }
  const { name, sizes } = published;
  // A published model's tokenizers are not here. Any will do for random weights, and the bundled ones are small.
  const bundled = openPipelineFolder(FLUX1, BUNDLED_FOLDER);
  const { eosTokenId, bosTokenId, padTokenId } = bundled.clip;
  const source: Flux1Source = {
    ...bundled,
    ...sizes,
    path: name,
    clip: { ...sizes.clip, eosTokenId, bosTokenId, padTokenId },
    paths: new Map(),
    borrowsTokenizers: true,
  };
  return { source: random(source), name };
}
