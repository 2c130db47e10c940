/** `fluxion inspect`: describes a picture, a weight file or a model folder. */

import { readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { oneLine } from '../../support/quote.ts';
import { openRegular, readRegular } from '../../support/regular-file.ts';
import { fileCommand } from '../args.ts';
import { answer, OK, UsageError } from '../command.ts';
import { JSON_FLAG, optionLines } from '../flags.ts';
import type { Findings } from './inspect-model.ts';

const FLAGS = {
  keys: { help: 'lists every key of a weight file with dtype and shape, not only the first ones' },
  ...JSON_FLAG,
};

const HELP = `fluxion inspect FILE | FOLDER

Explains
  a picture        PNG, JPEG or WebP: its recipe, and the parameters that other programs write
  weights          safetensors (single or sharded) or GGUF: the models in the file, their names and encodings, metadata
  a LoRA           its dialect, the modules that it changes, ranks, unknown keys
  a model folder   components, sizes, published models with the same architecture

Examples
  fluxion inspect flux_0.png
  fluxion inspect models/tiny
  fluxion inspect transformer/diffusion_pytorch_model.safetensors --keys
  fluxion inspect flux_0.png --json

Options
${optionLines(FLAGS)}
`;

/** Bytes; larger files are not Fluxion's pictures. */
const PICTURE_LIMIT = 512 * 2 ** 20;
/** How PNG, JPEG and WebP files begin, in hexadecimal. */
const PICTURE = /^(89504e470d0a1a0a|ffd8ff|52494646.{8}57454250)/;

export default fileCommand({
  flags: FLAGS,
  help: HELP,

  async run({ flags, words }) {
    const [path, ...others] = words;
    if (path === undefined)
      throw new UsageError('bad_config', 'which file or folder?', { hint: 'fluxion inspect FILE' });
    if (others.length > 0) throw new UsageError('bad_config', `one at a time: '${path}' or '${others[0]}'`);
    const { lines, data } = await findings(path, flags.keys ? 'all' : 'first');
    answer(
      flags.json,
      { path, ...data },
      lines.map((line) => oneLine(line)),
    );
    return OK;
  },
});

async function findings(given: string, keys: 'all' | 'first'): Promise<Findings> {
  const { meantFolder, notThere } = await import('../../models.ts');
  const info = statSync(given, { throwIfNoEntry: false });
  if (!info) {
    const { code, message, hint } = notThere(given);
    throw new UsageError(code, message, { hint });
  }
  const path = meantFolder(given);
  const isFolder = info.isDirectory() || path !== given;
  if (!isFolder && PICTURE.test(startOf(path))) {
    return (await import('./inspect-picture.ts')).inspectPicture(path, readRegular(path, PICTURE_LIMIT));
  }
  const models = await import('./inspect-model.ts');
  const isPipeline = isFolder && statSync(join(path, 'model_index.json'), { throwIfNoEntry: false }) !== undefined;
  return isPipeline ? models.inspectPipeline(path) : models.inspectWeights(path, keys);
}

/** The first twelve bytes in hexadecimal. */
function startOf(path: string): string {
  const start = Buffer.alloc(12);
  using file = openRegular(path);
  return start.toString('hex', 0, readSync(file.descriptor, start));
}
