/**
 * Pictures in the prompt (FLUX.1 Redux; diffusers `FluxPriorReduxPipeline`): their tokens follow the text tokens. Several pictures are
 * mixed as a weighted sum of each one's text and tokens.
 */

import { siglipTokens } from '../../models/siglip.ts';
import type { Condition, ConditionRequest, EncodedPrompt } from './condition.ts';
import { eachOf } from './residuals.ts';
import { squared } from './sized.ts';

/** Makes the condition of `redux_image`. */
export function embeds({ request, inputs, extras }: ConditionRequest): Condition | undefined {
  const encoder = extras.redux?.encoder.config;
  if (!inputs.reduxImage || !encoder) return undefined;
  const pictures = inputs.reduxImage.map((picture) => squared(picture, encoder.imageSize));
  const { promptEmbedsScale = 1, pooledPromptEmbedsScale = 1 } = request;
  const weights = pictures.map((_, i) => eachOf<number>(promptEmbedsScale, i));
  const pooledWeights = pictures.map((_, i) => eachOf<number>(pooledPromptEmbedsScale, i));
  const tokens = siglipTokens(encoder);
  return {
    key: ['embeds', tokens],
    programs: { promptTokens: tokens },
    pictures: [],
    prompt: {
      key: JSON.stringify([pictures.map(({ key }) => key), weights, pooledWeights]),
      pictures,
      join({ sequence, pooled }, tokensOf) {
        const images = pictures.map((picture) => tokensOf(picture));
        const joined = new Float32Array(sequence.length + images[0]!.length);
        joined.set(scaled(sequence, weights));
        for (let i = 0; i < images[0]!.length; i++)
          joined[sequence.length + i] = images.reduce((sum, image, k) => sum + weights[k]! * image[i]!, 0);
        return { sequence: joined, pooled: scaled(pooled, pooledWeights) };
      },
    },
  };
}

function scaled(values: EncodedPrompt['pooled'], weights: readonly number[]): Float32Array {
  const weight = weights.reduce((sum, each) => sum + each, 0);
  return values.map((value) => weight * value);
}
