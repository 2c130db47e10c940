/**
 * Pictures for ControlNets, whose residuals steer the transformer (diffusers `FluxControlNetPipeline`): one for each net, or any number for
 * a single net.
 */

import type { CheckedRequest } from '../../api/request.ts';
import { givenNames } from '../controlnet.ts';
import type { Condition, ConditionRequest, PictureMaking } from './condition.ts';
import { sized } from './sized.ts';

/** Makes the condition of `control_image` if the model has ControlNets. */
export function residuals(asked: ConditionRequest): Condition | undefined {
  const { request, inputs, evaluations } = asked;
  const { controlnets } = asked.extras;
  if (controlnets.length === 0) return undefined;
  const all = inputs.controlImage!.map((picture, i) => {
    const net = controlnets.length === 1 ? 0 : i;
    const { hintChannels, modes } = controlnets[net]!.config;
    return {
      net,
      picture: sized(picture, asked),
      takesPixels: hintChannels !== undefined,
      mode: modes === undefined ? undefined : eachOf(request.controlMode, i),
      scales: scalesOf(request, i, evaluations),
    };
  });
  const nets = all.map(({ net }) => net);
  return {
    key: ['residuals', nets],
    programs: { nets },
    pictures: all.filter(({ takesPixels }) => !takesPixels).map(({ picture }) => picture),
    before(making: PictureMaking) {
      for (const [i, { picture, takesPixels, mode, scales }] of all.entries()) {
        const names = givenNames(i);
        if (takesPixels) making.given[names.pixels] = picture.values;
        else making.given[names.control] = making.sample(picture);
        if (typeof mode === 'number') making.given[names.mode] = Float32Array.of(mode);
        making.given[names.scale] = scales;
      }
    },
  };
}

/** A picture's value, from one value for all or a list with one for each. */
export function eachOf<T>(values: T | readonly T[], picture: number): T {
  return Array.isArray(values) ? (values as readonly T[])[picture]! : (values as T);
}

/** The strength of a control picture in every evaluation: 0 before its start and after its end (`controlnet_keep`). */
function scalesOf(request: CheckedRequest, picture: number, evaluations: number): Float32Array {
  const { controlnetConditioningScale = 1, controlGuidanceStart = 0, controlGuidanceEnd = 1 } = request;
  const [scale, start, end] = [controlnetConditioningScale, controlGuidanceStart, controlGuidanceEnd].map((values) =>
    eachOf<number>(values, picture),
  ) as [number, number, number];
  return Float32Array.from({ length: evaluations }, (_, i) =>
    i / evaluations < start || (i + 1) / evaluations > end ? 0 : scale,
  );
}
