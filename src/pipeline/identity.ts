/** The identity of an opened model, as recipes record it. */

import { fingerprint } from '../weights/files/fingerprint.ts';
import type { AdaptedPrompt } from './adapted-prompt.ts';
import type { OpenModel } from './open-model.ts';
import { type Identity, recipeLora } from './recipe.ts';
import { besideFiles, partFiles, travellingName } from './travelling.ts';

/** Returns a function from a prompt's LoRAs to the model's identity; it reads the files once. */
export function identityOf({ name, source, options, extras, types, scheduler, runtime }: OpenModel) {
  const { random, paths, path } = source;
  let files: Pick<Identity, 'fingerprint' | 'base' | 'parts' | 'beside'> | undefined;
  return ({ loras }: AdaptedPrompt): Identity => {
    files ??= {
      ...(!random && { fingerprint: fingerprint(paths) }),
      base: travellingName(path),
      parts: partFiles(options),
      beside: besideFiles(extras.paths),
    };
    return {
      name,
      ...files,
      ...(random && { weights: 'random' }),
      types,
      scheduler,
      device: runtime.platform.name,
      precision: runtime.precision,
      loras: loras.map(recipeLora),
    };
  };
}
