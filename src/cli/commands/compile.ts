/** `fluxion compile`: compiles a run for devices that need not be here, and reports its memory and estimated time. */

import { AHEAD_STAGE } from '../../api/load.ts';
import type { AheadRun } from '../../index.ts';
import { chosen } from '../args.ts';
import { readAsked } from '../asked.ts';
import { answer, FAILURE, OK, refuseWords, UsageError } from '../command.ts';
import { JSON_FLAG, OWN_SETTINGS, optionLines, QUIET } from '../flags.ts';
import { keyCommand } from '../key-command.ts';
import { stageText, verdict } from '../terminal/memory.ts';
import { bytes, columns, Progress, paint, seconds } from '../terminal/render.ts';

const FLAGS = {
  target: { takes: 'NAME', help: 'the devices to compile for' },
  stages: { takes: 'LIST', help: `some of ${AHEAD_STAGE.words.join()}` },
  out: {
    takes: 'DIR',
    help: 'writes executables, as PROGRAM.pjrt, and report.json; the same build of the plugin loads them on such devices',
  },
  quick: {
    help: "a TPU's compiler optimises least and takes a fifth of the time; temporaries grow by up to two fifths",
  },
  fresh: { help: 'compiles again instead of repeating the kept reports of this build of the plugin' },
  json: { help: `${JSON_FLAG.json.help}: times in seconds, sizes in bytes of one device` },
  ...QUIET,
  ...OWN_SETTINGS,
};

/** The targets that completion offers; the help lists all. */
const TARGETS = ['cpu:4', 'v4:2x2x1', 'v5e:2x2', 'v5p:2x2x1', 'v6e:2x2', 'tpu7x:2x2x1', 'h100', 'h200', 'b200'];

const HELP = `fluxion compile [CONFIG.yml] [key=value …] --target TARGET

Compiles every program of a run for devices that this machine need not have, and reports the memory of one device, the attention
kernels, the exchanges between devices, and a lower bound of the time. The configuration is that of 'fluxion generate'. No weights
are read: FLUX.1-dev and FLUX.1-schnell are known by name (pretrained_model_name_or_path), and a model folder needs only its
configs. Previews and LoRAs are left out, but for the room that a control LoRA makes for control_image.

Targets
  v4:2x2x1, v5e:2x2, v5p:2x2x1, v6e:2x2, tpu7x:2x2x1   TPU slices by their chips; the plugin installs itself
  h100, h200, b200, or h200:2 for two                  NVIDIA GPUs; 'fluxion plugins list' shows how to install the plugin
  cpu:4                                                this processor, as four devices

The time is a roofline, a lower bound: for each program the larger of FLOPs / peak bf16 FLOP/s and bytes / memory bandwidth, plus
bytes from other devices / bandwidth of the links, times its runs. FLOPs and bytes are the compiler's counts; peaks come from the
makers' data sheets. A batch covers everything from the first step's preparation to decoding; encoding is listed separately.

Examples
  fluxion compile base_flux_dev.yml --target v6e:2x2
  fluxion compile base_flux_schnell.yml ici_data_parallelism=1 ici_fsdp_parallelism=-1 --target v4:2x2x1 --json
  fluxion compile base_flux_dev.yml attention=cudnn_flash_te --target h200 --out compiled

Options
${optionLines(FLAGS)}

Weights stay, are freed or are streamed as in a run ('fluxion generate --dry-run'); residency=resident keeps all of them resident.
The exit status is 1 if the run does not fit into the devices' memory.
`;

// In a function with `using`, TypeScript does not rewrite `import('….ts')`, so the built package would look for a .ts file.
const compiling = () => Promise.all([import('../../index.ts'), import('../settings.ts'), import('../../xla.ts')]);

