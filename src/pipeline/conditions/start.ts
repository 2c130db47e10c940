/** A picture to start from, with as much noise as the strength asks for (diffusers `FluxImg2ImgPipeline`). */

import type { Condition, ConditionRequest } from './condition.ts';
import { imageOf } from './sized.ts';

/** Makes the condition of `image`. */
export function start(asked: ConditionRequest): Condition | undefined {
  if (!asked.inputs.image) return undefined;
  const picture = imageOf(asked);
  return {
    key: ['start'],
    programs: {},
    pictures: [picture],
    before(making) {
      making.known = making.sample(picture);
    },
    after(making) {
      const { known, from } = making;
      making.given['latents'] = making.given['latents']!.map(
        (noise, i) => from.sigma * noise + (1 - from.sigma) * known![i]!,
      );
    },
  };
}
