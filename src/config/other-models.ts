/** Recognises MaxDiffusion's configuration files of other models by the model they name, before their keys are read. */

import { FluxionError } from '../support/errors.ts';

/** The keys that name a model, and the models by a part of their names; MaxDiffusion's spellings first. */
const NAMING = ['flux_name', 'model_name', 'model_type', 'pretrained_model_name_or_path', 'unet_checkpoint'];
const OTHERS: readonly (readonly [part: RegExp, what: string])[] = [
  [/flux[._-]?2.*klein|flux2klein/i, 'FLUX.2 [klein]'],
  [/flux[._-]?2(?![\d])/i, 'FLUX.2'],
  [/flux[._-]?1[._-]?redux/i, 'FLUX.1 Redux, a network for use beside a model: redux=FOLDER'],
  [/\bwan[\d._-]|wan-ai/i, 'Wan, a video model'],
  [/\bltx/i, 'LTX, a video model'],
  [/stable-?diffusion-xl|sdxl/i, 'Stable Diffusion XL'],
  [/stable-?diffusion/i, 'Stable Diffusion'],
  [/z-?image/i, 'Z-Image'],
  [/qwen-?image/i, 'Qwen-Image'],
  [/\bchroma/i, 'Chroma'],
  [/ideogram/i, 'Ideogram'],
  [/photoroom\/prx|\bprx/i, 'PRX'],
];

/** Throws `unsupported` for a file whose entries name a model that this program does not run; */
export function refuseOtherModels(
  file: string,
  entries: readonly { readonly key: string; readonly text: unknown }[],
): void {
  for (const { key, text } of entries) {
    const other =
      NAMING.includes(key.toLowerCase()) && typeof text === 'string' && OTHERS.find(([part]) => part.test(text));
    if (!other) continue;
    throw new FluxionError('unsupported', `${file}: this is a configuration of ${other[1]}, which is not supported`, {
      hint: 'this program runs FLUX.1 text-to-image: base_flux_schnell.yml, base_flux_dev.yml, base_flux_tiny.yml',
    });
  }
}
