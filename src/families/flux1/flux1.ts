/** The FLUX.1 family: the only table of the parts of its models. */

import type { ClipConfig } from '../../models/clip.ts';
import type { FluxConfig } from '../../models/flux.ts';
import type { T5Config } from '../../models/t5.ts';
import type { VaeConfig } from '../../models/vae.ts';
import type { SchedulerConfig } from '../../sampling/schedule.ts';
import type { ComponentName, Family, ModelParts } from '../../weights/folders/family.ts';
import type { ModelSource } from '../../weights/folders/pipeline-folder.ts';
import { AUTOENCODER } from './autoencoder.ts';
import { CLIP } from './clip.ts';
import { CONTROLNET } from './controlnet.ts';
import { IMAGE_ENCODER } from './image-encoder.ts';
import { REDUX } from './redux.ts';
import { SCHEDULER, STANDARD_SCHEDULER } from './scheduler.ts';
import { T5 } from './t5.ts';
import { toolOf } from './tools.ts';
import { TRANSFORMER } from './transformer.ts';

/** The configs of a FLUX.1 model. */
export type ModelSizes = {
  readonly transformer: FluxConfig;
  readonly clip: ClipConfig;
  readonly t5: T5Config;
  readonly vae: VaeConfig;
  readonly scheduler: SchedulerConfig;
};

/** Picks the configs out of a model's source. */
export const sizesOf = ({ transformer, clip, t5, vae, scheduler }: ModelSizes): ModelSizes => ({
  transformer,
  clip,
  t5,
  vae,
  scheduler,
});

/** A FLUX.1 model that was opened; its weights are still on disk. */
export type Flux1Source = ModelSource<ModelSizes>;
/** Files and folders given in place of parts of a FLUX.1 model. */
export type Flux1Parts = ModelParts<ModelSizes>;

/** FLUX.1 text-to-image. */
export const FLUX1: Family<ModelSizes> = {
  title: 'FLUX.1',
  components: [TRANSFORMER, CLIP, T5, AUTOENCODER],
  extras: [CONTROLNET, REDUX, IMAGE_ENCODER],
  scheduler: { ...SCHEDULER, published: ({ transformer }) => publishedScheduler(transformer) },
  // Kontext's network is dev's.
  pipelines: [
    'FluxPipeline',
    'FluxImg2ImgPipeline',
    'FluxInpaintPipeline',
    'FluxKontextPipeline',
    'FluxKontextInpaintPipeline',
    'FluxFillPipeline',
    'FluxControlPipeline',
    'FluxControlImg2ImgPipeline',
    'FluxControlInpaintPipeline',
    'FluxControlNetPipeline',
    'FluxControlNetImg2ImgPipeline',
    'FluxControlNetInpaintPipeline',
  ],
  absent: ['feature_extractor', 'image_encoder'],
  agreements: ({ transformer, clip, t5, vae }) => [
    ['joint_attention_dim', t5.width, transformer.jointAttentionDim, 'text_encoder_2 d_model'],
    ['pooled_projection_dim', clip.width, transformer.pooledDim, 'text_encoder hidden_size'],
    ['out_channels', 4 * vae.latentChannels, transformer.outChannels, 'vae latent_channels × 4'],
    [
      'in_channels',
      toolOf(transformer, vae) ? transformer.inChannels : transformer.outChannels,
      transformer.inChannels,
      'out_channels (a control model has twice as many, and Fill also has channels for a mask)',
    ],
  ],
};

/** The parts of a model that options can replace: its components, and the tokenizers. */
export const PART_NAMES = [...FLUX1.components.map(({ name }) => name), 'tokenizer'] as readonly (
  | ComponentName<ModelSizes>
  | 'tokenizer'
)[];

/** The sampler settings of published FLUX.1 models: models with guidance (dev) shift by the size of the picture, the others (schnell) do not shift. */
export function publishedScheduler({ guidanceEmbeds }: Pick<FluxConfig, 'guidanceEmbeds'>): SchedulerConfig {
  return { ...STANDARD_SCHEDULER, shift: guidanceEmbeds ? 3 : 1, useDynamicShifting: guidanceEmbeds };
}
