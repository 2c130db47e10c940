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
import { nearest } from '../../support/errors.ts';
import { explaining } from '../../support/system-error.ts';
import { sortWords } from '../args.ts';
import { answer, type Command, OK, readingUsage, UsageError } from '../command.ts';
import { bytes, Progress } from '../terminal/render.ts';

const PARTS = FLUX1.components.map(({ name }) => name);

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
  --type TYPE    type of matrices: ${ENCODINGS.join(', ')} (default: bf16);
                 vectors, embeddings of time and guidance, CLIP and the autoencoder stay wider
  --names NAMES  single: the names of single files (default for files); diffusers: those of diffusers (default for folders)
  --part PART    the one part to write: ${PARTS.join(', ')}
  --tokenizer FOLDER
                 for a pipeline folder: copy the tokenizers and the scheduler from here
                 (default: a model folder among the inputs)
  --shard GB     for a folder: largest size of one file (default: 10)
  --json         one JSON object on standard output
  --quiet        no progress
  -h, --help     this text
`;

const FLAGS = {
  type: 'string', names: 'string', part: 'string', tokenizer: 'string', shard: 'string', json: 'boolean', quiet: 'boolean',
} as const; // biome-ignore format: one line

const convert: Command = {
  flags: FLAGS,
  choices: { '--type': ENCODINGS, '--names': NAMES, '--part': PARTS },
  help: () => HELP,

  async run(argv, { signal }) {
    const { flags, words } = sortWords(argv, FLAGS);
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
    const encoding = oneOf('--type', flags.type, ENCODINGS, 'bf16');
    const names = oneOf('--names', flags.names, NAMES, container === 'folder' ? 'diffusers' : 'single');
    const only = oneOf('--part', flags.part, PARTS, undefined);

    const given = flags.tokenizer === undefined ? undefined : String(flags.tokenizer);
    const base = given ?? inputs.find((path) => existsSync(join(path, 'tokenizer')));
    if (given !== undefined && !existsSync(join(given, 'tokenizer')))
      throw new UsageError('not_found', `--tokenizer ${given}: it has no folder 'tokenizer'`);
    const shardSize = flags.shard === undefined ? undefined : 1e9 * positive('--shard', String(flags.shard));

    using progress = Progress.for(flags.quiet ? 'quiet' : 'shown');
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
};

export default convert;

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

function oneOf<T extends string, M extends T | undefined>(
  flag: string,
  given: string | true | undefined,
  known: readonly T[],
  missing: M,
): T | M {
  if (given === undefined) return missing;
  const found = known.find((choice) => choice === given);
  if (found !== undefined) return found;
  const near = nearest(String(given), known, 1)[0];
  throw new UsageError('bad_config', `${flag}: there is no '${String(given)}'`, {
    hint: `${near ? `did you mean '${near}'? ` : ''}choose one of ${known.join(', ')}`,
  });
}
