/** Inpainting: outside a mask the picture is unchanged, as known latents are put back after every step (diffusers `FluxInpaintPipeline`). */

import { applyOverlay } from '../../picture/mask.ts';
import { maskLatents } from '../../sampling/mask-latents.ts';
import type { Condition, ConditionRequest } from './condition.ts';
import { maskOf } from './sized.ts';

/** Makes the condition of `mask_image`; Fill models take the mask as channels and need no blending. */
export function blend(asked: ConditionRequest): Condition | undefined {
  const { inputs, tool, vae, size, crop } = asked;
  if (!inputs.maskImage || tool === 'fill') return undefined;
  const mask = maskLatents(maskOf(asked), size, vae.latentChannels);
  return {
    key: ['blend'],
    programs: { blend: true },
    pictures: [],
    after(making) {
      making.given['known'] = making.known!;
      making.given['mask'] = mask;
      // diffusers encodes the masked picture too. The result is unused here, but its random draw precedes the noise of later steps.
      making.noise(size);
    },
    ...(crop && { finish: (picture) => applyOverlay(crop.mask, inputs.image![0]!.pixels, picture, crop.box) }),
  };
}
