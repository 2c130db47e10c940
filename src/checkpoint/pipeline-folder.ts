/**
 * A Flux pipeline in the diffusers folder layout: `model_index.json`, one folder for each component. Opening reads and checks the
 * configs; the weights of a component are opened when asked for.
 */

import { join } from 'node:path';
import { FluxionError } from '../support/errors.ts';
import { kindOf, listFolder, type OpenFile, readingFile } from './file-bytes.ts';
import { describeJson, type JsonObject, readJsonObject } from './json.ts';
import {
  type ClipConfig,
  readClipConfig,
  readSchedulerConfig,
  readT5Config,
  readTransformerConfig,
  readVaeConfig,
  type SchedulerConfig,
  type T5Config,
  type TransformerConfig,
  type VaeConfig,
} from './model-config.ts';
import { WeightStore } from './store.ts';

/** diffusers pipelines whose components are those of text-to-image Flux. */
const CLASSES = [
  'FluxPipeline',
  'FluxImg2ImgPipeline',
  'FluxInpaintPipeline',
  'FluxFillPipeline',
  'FluxKontextPipeline',
  'FluxKontextInpaintPipeline',
  'FluxControlPipeline',
  'FluxControlImg2ImgPipeline',
  'FluxControlInpaintPipeline',
  'FluxControlNetPipeline',
];

/** The components that have weights, by folder name. */
export type WeightedComponent = 'transformer' | 'text_encoder' | 'text_encoder_2' | 'vae';

/** An opened pipeline folder: configs read, weights still on disk. */
export interface PipelineFolder {
  readonly path: string;
  /** The diffusers pipeline class it was saved as. */
  readonly className: string;
  readonly transformer: TransformerConfig;
  readonly clip: ClipConfig;
  readonly t5: T5Config;
  readonly vae: VaeConfig;
  readonly scheduler: SchedulerConfig;
  /** Folder of the CLIP tokenizer. */
  readonly tokenizer: string;
  /** Folder of the T5 tokenizer. */
  readonly tokenizer2: string;
  /** Opens a component's weights; the caller disposes them. */
  openWeights(component: WeightedComponent): WeightStore;
}

export interface OpenPipelineOptions {
  /** How weight files are opened; positional reads unless told otherwise. */
  readonly openFile?: OpenFile;
  /** Weight variant to prefer, such as `fp16`. */
  readonly variant?: string | undefined;
}

/** Opens a diffusers pipeline folder; throws `not_found`, `bad_file` or `unsupported` naming the file, the field or what is missing. */
export function openPipelineFolder(path: string, options: OpenPipelineOptions = {}): PipelineFolder {
  const openFile = options.openFile ?? readingFile;
  const index = readIndex(path);
  const className = readClassName(index, join(path, 'model_index.json'));

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

  const opened: PipelineFolder = {
    path,
    className,
    transformer: config('transformer', readTransformerConfig),
    clip: config('text_encoder', readClipConfig),
    t5: config('text_encoder_2', readT5Config),
    vae: config('vae', readVaeConfig),
    scheduler: config('scheduler', readSchedulerConfig, 'scheduler_config.json'),
    tokenizer: folder('tokenizer', ['tokenizer.json', 'vocab.json']),
    tokenizer2: folder('tokenizer_2', ['tokenizer.json', 'spiece.model']),
    openWeights: (component) => WeightStore.open(join(path, component), { openFile, variant: options.variant }),
  };
  checkWidths(opened);
  return opened;
}

function readIndex(path: string): JsonObject {
  if (kindOf(path) !== 'folder') throw new FluxionError('not_found', `${path}: no such folder`);
  const file = join(path, 'model_index.json');
  if (kindOf(file) === 'missing') {
    throw new FluxionError('not_found', `${path}: no model_index.json, so this is not a diffusers pipeline folder`, {
      hint: 'give the folder that holds transformer, text_encoder, vae and the others',
    });
  }
  return readJsonObject(file, readingFile);
}

function readClassName(index: JsonObject, file: string): string {
  const name = index.get('_class_name');
  if (typeof name === 'string' && CLASSES.includes(name)) return name;
  const kind = typeof name === 'string' ? 'unsupported' : 'bad_file';
  throw new FluxionError(
    kind,
    `${file}: _class_name: expected a FLUX.1 pipeline such as 'FluxPipeline', found ${describeJson(name)}`,
  );
}

/** The text encoders must feed the transformer the widths it was built for. */
function checkWidths({ path, transformer, clip, t5 }: PipelineFolder): void {
  const check = (field: string, expected: number, encoder: string, found: number): void => {
    if (expected === found) return;
    throw new FluxionError(
      'bad_weights',
      `${path}: transformer ${field} is ${expected}, but ${encoder} gives ${found}`,
    );
  };
  check('joint_attention_dim', transformer.jointAttentionDim, 'text_encoder_2 d_model', t5.width);
  check('pooled_projection_dim', transformer.pooledDim, 'text_encoder hidden_size', clip.width);
}
