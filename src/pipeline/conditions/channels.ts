/**
 * Pictures beside the latents, for models whose tokens have room for them: edges or depths (FLUX.1 Canny and Depth, as models or as LoRAs;
 * diffusers `FluxControlPipeline`), or a masked picture and its mask (FLUX.1 Fill; `FluxFillPipeline`).
 */

import type { Tool } from '../../families/flux1/tools.ts';
import { masked } from '../../picture/mask.ts';
import { fillMask } from '../../sampling/mask-latents.ts';
import type { Condition, ConditionRequest, PictureMaking } from './condition.ts';
import { imageOf, maskOf, ofValues, sized } from './sized.ts';

/** Makes the condition for a model with further input channels. */
export function channels(asked: ConditionRequest): Condition | undefined {
  const { tool } = asked;
  return tool === 'control' || tool === 'fill' ? BY_TOOL[tool](asked) : undefined;
}

const BY_TOOL: Readonly<Record<Tool, (asked: ConditionRequest) => Condition>> = {
  control(asked) {
    const picture = sized(asked.inputs.controlImage![0]!, asked);
    const { inChannels, outChannels } = asked.transformer;
    return {
      key: ['control'],
      programs: { addedChannels: 2 * outChannels - inChannels },
      pictures: [picture],
      before: (making) => give(making, making.sample(picture)),
    };
  },
  fill(asked) {
    const mask = maskOf(asked);
    const picture = ofValues(masked(imageOf(asked).values, mask), asked.size);
    const { tokens } = asked.size;
    const packed = fillMask(mask, asked.size);
    return {
      key: ['fill'],
      programs: {},
      pictures: [picture],
      after: (making) => give(making, sideBySide([making.sample(picture), packed], tokens)),
    };
  },
};

function give({ given }: PictureMaking, channels: Float32Array): void {
  given['channels'] = channels;
}

/** Joins values of tokens [l, c] along their channels. */
function sideBySide(parts: readonly Float32Array[], tokens: number): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  const wide = out.length / tokens;
  let before = 0;
  for (const part of parts) {
    const each = part.length / tokens;
    for (let token = 0; token < tokens; token++)
      out.set(part.subarray(token * each, (token + 1) * each), token * wide + before);
    before += each;
  }
  return out;
}
