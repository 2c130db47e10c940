/** FLUX.1 tools: transformers whose tokens have room for more than a latent (https://bfl.ai/flux-1-tools). */

import type { FluxConfig } from '../../models/flux.ts';
import { pixelsPerLatent, type VaeConfig } from '../../models/vae.ts';

/** `control` (Canny, Depth): a picture's latents beside the denoised ones. `fill`: a masked picture's latents, and the mask. */
export type Tool = 'control' | 'fill';

/** Which tool a transformer is, or `plain`; `undefined` if its channels fit none. */
export function toolOf(transformer: Pick<FluxConfig, 'inChannels'>, vae: VaeConfig): Tool | 'plain' | undefined {
  const latent = 4 * vae.latentChannels;
  // A mask has one channel for each pixel of a latent, and a patch is two by two latents.
  const channels = { plain: latent, control: 2 * latent, fill: 2 * latent + 4 * pixelsPerLatent(vae) ** 2 };
  return (['plain', 'control', 'fill'] as const).find((tool) => channels[tool] === transformer.inChannels);
}
