/**
 * Reference pictures as tokens after the image tokens (FLUX.1 Kontext, https://arxiv.org/abs/2506.15742; diffusers `FluxKontextPipeline`).
 * The first axis of their positions counts the pictures from 1.
 */

import type { Condition, ConditionRequest } from './condition.ts';
import { referenced } from './sized.ts';

/** Makes the condition of `reference_image`. */
export function tokens(asked: ConditionRequest): Condition | undefined {
  const pictures = asked.inputs.referenceImage?.map((picture) => referenced(picture, asked)) ?? [];
  if (pictures.length === 0) return undefined;
  const sizes = pictures.map(({ size }) => size);
  return {
    key: ['tokens', ...sizes],
    programs: { references: sizes },
    pictures,
    after(making) {
      making.given['reference'] = Float32Array.from(pictures.flatMap((picture) => [...making.mean(picture)]));
    },
  };
}