export default keyCommand({
  flags: FLAGS,
  choices: { '--target': TARGETS, '--stages': AHEAD_STAGE.words },
  help: HELP,

  async run(words, { signal }) {
    const { target, stages, out, fresh, quick, json } = words.flags;
    if (target === undefined)
      throw new UsageError('bad_config', 'which devices?', { hint: 'such as --target v6e:2x2, h200 or cpu:4' });
    refuseWords(words.prompts);
    const { config, sources, notes } = await readAsked(words, [], { signal });
    using progress = Progress.for(words.flags);
    progress.tell('note', ...notes);
    const [{ compileRun }, { loadOptions, requestOf, requireOneProcess }, { parseTarget }] = await compiling();
    requireOneProcess(config, 'compile');
    // The target is the device, so local devices do not matter.
    const options = loadOptions({ ...config, hardware: 'cpu' }, sources);
    const request = requestOf(config, parseTarget(target).devices);
    const run = await compileRun(config.pretrained_model_name_or_path, request, {
      ...options,
      target,
      ...(out !== undefined && { out }),
      ...(fresh && { fresh }),
      ...(quick && { quick }),
      ...(stages !== undefined && { stages: stages.split(',').map(stageNamed) }),
      signal,
      onProgress: (message) => progress.activity(message),
    });
    progress.tell('warning', ...run.warnings);
    const data = { ...run, notes };
    if (out !== undefined) {
      const [{ writeFileSync }, { join }] = await Promise.all([import('node:fs'), import('node:path')]);
      writeFileSync(join(out, 'report.json'), `${JSON.stringify(data, null, 2)}\n`);
    }
    answer(json, data, report(run));
    return run.fits ? OK : FAILURE;
  },
});

function stageNamed(name: string): (typeof AHEAD_STAGE.words)[number] {
  return chosen('--stages', name.trim(), AHEAD_STAGE.words);
}

/** The report as text, a table of programs first. */
function report(run: AheadRun): string[] {
  const { model, target, device, devices, mesh, pictures, width, height, steps, programs, memory, estimate } = run;
  const rows = [
    ['stage', 'program', 'runs', 'arguments', 'temporary', 'output', 'GFLOP', 'moved', 'at least', 'bound by'],
    ...programs.map(({ name, stage, runs, arguments: given, temporaries, outputs, flops, accessed, seconds: time, bound }) => [
      stage, name, `× ${runs}`, bytes(given), bytes(temporaries), bytes(outputs), (flops / 1e9).toFixed(1), bytes(accessed),
      time === undefined ? '' : `${(time * 1000).toFixed(3)} ms`, bound ?? '',
    ]),
  ]; // biome-ignore format: a row
  return [
    `${model} for ${target}: ${devices} × ${device}${mesh && ` as ${mesh}`}; ${pictures} × ${width}×${height} in ${steps} steps`,
    `compiled in ${seconds(run.compileSeconds)}${run.repeated > 0 ? `, ${run.repeated} programs earlier` : ''}; sizes and counts are those of one device`,
    '',
    ...columns(rows, [0, 1]),
    '',
    'attention',
    ...programs.flatMap(({ name, attention }) => attention.map(({ kernel, why }) => `  ${name}: ${kernel}: ${why}`)),
    'exchanges between devices',
    ...exchanges(run),
    `memory of one device, of ${bytes(memory)}`,
    ...run.stages.map((stage) => `  ${stage.stage.padEnd(9)}${stageText(stage, memory)}`),
    ...run.tooLarge.map(
      ({ name, reason }) => `  ${name}: ${paint('red', 'too large', process.stdout)}: ${reason.slice(0, 500)}`,
    ),
    ...(estimate
      ? [
          `at least ${seconds(estimate.step)} a step, ${seconds(estimate.batch)} a batch, ${seconds(estimate.picture)} a picture${estimate.encode > 0 ? `; encoding a prompt ${seconds(estimate.encode)}` : ''}`,
        ]
      : [`${device}: no peak rates are known, so no time is estimated`]),
    `text encoders ${run.encoders}, transformer ${run.transformer}${run.held > 0 ? ` all but the first ${run.held} blocks` : ''}, modulations ${run.modulations}`,
    verdict(run.fits),
  ];
}

function exchanges({ programs }: AheadRun): string[] {
  const lines = programs.flatMap(({ name, collectives }) =>
    collectives.map(({ kind, count, received }) => `  ${name}: ${count} ${kind}, ${bytes(received)} received`),
  );
  return lines.length > 0 ? lines : ['  none'];
}
