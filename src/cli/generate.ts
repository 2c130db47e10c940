/** `fluxion generate`: pictures from a configuration, overrides and a prompt. */

import { join } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { loadConfig } from '../config/load.ts';
import { type Arguments, splitArguments, splitAssignment } from '../config/overrides.ts';
import { type Config, configHelp } from '../config/schema.ts';
import { FluxionError } from '../support/errors.ts';
import { type Command, FAILURE, OK, printJson, readingUsage, type Session, UsageError } from './command.ts';
import type { WrittenFile } from './pictures.ts';
import { Progress, paint } from './render.ts';

const FLAGS = { json: 'boolean', quiet: 'boolean', 'dry-run': 'boolean' } as const;

/** Characters; a longer prompt is refused anyway. */
const STDIN_LIMIT = 1 << 20;

const HELP = `fluxion generate [CONFIG.yml] [key=value …] ["prompt"]

Makes pictures and writes them as flux_0.png, flux_1.png, … in output_dir: at the next free number, never over a file
without overwrite=True. The paths go to standard output, all else to standard error. Each picture carries its recipe;
'fluxion redo' makes it again.

A configuration is a YAML file, ours (base_flux_tiny.yml, base_flux_schnell.yml, base_flux_dev.yml) or MaxDiffusion's;
without one, the bundled model's. Every key can be given as key=value or as a flag: num_inference_steps=8 and
--num-inference-steps 8 are the same, and the last one wins. Values are read as YAML. Several quoted prompts make one
batch each, unquoted words are one prompt, and '-' reads the prompt from standard input.

Examples
  fluxion generate "a red house in the mountains at sunset"
  fluxion generate "a lighthouse by the sea at night" --seed 7 --width 256 --num-inference-steps 12
  fluxion generate prompt="a blue sailboat on the ocean" seed='[1, 2, 3]' output_dir=boats
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
    const prompt = await promptOf(words, signal);
    const {
      config: loaded,
      sources,
      notes,
    } = readingUsage(() =>
      loadConfig({ file: words.file, overrides: words.overrides, values: prompt === undefined ? {} : { prompt } }),
    );
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
        files.push(await writePicture(image, index, config, nodes));
      },
    }).finally(() => preview.finished());

    if (words.flags['json'] === true) {
      const previewed = config.preview === 'step' && { preview: preview.path };
      printJson({ files, ...previewed, ...reportData(outcome, config), notes });
      return OK;
    }
    await printFiles(files, config);
    progress.say(...reportTable(outcome));
    return OK;
  },
};

export default generate;

/** The prompt among the words, if there is one: `-` is read from standard input. */
async function promptOf(
  { prompts, overrides }: Arguments,
  signal: AbortSignal,
): Promise<string | readonly string[] | undefined> {
  if (prompts.length === 0) return undefined;
  if (overrides.some((word) => splitAssignment(word)?.name === 'prompt')) {
    throw new UsageError('bad_config', `the prompt is given twice: as prompt=… and as '${prompts[0]}'`, {
      hint: 'leave one of them out',
    });
  }
  if (prompts.length === 1) return prompts[0] === '-' ? fromStandardInput(signal) : prompts[0];
  if (prompts.includes('-')) {
    throw new UsageError('bad_config', "'-' reads the prompt from standard input, and there are other prompts too");
  }
  // Quotes that were forgotten leave single words.
  return prompts.some((prompt) => /\s/.test(prompt)) ? prompts : prompts.join(' ');
}

/** Waits for all of standard input, however slowly it comes; what is longer than a prompt may be is not read to its end. */
async function fromStandardInput(signal: AbortSignal): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('prompt (end with Ctrl-D): ');
  let text = '';
  try {
    for await (const chunk of addAbortSignal(signal, process.stdin.setEncoding('utf8'))) {
      text += chunk;
      if (text.length > STDIN_LIMIT) break;
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw new FluxionError('io', `cannot read standard input: ${(cause as Error).message}`, { cause });
  }
  text = text.trim();
  if (text === '') throw new UsageError('bad_config', 'the prompt on standard input is empty');
  return text;
}

/** A file's name for its own model does not go with a model chosen on the command line. */
function renamed(config: Config, { overrides }: Arguments): Config {
  const given = new Set(overrides.map((word) => splitAssignment(word)?.name));
  const another = given.has('pretrained_model_name_or_path') || given.has('transformer');
  const stale = another && !given.has('flux_name');
  return stale ? { ...config, flux_name: undefined } : config;
}
