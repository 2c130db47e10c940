/** `fluxion bench`: how long every stage of a run takes, and how much of the device it uses. */

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LoadedConfig } from '../../config/load.ts';
import type { Arguments } from '../../config/overrides.ts';
import type { Config } from '../../config/schema.ts';
import { userPath } from '../../support/user-path.ts';
import { readAsked } from '../asked.ts';
import { OK, printJson, readingUsage, UsageError } from '../command.ts';
import { JSON_FLAG, OWN_SETTINGS, optionLines, QUIET } from '../flags.ts';
import { keyCommand } from '../key-command.ts';
import type { ByStage, Figures } from '../measure/measure.ts';
import { bytes, columns, count, flop, Progress, percent, seconds } from '../terminal/render.ts';

const RUNS = 5;
const MOST_RUNS = 10_000;
const MOST_PROMPTS = 4096;

const FLAGS = {
  runs: { takes: 'N', help: `number of measured pictures (default: ${RUNS})` },
  batch: { takes: 'N', help: 'also N different prompts, apart and together' },
  profile: { help: 'the time of each program by operations, and a trace' },
  trace: { takes: 'FILE', help: 'file for the trace of --profile (default: flux_trace.json in output_dir)' },
  json: { help: `${JSON_FLAG.json.help}: times in seconds, memory in bytes, work in FLOPs` },
  ...QUIET,
  ...OWN_SETTINGS,
};

const HELP = `fluxion bench [MODEL | CONFIG.yml] [key=value …]

Measures a run of 'fluxion generate' on this machine, stage by stage, and discards the pictures. MODEL is tiny (the bundled model
and the default), schnell, dev, krea, or any value of pretrained_model_name_or_path. A published model that is not on this machine
runs with random weights of its sizes, which take as long as real ones; nothing is downloaded. All other keys are those of
'fluxion generate', so you measure the run that you would make.

The figures
  load       opening the model, its files in the page cache
  compile    all programs: by the compiler, and again from the cache on disk
  encode     text encoders, including the placing of their weights unless offload_encoders=False
  prepare    the work before the first step, once a batch; mostly the modulations of all steps
  step       one denoising step of the whole batch
  decode     latents to pixels, the whole batch
  picture    from the prompt to the last pixel of a batch, without compiling
Each figure is the median of --runs pictures. The first picture, which places the weights, is shown separately. With a single step,
that step includes prepare.

A rate is a stage's arithmetic (matrix products, convolutions, attention) divided by its time. For a known device, the share refers
to the bf16 peak in its maker's data sheet; otherwise, as on any CPU, to the best matrix multiply of this machine before and after
the run, in bf16 or float32: [1024, 3072] × [3072, 3072]. A CPU decodes in float32.

--batch N makes one picture of each of N different prompts, one after the other and all at once, in turns. The ratio is what a
server gains that is asked for several pictures at a time.

Examples
  fluxion bench
  fluxion bench --batch 8
  fluxion bench dev resolution=512 num_inference_steps=2 --runs 3
  fluxion bench dev resolution=256 num_inference_steps=1 residency=streamed     in little memory
  fluxion bench schnell batch=4 --json > schnell.json
  fluxion bench base_flux_dev.yml pretrained_model_name_or_path=FOLDER offload_encoders=False
  fluxion bench dev cache=fbcache threshold=0.08
  fluxion bench dev resolution=256 num_inference_steps=1 --runs 1 --profile

Where the time goes
--profile makes one more picture and lists, for each optimised program, the operations that take the time, with their FLOP/s and
their share of the best matrix multiply. Plugins for NVIDIA, AMD and TPU record operations while they run. CPU plugins do not, so
Fluxion splits each program before its first run and runs its operations one at a time, in order, on the same data, a few times. It
times the whole program too, so you can compare 'together' with 'the program takes'. Rates in GB/s count the bytes of operands and
results. The trace has stages, steps, programs and operations: open it at https://ui.perfetto.dev.

Options
${optionLines(FLAGS)}

Ctrl-C stops the run within a block.
`;

// In a function with `using`, TypeScript does not rewrite `import('….ts')`, so the built package would look for a .ts file.
const measuring = () =>
  Promise.all([import('../measure/measure.ts'), import('../measure/profile.ts'), import('../settings.ts')]);

