/** The networks beside a model: ControlNets, and FLUX.1 Redux with its image encoder. Finds them, opens them, and checks them against the model. */

import { join } from 'node:path';
import type { BESIDE_FIELDS, LoadOptions } from '../api/load.ts';
import { CONTROLNET, controlNetAgreements } from '../families/flux1/controlnet.ts';
import { FLUX1, type ModelSizes } from '../families/flux1/flux1.ts';
import { IMAGE_ENCODER } from '../families/flux1/image-encoder.ts';
import { REDUX, reduxAgreements } from '../families/flux1/redux.ts';
import type { ControlNetConfig } from '../models/controlnet.ts';
import { pixelsPerLatent } from '../models/vae.ts';
import { FluxionError } from '../support/errors.ts';
import { userPath } from '../support/user-path.ts';
import { kindOf } from '../weights/files/file-bytes.ts';
import { type ExtraSource, openExtra, requireExtraFits } from '../weights/folders/extras.ts';
import { meantFolder } from '../weights/folders/model-folder.ts';
import type { OpenTensorsOptions } from '../weights/folders/open.ts';
import { findExtra } from '../weights/hub/extra.ts';
import type { ReduxSource } from './image-prompts.ts';

/** The paths of the networks; Redux has two, which may be in one folder. */
export interface ExtraPaths {
  readonly controlnet: readonly string[];
  readonly redux?: { readonly projector: string; readonly encoder: string };
}

/** Networks that were opened; their weights are still on disk. */
export interface Extras {
  readonly paths: ExtraPaths;
  readonly controlnets: readonly ExtraSource<ControlNetConfig>[];
  readonly redux: ReduxSource | undefined;
}

/** Most ControlNets of a model. */
const MOST = 8;

/**
 * Finds the networks that options name, downloading missing ones from the hub; if no ControlNet is named, takes those saved with the
 * pipeline. Throws `bad_config`, `not_found`.
 */
export async function findExtras(
  { controlnet, redux, imageEncoder }: Pick<LoadOptions, (typeof BESIDE_FIELDS)[number]>,
  pull: Pick<LoadOptions, 'signal' | 'onProgress'>,
  model?: string,
): Promise<ExtraPaths> {
  const nets = [controlnet ?? (model === undefined ? [] : netsIn(model))].flat();
  if (nets.length > MOST)
    throw new FluxionError('bad_config', `controlnet: expected at most ${MOST}, found ${nets.length}`);
  const found: string[] = [];
  for (const net of nets) found.push(await findExtra([CONTROLNET], userPath(net), pull));
  if (redux === undefined) {
    if (imageEncoder === undefined) return { controlnet: found };
    throw new FluxionError('bad_config', 'image_encoder has no use without redux', {
      hint: 'give redux=FILE, or redux=FOLDER of FLUX.1-Redux-dev, which has both',
    });
  }
  const isOne = imageEncoder === undefined;
  const projector = await findExtra(isOne ? [REDUX, IMAGE_ENCODER] : [REDUX], userPath(redux), pull);
  const encoder = isOne ? projector : await findExtra([IMAGE_ENCODER], userPath(imageEncoder), pull);
  if (isOne && kindOf(projector) !== 'missing' && kindOf(join(meantFolder(projector), 'model_index.json')) !== 'file') {
    throw new FluxionError('not_found', `${projector}: has only the Redux projector; the image encoder is missing`, {
      hint: 'add image_encoder=FILE, such as sigclip_vision_patch14_384.safetensors, or give the whole folder of FLUX.1-Redux-dev',
    });
  }
  return { controlnet: found, redux: { projector, encoder } };
}

/** The folders of ControlNets in a pipeline's, as diffusers saves them: `controlnet`, `controlnet_1`, … */
function netsIn(model: string): string[] {
  const folder = meantFolder(model);
  const places = Array.from({ length: MOST }, (_, i) => join(folder, i === 0 ? 'controlnet' : `controlnet_${i}`));
  return places.filter((place) => kindOf(join(place, CONTROLNET.configFile)) === 'file');
}

/**
 * Opens networks for a model, reading only configs and headers. Throws `bad_weights` if their sizes do not fit the model, and what
 * `openExtra` throws.
 */
export function openExtras(
  paths: ExtraPaths,
  { transformer, vae }: Pick<ModelSizes, 'transformer' | 'vae'>,
  reading: OpenTensorsOptions,
): Extras {
  const controlnets = paths.controlnet.map((path) => {
    const net = openExtra(FLUX1, CONTROLNET, path, reading, { ...transformer, patchSize: 1 });
    requireExtraFits(net, controlNetAgreements(net.config, transformer, pixelsPerLatent(vae)));
    return net;
  });
  if (!paths.redux) return { paths, controlnets, redux: undefined };
  const encoder = openExtra(FLUX1, IMAGE_ENCODER, paths.redux.encoder, reading);
  const projector = openExtra(FLUX1, REDUX, paths.redux.projector, reading);
  requireExtraFits(projector, reduxAgreements(projector.config, encoder.config, transformer));
  return { paths, controlnets, redux: { encoder, projector } };
}
