/** `fluxion convert`: weights rewritten under other names, in other numbers, in another format. */

import { existsSync } from 'node:fs';
import { ENCODINGS, type ModelFamily, NAMES, openForConversion, convert as rewrite } from '../models.ts';
import { nearest } from '../support/errors.ts';
import { sortWords } from './args.ts';
import { type Command, OK, printJson, UsageError } from './command.ts';
import { bytes, Progress } from './render.ts';

const PARTS = { transformer: 'flux', clip: 'clip', t5: 't5', vae: 'vae' } as const satisfies Record<
  string,
  ModelFamily
>;

const HELP = `fluxion convert FILE | FOLDER … OUTPUT

Rewrites the weights of a Flux transformer, CLIP, T5 or autoencoder, from any format that is read: safetensors or GGUF, in
anyone's names, quantised or not. OUTPUT is a .safetensors or .gguf file. Several models in one file, or a whole model folder,
become an all-in-one file as ComfyUI reads it. One tensor is in memory at a time; the file appears when it is whole.

Examples
  fluxion convert flux1-dev.safetensors flux1-dev-Q8_0.gguf --type q8_0
  fluxion convert FOLDER all-in-one.safetensors --type fp8_scaled
  fluxion convert FOLDER/transformer flux1.safetensors
  fluxion convert all-in-one.safetensors vae.safetensors --part vae --names diffusers

Options
  --type TYPE    what matrices become: ${ENCODINGS.join(', ')} (default: bf16);
                 vectors, embeddings of time and guidance, CLIP and the autoencoder stay wider
  --names NAMES  single: as single files have them (default); diffusers: as diffusers' folders have them
  --part PART    one of ${Object.keys(PARTS).join(', ')}, where there are several
  --json         one JSON object on standard output
  --quiet        no progress
  -h, --help     this text
`;

/** The command. */
const convert: Command = {
  help: () => HELP,

  async run(argv, { signal }) {
    const { flags, words } = sortWords(argv, {
      type: 'string', names: 'string', part: 'string', json: 'boolean', quiet: 'boolean',
    }); // biome-ignore format: one line
    const output = words.at(-1);
    const inputs = words.slice(0, -1);
    if (output === undefined || inputs.length === 0) {
      throw new UsageError('bad_config', 'which weights, and which file to write?', {
        hint: 'fluxion convert FILE OUTPUT.safetensors',
      });
    }
    const container = /\.gguf$/i.test(output) ? 'gguf' : /\.safetensors$/i.test(output) ? 'safetensors' : undefined;
    if (!container) throw new UsageError('bad_config', `${output}: expected a name ending in .safetensors or .gguf`);
    if (existsSync(output))
      throw new UsageError('io', `${output}: is there already`, { hint: 'remove it, or choose another name' });
    const encoding = oneOf('--type', flags.type, ENCODINGS, 'bf16');
    const names = oneOf('--names', flags.names, NAMES, 'single');
    const part =
      flags.part === undefined
        ? undefined
        : oneOf('--part', flags.part, Object.keys(PARTS) as (keyof typeof PARTS)[], 'transformer');

    using progress = Progress.for(flags.quiet ? 'quiet' : 'shown');
    using stores = openForConversion(inputs, { decoded: 'f32' });
    const options = { encoding, names, container, only: part && PARTS[part] } as const;
    let size = 0;
    let told = -1;
    await rewrite(stores, output, {
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
    if (flags.json) printJson({ path: output, bytes: size, type: encoding, names });
    else process.stdout.write(`${output}\n`);
    return OK;
  },
};

export default convert;

function oneOf<T extends string>(flag: string, given: string | true | undefined, known: readonly T[], missing: T): T {
  if (given === undefined) return missing;
  const found = known.find((choice) => choice === given);
  if (found !== undefined) return found;
  const near = nearest(String(given), known, 1)[0];
  throw new UsageError('bad_config', `${flag}: there is no '${String(given)}'`, {
    hint: `${near ? `did you mean '${near}'? ` : ''}choose one of ${known.join(', ')}`,
  });
}
