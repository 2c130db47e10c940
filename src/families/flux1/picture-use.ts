/** What a FLUX.1 model uses a single picture for. Fill and Control are known by their tensors, Kontext, whose network is dev's, by its names. */

import { basename } from 'node:path';
import type { PictureUse } from '../../api/picture-use.ts';
import type { Flux1Source } from './flux1.ts';
import { toolOf } from './tools.ts';

/** `name` is the model's name. */
export function pictureUse({ transformer, vae, className, path, paths }: Flux1Source, name: string): PictureUse {
  const tool = toolOf(transformer, vae);
  if (tool === 'fill' || tool === 'control') return tool;
  const names = [name, className ?? '', ...[path, ...paths.values()].map((file) => basename(file))];
  return names.some((text) => /kontext/i.test(text)) ? 'reference' : 'start';
}
