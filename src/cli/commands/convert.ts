/** `fluxion convert`: rewrites weights with other names, another number format or another container. */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ConvertOptions,
  ENCODINGS,
  FLUX1,
  NAMES,
  openForConversion,
  convert as rewrite,
  tokenizerFolders,
} from '../../models.ts';
import { explaining } from '../../support/system-error.ts';
import { chosen, fileCommand } from '../args.ts';
import { answer, OK, readingUsage, UsageError } from '../command.ts';
import { JSON_FLAG, optionLines } from '../flags.ts';
import { bytes, Progress } from '../terminal/render.ts';

const PARTS = FLUX1.components.map(({ name }) => name);

const FLAGS = {
  type: {
    takes: 'TYPE',
    help: `type of matrices: ${ENCODINGS.join(', ')} (default: bf16);\nvectors, embeddings of time and guidance, CLIP and the autoencoder stay wider`,
  },
  names: {
    takes: 'NAMES',
    help: 'single: the names of single files (default for files); diffusers: those of diffusers (default for folders)',
  },
  part: { takes: 'PART', help: `the one part to write: ${PARTS.join(', ')}` },
  tokenizer: {
    takes: 'FOLDER',
    help: 'for a pipeline folder: copy the tokenizers and the scheduler from here\n(default: a model folder among the inputs)',
  },
  shard: { takes: 'GB', help: 'for a folder: largest size of one file (default: 10)' },
  ...JSON_FLAG,
  quiet: { help: 'no progress' },
};

const HELP = `fluxion convert FILE | FOLDER … OUTPUT

Rewrites the weights of a Flux transformer, CLIP, T5 or autoencoder. Inputs are safetensors or GGUF files, in any common names,
quantised or not. OUTPUT is a .safetensors or .gguf file, or a folder in the diffusers layout. Several models, or a whole model
folder, become an all-in-one file for ComfyUI or a complete diffusers folder. Only one tensor is in memory at a time, and the
output appears only when it is complete.

Examples
  fluxion convert flux1-dev.safetensors flux1-dev-Q8_0.gguf --type q8_0
  fluxion convert FOLDER all-in-one.safetensors --type fp8_scaled
  fluxion convert FOLDER/transformer flux1.safetensors
  fluxion convert all-in-one.safetensors vae.safetensors --part vae --names diffusers
  fluxion convert all-in-one.safetensors FOLDER --tokenizer OTHER_MODEL_FOLDER

Options
${optionLines(FLAGS)}
`;

export default fileCommand({
  flags: FLAGS,
  choices: { '--type': ENCODINGS, '--names': NAMES, '--part': PARTS },
  help: HELP,

  async run({ flags, words }, { signal }) {
    const output = words.at(-1);
    const inputs = words.slice(0, -1);
    if (output === undefined || inputs.length === 0) {
      throw new UsageError('bad_config', 'which weights, and which file to write?', {
        hint: 'fluxion convert FILE OUTPUT.safetensors',
      });
    }
    const container = containerOf(output);
    if (existsSync(output))
      throw new UsageError('io', `${output}: already exists`, { hint: 'remove it, or choose another name' });
    for (const path of inputs) readingUsage(() => explaining(path, () => statSync(path)));
    const { type = 'bf16', tokenizer: given, shard } = flags;
    const encoding = chosen('--type', type, ENCODINGS);
    const names = chosen('--names', flags.names ?? (container === 'folder' ? 'diffusers' : 'single'), NAMES);
    const only = flags.part === undefined ? undefined : chosen('--part', flags.part, PARTS);

    const base = given ?? inputs.find((path) => existsSync(join(path, 'tokenizer')));
    if (given !== undefined && !existsSync(join(given, 'tokenizer')))
      throw new UsageError('not_found', `--tokenizer ${given}: it has no folder 'tokenizer'`);
    const shardSize = shard === undefined ? undefined : 1e9 * positive('--shard', shard);

    using progress = Progress.for(flags);
    using stores = openForConversion(FLUX1, inputs, { decoded: 'f32' });
    const options = { encoding, names, container, only, base, shardSize } as const;
    let size = 0;
    let told = -1;
    await rewrite(FLUX1, stores, output, {
      ...options,
      signal,
      onProgress(done, total) {
        size = total;
        const twentieth = Math.floor((20 * done) / total);
        if (twentieth === told) return;
        told = twentieth;
        progress.activity(`${output}: ${bytes(done)} of ${bytes(total)}`);
      },
    });
    answer(flags.json, { path: output, bytes: size, type: encoding, names }, [output]);
    if (existsSync(join(output, 'model_index.json')) && base === undefined) {
      process.stderr.write(
        `${output} has no tokenizers: copy ${tokenizerFolders(FLUX1).join(' and ')} of any FLUX.1 folder into it\n`,
      );
    }
    return OK;
  },
});

/** The container that a name asks for: a folder, unless the name ends like a weights file. */
function containerOf(output: string): ConvertOptions['container'] {
  if (/\.gguf$/i.test(output)) return 'gguf';
  if (/\.safetensors$/i.test(output)) return 'safetensors';
  if (/\.(sft|bin|pt|pth|ckpt|onnx|json)$/i.test(output))
    throw new UsageError(
      'bad_config',
      `${output}: expected a name ending in .safetensors or .gguf, or that of a folder`,
    );
  return 'folder';
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1e6) return value;
  throw new UsageError('bad_config', `${flag}: expected a size in gigabytes, found '${text}'`);
}
