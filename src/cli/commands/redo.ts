/**
 * `fluxion redo`: makes a picture again from the recipe inside it, in the same slot of a batch of the same size, because the last bits
 * depend on both. If it also depends on the other pictures, the whole batch is computed and only this picture is written.
 */

import type { Knob } from '../../api/knobs.ts';
import { INPUT_FIELDS, REQUEST_KNOBS } from '../../api/request.ts';
import type { Arguments } from '../../config/overrides.ts';
import type { Config } from '../../config/schema.ts';
import { type Recipe, readRecipe, recipeConfig, recipeSlot, requireRecipe, type SeedNumber } from '../../index.ts';
import { readRegular } from '../../support/regular-file.ts';
import { type AskedConfig, readAsked } from '../asked.ts';
import { FAILURE, OK, printJson, readingUsage, type Session, UsageError } from '../command.ts';
import { JSON_FLAG, optionLines, QUIET } from '../flags.ts';
import { keyCommand } from '../key-command.ts';
import { comparePictures, type PictureComparison } from '../pictures/compare.ts';
import { OUTPUT_FLAGS, outputOf, type WrittenFile } from '../pictures/output.ts';
import { makePictures, printFiles, reportData, reportTable, requireWritable } from '../pictures/pictures.ts';
import { recipeFiles } from '../pictures/recipe-files.ts';
import { requireOneProcess } from '../settings.ts';
import { Progress } from '../terminal/render.ts';

const FLAGS = {
  ...OUTPUT_FLAGS,
  check: { help: 'compares with the picture instead of writing: exit status 0 if the bytes are the same, otherwise 1' },
  'no-config': { help: 'without your own settings (of these, redo uses only output and devices)' },
  ...JSON_FLAG,
  ...QUIET,
};

/** A change of one of these frees the picture from its slot of a batch. Input pictures are not among them: they may only have been moved. */
const REQUEST_KEYS = Object.entries<Knob>(REQUEST_KNOBS).flatMap(([field, { key }]) =>
  key === undefined || INPUT_FIELDS.some((input) => input === field) ? [] : [key],
);

/** Larger files are no pictures of ours: 8192×8192 pixels are 192 MiB before compression. */
const SIZE_LIMIT = 512 * 2 ** 20;

const HELP = `fluxion redo PICTURE [key=value …] [-o FILE | -o FOLDER]

Makes a PNG, JPEG or WebP again from the recipe inside it, and writes it as the next free flux_N.png in output_dir. The same kind of
device, model and version give the same bytes. Keys on the command line change the recipe; 'fluxion help config' lists them. A
changed picture is made alone and not in the slot of a batch.

Examples
  fluxion redo flux_0.png
  fluxion redo flux_0.png --check
  fluxion redo flux_0.png num_inference_steps=28 -o better.png
  fluxion redo flux_0.png seed=8 "a blue house in the mountains at sunset"
  fluxion redo flux_0.png pretrained_model_name_or_path=FOLDER
  fluxion redo flux_0.png lora_dir=FOLDER

Fluxion looks for models, parts, LoRAs and the pictures that went in where it saw them last, in lora_dir, beside the picture and below
this folder, and checks that their content is that of the recipe. pretrained_model_name_or_path=, transformer=, --lora, --image and the
like name other files.

Options
${optionLines(FLAGS)}
`;

export default keyCommand({
  flags: FLAGS,
  help: HELP,

  async run(words, { signal, ending }) {
    const { json, check: compares } = words.flags;
    const [path, ...prompts] = words.prompts;
    if (path === undefined) {
      throw new UsageError('bad_config', 'which picture?', { hint: 'fluxion redo PICTURE.png' });
    }
    const original = readingUsage(() => readRegular(path, SIZE_LIMIT));
    const recipe = requireRecipe(original, path);
    const { format } = readRecipe(original, path);
    const { config, sources, notes } = await configOf(recipe, path, words, prompts, { signal });
    requireOneProcess(config, 'redo');
    const output = outputOf(words, { config, sources });
    if (!compares) await requireWritable(output.folder);
    const progress = Progress.for(words.flags);
    progress.tell('note', ...notes);

    const wanted = indexOf(recipe, config);
    const changed = prompts.length > 0 || REQUEST_KEYS.some((key) => words.given.has(key));
    const slot = changed ? undefined : recipeSlot(recipe);
    const files: WrittenFile[] = [];
    const checks: (PictureComparison & { readonly seed: SeedNumber })[] = [];
    const differences = new Set<string>();
    const outcome = await makePictures(config, {
      sources,
      progress,
      signal,
      ending,
      output,
      slot,
      async onImage(image, index, nodes) {
        if (wanted !== undefined && index !== wanted) return;
        for (const difference of differencesOf(recipe, image.recipe)) differences.add(difference);
        if (compares) {
          checks.push({ ...(await comparePictures(original, await image.encode(format))), seed: image.seed });
        } else files.push(await output.write(image, index, nodes));
      },
    });
    progress.tell('warning', ...differences);

    const status = checks.every(({ identical }) => identical) ? OK : FAILURE;
    if (json) {
      const compared = compares ? { checks } : { files };
      printJson({ original: path, ...compared, differences: [...differences], ...reportData(outcome, config), notes });
      return status;
    }
    await printFiles(files, config);
    for (const check of checks) process.stdout.write(`${path}: ${verdict(check)}\n`);
    progress.say(...reportTable(outcome));
    return status;
  },
});

async function configOf(
  recipe: Recipe,
  path: string,
  words: Arguments,
  prompts: readonly string[],
  session: Pick<Session, 'signal'>,
): Promise<AskedConfig> {
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

/** The wanted picture of the batch; all pictures if another batch was asked for. */
function indexOf({ batch }: Recipe, config: Config): number | undefined {
  return batch?.seed !== undefined && config.batch === batch.size ? batch.index : undefined;
}

/** The reasons why a picture's bytes may differ although nobody asked for a change. */
function differencesOf(before: Recipe, now: Recipe): string[] {
  const pairs: (readonly [string, string | undefined, string | undefined])[] = [
    ['device', before.device, now.device],
    ['version', before.version, now.version],
    ['model fingerprint', before.model.fingerprint, now.model.fingerprint],
    // The criterion is a number near a threshold: other last bits may fall on its other side.
    ...(before.cache?.threshold === now.cache?.threshold
      ? [['list of cached steps', before.cache?.cachedSteps.join(), now.cache?.cachedSteps.join()] as const]
      : []),
    ...INPUT_FIELDS.flatMap((field) =>
      (before.inputs?.[field] ?? []).map(({ name, hash }, i): [string, string, string | undefined] => [
        `content of the picture '${name}'`,
        hash,
        now.inputs?.[field]?.[i]?.hash,
      ]),
    ),
    ...(before.loras ?? []).flatMap(({ name, hash }): [string, string, string][] => {
      const today = now.loras?.find((lora) => lora.name === name);
      return today ? [[`file of the LoRA '${name}'`, hash, today.hash]] : [];
    }),
  ];
  return pairs
    .filter(([, then, today]) => then !== undefined && then !== today)
    .map(([name, then, today]) => `the ${name} was '${then}' and is '${today}' now, so the bytes may differ`);
}

function verdict({ identical, psnr, reason }: PictureComparison): string {
  if (identical) return 'identical';
  if (psnr === undefined) return `differs: ${reason}`;
  return psnr === null ? 'the same pixels, in other bytes' : `differs: PSNR ${psnr.toFixed(2)} dB`;
}