export default keyCommand({
  flags: FLAGS,
  help: HELP,

  async run(words, session) {
    const { signal } = session;
    const { json } = words.flags;
    const runs = readCount(words, 'runs', RUNS, MOST_RUNS);
    const prompts = readCount(words, 'batch', 1, MOST_PROMPTS);
    const loaded = await readAsked(words, [], session, { overrides: overridesOf(words) });
    using progress = Progress.for(words.flags);
    const { config, note } = await measurable(loaded);
    const notes = [...loaded.notes, ...(note === undefined ? [] : [note])];
    progress.tell('note', ...notes);
    const [{ measure }, { profileData, profileTable, writeTrace }, { requireOneProcess }] = await measuring();
    requireOneProcess(config, 'bench');
    const onProgress = (text: string): void => progress.activity(text);
    const trace = await tracePlace(words, config);
    const figures = await measure(config, {
      sources: loaded.sources,
      runs,
      prompts,
      profile: trace !== undefined,
      signal,
      onProgress,
    });
    progress.tell('warning', ...figures.warnings);
    const { profile, peak } = figures;
    if (profile && trace !== undefined) await writeTrace(trace, profile);
    if (json) {
      const more = profile && { profile: profileData(profile, peak.bestMatmul), trace };
      printJson({ ...data(figures), ...more, notes });
      return OK;
    }
    process.stdout.write(`${table(figures)}\n`);
    if (profile)
      process.stdout.write(`\n${profileTable(profile, peak.bestMatmul).join('\n')}\n\n  trace        ${trace}\n`);
    return OK;
  },
});

/** The trace's path, if a profile is wanted. A path that cannot be written is refused before the work begins. */
async function tracePlace({ flags }: Arguments, config: Config): Promise<string | undefined> {
  if (flags['profile'] !== true && flags['trace'] === undefined) return undefined;
  const [{ tracePath }, { requireWritable }] = await Promise.all([
    import('../measure/profile.ts'),
    import('../pictures/pictures.ts'),
  ]);
  const path = flags['trace'] === undefined ? tracePath(config) : readingUsage(() => userPath(String(flags['trace'])));
  await requireWritable(dirname(path), 'the trace', 'choose another path with --trace FILE');
  return path;
}

function readCount({ flags }: Arguments, name: keyof typeof FLAGS, unset: number, most: number): number {
  const text = flags[name] ?? String(unset);
  const count = Number(text);
  if (/^\d+$/.test(String(text)) && count >= 1 && count <= most) return count;
  throw new UsageError('bad_config', `--${name}: expected a whole number from 1 to ${most}, found '${text}'`);
}

/** The model given as a plain word, as an override with the lowest priority. */
function overridesOf({ prompts, overrides, file, given }: Arguments): string[] {
  const [model, ...more] = prompts;
  if (model === undefined) return [...overrides];
  if (more.length > 0)
    throw new UsageError('bad_config', `unexpected '${more[0]}'`, {
      hint: "one model is measured at a time; a prompt is given as prompt='…'",
    });
  if (given.has('pretrained_model_name_or_path'))
    throw new UsageError('bad_config', `the model is given twice: as '${model}' and as pretrained_model_name_or_path`, {
      hint: 'use only one of them',
    });
  // The configuration file of the bundled model sets its defaults.
  if (model === 'tiny' && file === undefined) return [...overrides];
  return [`pretrained_model_name_or_path=${model}`, ...overrides];
}

/** Uses random weights for a published model that is not on this machine, unless a setting of weights is given. */
async function measurable({ config, sources }: LoadedConfig): Promise<{ config: Config; note?: string }> {
  if (sources.weights !== undefined) return { config };
  const [{ publishedModel }, { cachedFolder, FLUX1, parseHubName }] = await Promise.all([
    import('../../index.ts'),
    import('../../models.ts'),
  ]);
  const model = config.pretrained_model_name_or_path;
  const published = publishedModel(model);
  const onHub = parseHubName(model, config.revision || undefined);
  if (!published || existsSync(model) || (onHub && cachedFolder(FLUX1, onHub))) return { config };
  return {
    config: { ...config, weights: 'random' },
    note: `${published.name} is not on this machine: random weights of its shapes are used (weights=random)`,
  };
}

