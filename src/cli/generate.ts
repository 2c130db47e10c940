/** `fluxion generate`: pictures from a configuration, overrides and a prompt. */

import { join } from 'node:path';
import { type Arguments, splitArguments } from '../config/overrides.ts';
import { type Config, configHelp } from '../config/schema.ts';
import { readAsked } from './asked.ts';
import { type Command, FAILURE, OK, printJson, readingUsage, type Session } from './command.ts';
import type { WrittenFile } from './pictures.ts';
import { Progress, paint } from './render.ts';

const FLAGS = { json: 'boolean', quiet: 'boolean', 'dry-run': 'boolean', 'no-config': 'boolean' } as const;

const HELP = `fluxion generate [CONFIG.yml] [key=value …] ["prompt"]

Makes pictures and writes them as flux_0.png, flux_1.png, … in output_dir: at the next free number, never over a file
without overwrite=True. The paths go to standard output, all else to standard error. Each picture carries its recipe;
'fluxion redo' makes it again.

A configuration is a YAML file, ours (base_flux_tiny.yml, base_flux_schnell.yml, base_flux_dev.yml) or MaxDiffusion's;
without one, the bundled model's. Every key can be given as key=value or as a flag, in its own or in an everyday name:
num_inference_steps=8, --num-inference-steps 8, steps=8 and --steps 8 are the same, and the last one wins. Values are read as
YAML; 'fluxion help KEY' explains one. -s is the seed, -n the batch, -m the model, -p a prompt, -W and -H the sides.

Prompts
  "a red house" "a boat"    quoted words with blanks: a prompt each, made one after another
  a red house               single words: one prompt together
  --prompt A --prompt B     one by one, which also takes prompts of a single word
  --prompts FILE            a prompt in each line of a UTF-8 file but for those that begin with #; prompt=@FILE is the same
  -                         standard input, as one prompt; --prompts - takes it line by line
A word that looks like a setting (Steps=4) is never taken for a prompt; after '--', all words are prompts.

Your own settings are read from ~/.config/fluxion/config.yml ($XDG_CONFIG_HOME; on Windows %APPDATA%\\fluxion\\config.yml; or the
file that FLUXION_CONFIG names). They are weaker than a file or a key that is given; --no-config leaves them out.

Examples
  fluxion generate "a red house in the mountains at sunset"
  fluxion generate "a lighthouse by the sea at night" --seed 7 --width 256 --steps 12
  fluxion generate prompt="a blue sailboat on the ocean" seed=1,2,3 output_dir=boats
  fluxion generate base_flux_schnell.yml pretrained_model_name_or_path=FOLDER per_device_batch_size= 1
  fluxion generate base_flux_dev.yml pretrained_model_name_or_path=FOLDER transformer=flux1-dev-Q8_0.gguf
  fluxion generate weights_dtype=float32 activations_dtype=float32 noise=jax "green hills at sunrise"
  echo "a cactus in the desert" | fluxion generate - --json > report.json
  fluxion generate "a hot air balloon" preview=step
  fluxion generate "green hills, noon" --lora tiny-lora:0.8
  fluxion generate base_flux_dev.yml ici_fsdp_parallelism=-1 ici_data_parallelism=1
  fluxion generate base_flux_dev.yml num_nodes=2 node_id=0      (and here or elsewhere, at any time, node_id=1)

Options of this command
  --dry-run    compiles, tells what the run would hold in memory and what becomes of the weights, and stops there;
               exit status 1 where it does not fit
  --json       one JSON object on standard output: files, times in seconds, memory in bytes
  --quiet      nothing on standard error but errors
  --no-config  without your own settings
  -h, --help   this text

Of several processes (num_nodes, node_id) each makes its part of every batch, and its pictures have the numbers that they
would have if one process made all. docs/several-machines.md has command lines for CPUs, NVIDIA GPUs and TPU pods.

With preview=step, flux_preview.png (of process 1 flux_preview_1.png, …) in output_dir shows the first picture of the batch as predicted at each step.
Ctrl-C stops within a block and leaves no partial file; a second one stops at once.

`;

/** The command. */
const generate: Command = {
  flags: FLAGS,
  takesKeys: true,
  help: () => HELP + configHelp(),

  async run(argv, { signal }: Session) {
    const words = readingUsage(() => splitArguments(argv, FLAGS));
    const { config: loaded, sources, notes, personal } = await readAsked(words, words.prompts, { signal });
    const config = renamed(loaded, words);
    const progress = Progress.for(words.flags['quiet'] === true ? 'quiet' : 'shown');
    for (const note of notes) progress.say(`${paint('dim', 'note:')} ${note}`);

    // Only now, so that help and mistakes are answered without waiting for the library.
    const [
      { makePictures, planPictures, printFiles, reportData, reportTable, requireWritable, writePicture },
      { LivePreview },
      { memoryTable },
    ] = await Promise.all([import('./pictures.ts'), import('./preview.ts'), import('./memory.ts')]);
    if (words.flags['dry-run'] === true) {
      const plan = await planPictures(config, { sources, progress, signal });
      if (words.flags['json'] === true) printJson({ ...plan, notes });
      else process.stdout.write(`${memoryTable(plan)}\n`);
      return plan.fits ? OK : FAILURE;
    }
    await requireWritable(config.output_dir || '.');
    const random = [config.seed].flat().includes('random');
    const files: WrittenFile[] = [];
    const shown = config.node_id ? `flux_preview_${config.node_id}.png` : 'flux_preview.png';
    const preview = new LivePreview(join(config.output_dir || '.', shown));
    if (config.preview === 'step') progress.say(`preview: ${preview.path}`);
    const outcome = await makePictures(config, {
      sources,
      progress,
      signal,
      onStep: ({ previews }) => previews?.[0] && preview.show(previews[0]),
      async onImage(image, index, nodes) {
        const file = await writePicture(image, index, config, nodes);
        files.push(file);
        if (random) progress.say(`${file.path}: seed ${file.seed}`);
      },
    }).finally(() => preview.finished());

    if (words.flags['json'] === true) {
      const previewed = config.preview === 'step' && { preview: preview.path };
      printJson({ files, ...previewed, ...reportData(outcome, config), personal_config: personal, notes });
      return OK;
    }
    await printFiles(files, config);
    progress.say(...reportTable(outcome));
    return OK;
  },
};

export default generate;

/** A file's name for its own model does not go with a model chosen on the command line. */
function renamed(config: Config, { given }: Arguments): Config {
  const another = given.has('pretrained_model_name_or_path') || given.has('transformer');
  const stale = another && !given.has('flux_name');
  return stale ? { ...config, flux_name: undefined } : config;
}
