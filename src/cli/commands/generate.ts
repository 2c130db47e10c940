/** `fluxion generate`: pictures from a configuration, overrides and a prompt. */

import { join } from 'node:path';
import type { Arguments } from '../../config/overrides.ts';
import type { Config } from '../../config/schema.ts';
import { readAsked } from '../asked.ts';
import { answer, FAILURE, OK, printJson } from '../command.ts';
import { JSON_FLAG, OWN_SETTINGS, optionLines, QUIET } from '../flags.ts';
import { keyCommand } from '../key-command.ts';
import { OUTPUT_FLAGS, outputOf, type WrittenFile } from '../pictures/output.ts';
import { Progress } from '../terminal/render.ts';

const FLAGS = {
  ...OUTPUT_FLAGS,
  'dry-run': {
    help: 'compiles, shows what the run would hold in memory and which weights would be streamed, and stops there;\nthe exit status is 1 if the run does not fit',
  },
  json: { help: `${JSON_FLAG.json.help}: files, times in seconds, memory in bytes` },
  ...QUIET,
  ...OWN_SETTINGS,
};

const HELP = `fluxion generate [CONFIG.yml] [key=value …] ["prompt"]

Makes pictures and writes them to output_dir as flux_0.png, flux_1.png, …; only overwrite=True replaces existing files. Paths go
to standard output, everything else to standard error. Each picture carries its recipe: 'fluxion redo' makes it again.

Examples
  fluxion generate "a white house on green hills at sunrise" seed=1
  fluxion generate "a white lighthouse by the sea at noon" --seed 3 --steps 12
  fluxion generate "a white sailboat on the ocean at noon" seed=1,3 output_dir=boats
  fluxion generate "a white house on green hills at noon" seed=1 --lora tiny-lora
  fluxion generate "a red hot air balloon over the desert at noon" seed=3 steps=28 preview=step
  echo "a red house in the mountains at sunset" | fluxion generate - seed=5 --json > report.json
  fluxion generate base_flux_schnell.yml pretrained_model_name_or_path=FOLDER per_device_batch_size= 1
  fluxion generate base_flux_dev.yml pretrained_model_name_or_path=FOLDER transformer=flux1-dev-Q8_0.gguf
  fluxion generate base_flux_dev.yml ici_fsdp_parallelism=-1 ici_data_parallelism=1
  fluxion generate base_flux_dev.yml num_nodes=2 node_id=0      (and node_id=1, here or elsewhere, at any time)

Everyday keys, as key=value or as flags ('fluxion help config' lists all, 'fluxion help KEY' explains one)
  model, steps, size=WIDTHxHEIGHT, guidance, seed, n (pictures), lora, output_dir; -m, -s, -n, -p, -W, -H for short

Options of this command
${optionLines(FLAGS)}

With preview=step, flux_preview.png in output_dir shows the first picture as the model predicts it after each step.
Ctrl-C stops the run within a block and leaves no partial file; a second Ctrl-C stops at once.
`;

// Inside `export default`, TypeScript does not rewrite `import('….ts')`, so the built package would look for a .ts file.
const making = () =>
  Promise.all([import('../pictures/pictures.ts'), import('../pictures/preview.ts'), import('../terminal/memory.ts')]);

export default keyCommand({
  flags: FLAGS,
  help: HELP,

  async run(words, session) {
    const { signal, ending } = session;
    const { json, 'dry-run': dry } = words.flags;
    const { config: loaded, sources, notes, personal } = await readAsked(words, words.prompts, session);
    const config = renamed(loaded, words);
    const progress = Progress.for(words.flags);
    progress.tell('note', ...notes);

    // Only now, so that help and mistakes are answered without waiting for the library.
    const [
      { makePictures, planPictures, printFiles, reportData, reportTable, requireWritable },
      { LivePreview },
      { memoryTable },
    ] = await making();
    if (dry) {
      const plan = await planPictures(config, { sources, progress, signal });
      answer(json, { ...plan, notes }, memoryTable(plan));
      return plan.fits ? OK : FAILURE;
    }
    const output = outputOf(words, { config, sources });
    await requireWritable(output.folder);
    const random = [config.seed].flat().includes('random');
    const files: WrittenFile[] = [];
    const shown = config.node_id ? `flux_preview_${config.node_id}.png` : 'flux_preview.png';
    const preview = new LivePreview(join(output.folder, shown));
    if (config.preview === 'step') progress.say(`preview: ${preview.path}`);
    const outcome = await makePictures(config, {
      sources,
      progress,
      signal,
      ending,
      output,
      onStep: ({ previews }) => previews?.[0] && preview.show(previews[0]),
      async onImage(image, index, nodes) {
        const file = await output.write(image, index, nodes);
        files.push(file);
        if (random) progress.say(`${file.path}: seed ${file.seed}`);
      },
    }).finally(() => preview.finished());

    if (json) {
      printJson({ files, ...reportData(outcome, config), personal_config: personal, notes });
      return OK;
    }
    await printFiles(files, config);
    progress.say(...reportTable(outcome));
    return OK;
  },
});

/** A configuration file's flux_name names its own model, not one chosen on the command line. */
function renamed(config: Config, { given }: Arguments): Config {
  const another = given.has('pretrained_model_name_or_path') || given.has('transformer');
  const stale = another && !given.has('flux_name');
  return stale ? { ...config, flux_name: undefined } : config;
}
