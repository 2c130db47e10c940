/**
 * `fluxion redo`: a picture again, from the recipe inside it. Its whole batch is computed, as the last bits may depend on it,
 * and the one picture is written.
 */

import { type Arguments, splitArguments } from '../../config/overrides.ts';
import type { Config } from '../../config/schema.ts';
import { type Recipe, readRecipe, recipeConfig, requireRecipe, type SeedNumber } from '../../index.ts';
import { readRegular } from '../../support/regular-file.ts';
import { type Asked, readAsked } from '../asked.ts';
import { type Command, FAILURE, OK, printJson, readingUsage, type Session, UsageError } from '../command.ts';
import { type Comparison, comparePictures } from '../pictures/compare.ts';
import { OUTPUT_FLAGS, outputOf, type WrittenFile } from '../pictures/output.ts';
import { makePictures, printFiles, reportData, reportTable, requireWritable } from '../pictures/pictures.ts';
import { recipeFiles } from '../pictures/recipe-files.ts';
import { requireOneProcess } from '../settings.ts';
import { Progress, paint } from '../terminal/render.ts';

const FLAGS = {
  json: 'boolean',
  quiet: 'boolean',
  check: 'boolean',
  ...OUTPUT_FLAGS,
  'no-config': 'boolean',
} as const;

/** Larger files are no pictures of ours: 8192×8192 pixels are 192 MiB before compression. */
const SIZE_LIMIT = 512 * 2 ** 20;

const HELP = `fluxion redo PICTURE [key=value …] [-o FILE | -o FOLDER]

Makes a PNG, JPEG or WebP again from the recipe inside it, and writes it as the next free flux_N.png in output_dir. The same kind of
device, model and version give the same bytes. Keys on the command line change the recipe; 'fluxion help config' lists them. With
another seed, the picture is made alone and not as part of its batch.

Examples
  fluxion redo flux_0.png
  fluxion redo flux_0.png --check
  fluxion redo flux_0.png num_inference_steps=28 -o better.png
  fluxion redo flux_0.png seed=8 "a blue house in the mountains at sunset"
  fluxion redo flux_0.png pretrained_model_name_or_path=FOLDER
  fluxion redo flux_0.png lora_dir=FOLDER

Fluxion looks for models, parts and LoRAs where it saw them last, in lora_dir, beside the picture and below this folder, and checks
that their content is that of the recipe. pretrained_model_name_or_path=, transformer= and --lora name other files.

Options
  -o, --output PATH   the file to write (.png, .jpg or .webp; never over another without overwrite=True), or the folder
  --check             compares with the picture instead of writing: exit status 0 if the bytes are the same, otherwise 1
  --no-config         without your own settings (of these, redo uses only output and devices)
  --json              one JSON object on standard output
  --quiet             nothing on standard error but errors
  -h, --help          this text
`;

/** The command. */
const redo: Command = {
  flags: FLAGS,
  takesKeys: true,
  help: () => HELP,

  async run(argv, { signal }) {
    const words = readingUsage(() => splitArguments(argv, FLAGS));
    const [path, ...prompts] = words.prompts;
    if (path === undefined) {
      throw new UsageError('bad_config', 'which picture?', { hint: 'fluxion redo PICTURE.png' });
    }
    const original = readPicture(path);
    const recipe = requireRecipe(original, path);
    const { format } = readRecipe(original, path);
    const { config, sources, notes } = await configOf(recipe, path, words, prompts, { signal });
    requireOneProcess(config, 'redo');
    const output = outputOf(words, { config, sources });
    if (words.flags['check'] !== true) await requireWritable(output.folder);
    const progress = Progress.for(words.flags['quiet'] === true ? 'quiet' : 'shown');
    for (const note of notes) progress.say(`${paint('dim', 'note:')} ${note}`);

    const wanted = indexOf(recipe, config);
    const files: WrittenFile[] = [];
    const checks: (Comparison & { readonly seed: SeedNumber })[] = [];
    const differences = new Set<string>();
    const outcome = await makePictures(config, {
      sources,
      progress,
      signal,
      output,
      async onImage(image, index, nodes) {
        if (wanted !== undefined && index !== wanted) return;
        for (const difference of differencesOf(recipe, image.recipe)) differences.add(difference);
        if (words.flags['check'] === true) {
          checks.push({ ...(await comparePictures(original, await image.encode(format))), seed: image.seed });
        } else files.push(await output.write(image, index, nodes));
      },
    });
    for (const difference of differences) progress.say(`${paint('yellow', 'warning:')} ${difference}`);

    const status = checks.every(({ identical }) => identical) ? OK : FAILURE;
    if (words.flags['json'] === true) {
      const compared = words.flags['check'] === true ? { checks } : { files };
      printJson({ original: path, ...compared, differences: [...differences], ...reportData(outcome, config), notes });
      return status;
    }
    await printFiles(files, config);
    for (const check of checks) process.stdout.write(`${path}: ${verdict(check)}\n`);
    progress.say(...reportTable(outcome));
    return status;
  },
};

export default redo;

function readPicture(path: string): Uint8Array {
  return readingUsage(() => readRegular(path, SIZE_LIMIT));
}

async function configOf(
  recipe: Recipe,
  path: string,
  words: Arguments,
  prompts: readonly string[],
  session: Pick<Session, 'signal'>,
): Promise<Asked> {
  if (words.file !== undefined) {
    throw new UsageError('bad_config', `a picture brings its own configuration, so '${words.file}' has no place here`, {
      hint: `fluxion generate ${words.file} makes a picture from it`,
    });
  }
  const { given } = words;
  const values = { ...recipeConfig(recipe) };
  if (given.has('seed') && !given.has('batch')) values.batch = 1;
  const asked = await readAsked(words, prompts, session, { base: { source: path, values } });
  const files = await recipeFiles(recipe, path, { keys: given, loraDir: asked.config.lora_dir || undefined });
  return { ...asked, config: { ...asked.config, ...files } };
}

/** The picture of the batch that is wanted; all where another batch was asked for. */
function indexOf({ batch }: Recipe, config: Config): number | undefined {
  return batch !== undefined && config.batch === batch.size ? batch.index : undefined;
}

/** What keeps a picture's bytes from being the same though nobody asked for a change. */
function differencesOf(before: Recipe, now: Recipe): string[] {
  const pairs: (readonly [string, string | undefined, string | undefined])[] = [
    ['device', before.device, now.device],
    ['version', before.version, now.version],
    ['model fingerprint', before.model.fingerprint, now.model.fingerprint],
    // The criterion is a number near a threshold: other last bits may fall on its other side.
    ...(before.cache?.threshold === now.cache?.threshold
      ? [['list of cached steps', before.cache?.cachedSteps.join(), now.cache?.cachedSteps.join()] as const]
      : []),
    ...(before.loras ?? []).flatMap(({ name, hash }): [string, string, string][] => {
      const today = now.loras?.find((lora) => lora.name === name);
      return today ? [[`file of the LoRA '${name}'`, hash, today.hash]] : [];
    }),
  ];
  return pairs
    .filter(([, then, today]) => then !== undefined && then !== today)
    .map(([name, then, today]) => `the ${name} was '${then}' and is '${today}' now, so the bytes may differ`);
}

function verdict({ identical, psnr, reason }: Comparison): string {
  if (identical) return 'identical';
  if (psnr === undefined) return `differs: ${reason}`;
  return psnr === null ? 'the same pixels, in other bytes' : `differs: PSNR ${psnr.toFixed(2)} dB`;
}
