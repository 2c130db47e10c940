/**
 * A Flux pipeline in the diffusers folder layout: `model_index.json`, one folder for each component. Opening reads and checks the
 * configs; the weights of a component are opened when asked for.
 */

import { join } from 'node:path';
import type { ClipConfig } from '../../models/clip.ts';
import type { FluxConfig } from '../../models/flux.ts';
import type { T5Config } from '../../models/t5.ts';
import type { VaeConfig } from '../../models/vae.ts';
import type { SchedulerConfig } from '../../sampling/schedule.ts';
import { FluxionError } from '../../support/errors.ts';
import { kindOf, listFolder, readingFile } from '../files/file-bytes.ts';
import { type JsonObject, readJsonObject } from '../files/json.ts';
import type { TensorStore } from '../files/tensors.ts';
import {
  readClipConfig,
  readSchedulerConfig,
  readT5Config,
  readTransformerConfig,
  readVaeConfig,
} from './model-config.ts';
import { meantFolder, noModelFolder } from './model-folder.ts';
import { type OpenTensorsOptions, openTensors } from './open.ts';
import { requirePipeline } from './recognise.ts';

/** The components that have weights, by folder name. */
export type WeightedComponent = 'transformer' | 'text_encoder' | 'text_encoder_2' | 'vae';

/** Configs, tokenizers and weights of a whole model; the weights are still on disk. */
export interface ModelSource {
  /** The folder or file that was opened. */
  readonly path: string;
  readonly transformer: FluxConfig;
  readonly clip: ClipConfig;
  readonly t5: T5Config;
  readonly vae: VaeConfig;
  readonly scheduler: SchedulerConfig;
  /** Folder of the CLIP tokenizer. */
  readonly tokenizer: string;
  /** Folder of the T5 tokenizer. */
  readonly tokenizer2: string;
  /** The tokenizers are those of another model. */
  readonly borrowsTokenizers?: true;
  /** The files and folders the model is made of, by what they are in it. */
  readonly places: ReadonlyMap<string, string>;
  /** Set where weights are made by a rule instead of read; `read` are the components that have files all the same. */
  readonly random?: { readonly seed: number; readonly read: ReadonlySet<WeightedComponent> };
  /** Opens a component's weights; the caller disposes them. */
  openWeights(component: WeightedComponent): TensorStore;
}

/** An opened pipeline folder. */
export interface PipelineFolder extends ModelSource {
  /** The diffusers pipeline class it was saved as. */
  readonly className: string;
}

/** A pipeline folder of which each part is read when asked for, so that missing ones matter only where they are needed. */
export interface PipelineParts {
  readonly path: string;
  readonly className: string;
  transformer(): FluxConfig;
  clip(): ClipConfig;
  t5(): T5Config;
  vae(): VaeConfig;
  scheduler(): SchedulerConfig;
  tokenizer(): string;
  tokenizer2(): string;
  openWeights(component: WeightedComponent): TensorStore;
}

/** Opens a diffusers pipeline folder; throws `not_found`, `bad_file` or `unsupported` naming the file, the field or what is missing. */
export function openPipelineFolder(path: string, options: OpenTensorsOptions = {}): PipelineFolder {
  const parts = openPipelineParts(path, options);
  const opened: PipelineFolder = {
    path: parts.path,
    className: parts.className,
    transformer: parts.transformer(),
    clip: parts.clip(),
    t5: parts.t5(),
    vae: parts.vae(),
    scheduler: parts.scheduler(),
    tokenizer: parts.tokenizer(),
    tokenizer2: parts.tokenizer2(),
    places: new Map([['', parts.path]]),
    openWeights: parts.openWeights,
  };
  checkWidths(opened);
  return opened;
}

/** Opens a diffusers pipeline folder without reading more than its index. */
export function openPipelineParts(given: string, options: OpenTensorsOptions = {}): PipelineParts {
  const path = meantFolder(given);
  const index = readIndex(path);
  const folder = (component: string, needs: readonly string[]): string => {
    const found = join(path, component);
    if (kindOf(found) !== 'folder') {
      throw new FluxionError('not_found', `${path}: no ${component} folder; looked for ${found}`, {
        hint: 'a complete Flux pipeline has transformer, text_encoder, text_encoder_2, tokenizer, tokenizer_2, vae and scheduler',
      });
    }
    const names = listFolder(found);
    if (!needs.some((name) => names.includes(name))) {
      const listed = names.length === 0 ? 'it is empty' : `it has ${names.slice(0, 10).join(', ')}`;
      throw new FluxionError('not_found', `${found}: no ${needs.join(' or ')}; ${listed}`);
    }
    return found;
  };
  const config = <T>(component: string, read: (json: JsonObject, path: string) => T, name = 'config.json'): T => {
    const file = join(folder(component, [name]), name);
    return read(readJsonObject(file, readingFile), file);
  };
  return {
    path,
    className: requirePipeline(index, join(path, 'model_index.json')),
    transformer: () => config('transformer', readTransformerConfig),
    clip: () => config('text_encoder', readClipConfig),
    t5: () => config('text_encoder_2', readT5Config),
    vae: () => config('vae', readVaeConfig),
    scheduler: () => config('scheduler', readSchedulerConfig, 'scheduler_config.json'),
    tokenizer: () => folder('tokenizer', ['tokenizer.json', 'vocab.json']),
    tokenizer2: () => folder('tokenizer_2', ['tokenizer.json', 'spiece.model']),
    openWeights: (component) => openTensors(join(path, component), options),
  };
}

function readIndex(path: string): JsonObject {
  const file = join(path, 'model_index.json');
  if (kindOf(path) !== 'folder' || kindOf(file) === 'missing') throw noModelFolder(path);
  return readJsonObject(file, readingFile);
}

/** Throws `bad_weights` unless the text encoders and the autoencoder's latents have the widths that the transformer was built for. */
export function checkWidths({ path, transformer, clip, t5, vae }: ModelSource): void {
  const check = (field: string, expected: number, encoder: string, found: number): void => {
    if (expected === found) return;
    throw new FluxionError(
      'bad_weights',
      `${path}: transformer ${field} is ${expected}, but ${encoder} gives ${found}`,
      { hint: 'the parts are of different models: choose a base model and parts that go together' },
    );
  };
  check('joint_attention_dim', transformer.jointAttentionDim, 'text_encoder_2 d_model', t5.width);
  check('pooled_projection_dim', transformer.pooledDim, 'text_encoder hidden_size', clip.width);
  check('in_channels', transformer.inChannels, 'vae latent_channels × 4', 4 * vae.latentChannels);
}
