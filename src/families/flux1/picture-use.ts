/** What a FLUX.1 model makes of one picture: its tensors tell Fill and Control; Kontext, whose network is dev's, goes by its names. */

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