const STAGES = ['encode', 'step', 'decode'] as const;

function table(figures: Figures): string {
  const { compile, first, median, prepare, picture, peak, memory } = figures;
  const { weights, devices, device, batch, recipe, cachedSteps, runs, together } = figures;
  const { width, height, steps } = recipe;
  const stage = (name: keyof ByStage): string[] => [
    name,
    seconds(median[name]),
    seconds(first[name]),
    flop(figures.flops[name].total),
    `${flop(figures.rate[name])}/s`,
    percent(figures.share[name]),
  ];
  const rows: string[][] = [
    ['stage', 'median', 'first', 'work', 'rate', 'of peak'],
    stage('encode'),
    ...(prepare === undefined ? [] : [['prepare', seconds(prepare), '', flop(figures.flops.prepare.total), '', '']]),
    stage('step'),
    stage('decode'),
    ['picture', seconds(picture), '', '', '', ''],
  ];
  const gain = together && together.apart / together.together;
  const total = Object.values(figures.parameters).reduce((sum, count) => sum + count, 0);
  const lines: [string, string][] = [
    ...(together
      ? [
          [
            `${together.prompts} prompts`,
            `${seconds(together.apart)} one at a time, ${seconds(together.together)} together: ${gain!.toFixed(2)} × as many pictures`,
          ] satisfies [string, string],
        ]
      : []),
    ['load', seconds(figures.load)],
    ['compile', `${seconds(compile.cold)}, from the cache ${seconds(compile.cached)}`],
    ['peak', `${flop(peak.rate)}/s (${peak.source}); best matrix multiply of one device ${flop(peak.bestMatmul)}/s`],
    ['weights', `${count(total)} in ${recipe.weights}; transformer ${memory.transformer}, encoders ${memory.encoders}`],
    [
      'peak memory',
      `${bytes(figures.peakMemory)} of the process${figures.peakDeviceMemory === undefined ? '' : `, ${bytes(figures.peakDeviceMemory)} of a device`}`,
    ],
  ];
  return [
    `${figures.model}${weights === 'random' ? ' (random weights)' : ''} on ${device}: ${batch} × ${width}×${height}, ${steps} ${steps === 1 ? 'step' : 'steps'}, ${recipe.maxSequenceLength} text tokens, ${recipe.activations}, ${devices} ${devices === 1 ? 'device' : 'devices'}; medians of ${runs}`,
    ...(cachedSteps > 0
      ? [`first-block cache: ${cachedSteps} of ${steps} steps cut short, which count in picture alone`]
      : []),
    '',
    ...columns(rows),
    '',
    ...lines.map(([name, text]) => `  ${name.padEnd(13)}${text}`),
  ].join('\n');
}

function data(figures: Figures): Record<string, unknown> {
  const { model, weights, device, devices, recipe, batch, compile, first, median, prepare } = figures;
  const { picture, cachedSteps, flops, rate, peak, share, memory, parameters, peakMemory, peakDeviceMemory } = figures;
  const { width, height, steps } = recipe;
  return {
    ...{ model, weights, device, devices, width, height, batch, steps },
    text_tokens: recipe.maxSequenceLength,
    weights_dtype: recipe.weights,
    activations_dtype: recipe.activations,
    runs: figures.runs,
    load_time: figures.load,
    compile_time: compile,
    first,
    median: { ...median, ...(prepare !== undefined && { prepare }), picture },
    cached_steps: cachedSteps,
    ...(figures.together && { together: figures.together }),
    flop: Object.fromEntries([...STAGES, 'prepare' as const].map((stage) => [stage, flops[stage]])),
    flop_per_second: rate,
    peak_flop_per_second: { value: peak.rate, source: peak.source, best_matrix_multiply: peak.bestMatmul },
    share_of_peak: share,
    parameters,
    peak_memory_bytes: peakMemory,
    ...(peakDeviceMemory !== undefined && { peak_device_memory_bytes: peakDeviceMemory }),
    memory_plan: memory,
    warnings: figures.warnings,
  };
}
