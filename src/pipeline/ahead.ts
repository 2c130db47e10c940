/**
 * A whole run compiled ahead of time for devices that are not here: every program of it, whether it fits, and how long it would
 * take at the roofline. Needs configs and no weights, so that the published models are known by name.
 */

import { totalmem } from 'node:os';
import { checked } from '../api/check.ts';
import type { Residency, StageMemory } from '../api/events.ts';
import { MODEL } from '../api/kinds.ts';
import { AHEAD, type AheadRunOptions } from '../api/load.ts';
import { REQUEST, type Request } from '../api/request.ts';
import { memoryStage, planMemory } from '../engine/memory-plan.ts';
import { FLUX1, type ModelSizes, sizesOf } from '../families/flux1/flux1.ts';
import { BUNDLED, PUBLISHED_NAMES, publishedModel } from '../families/flux1/published.ts';
import { type ProgramUse, programUses, runPrograms, STAGES, type StageName } from '../models/programs.ts';
import { vaeBudget } from '../models/vae-budget.ts';
import { FluxionError } from '../support/errors.ts';
import { LONGEST_PROMPT, readT5MaxLength } from '../tokenizers/t5.ts';
import { kindOf } from '../weights/files/file-bytes.ts';
import { openModel } from '../weights/folders/model-source.ts';
import { type AheadCompilation, type AheadReport, arrangeAhead, compileAhead } from '../xla/ahead/ahead.ts';
import { parseTarget } from '../xla/ahead/device-models.ts';
import { openMapped } from '../xla/runtime/runtime.ts';
import { Sharding, weightBytes } from '../xla/runtime/sizes.ts';
import { findModel } from './model-path.ts';
import { autoencoderTypes, modelTypes } from './model-types.ts';
import { decide, requestDefaults } from './request.ts';

/** Seconds at the roofline of the stages that were compiled; a lower bound, for nothing is as fast as its peak. */
export interface RunEstimate {
  readonly encode: number;
  readonly step: number;
  /** What comes before the first step, all steps, and decoding: what MaxDiffusion reports as its inference time. */
  readonly batch: number;
  readonly picture: number;
}

/**
 * The result of `compileRun`: every program of the run as the compiler made it, memory by stage, and a lower bound of
 * the time.
 */
export interface AheadRun extends Omit<AheadCompilation, 'programs'>, Residency {
  readonly model: string;
  readonly target: string;
  /** Devices that work together. */
  readonly devices: number;
  /** Sizes of the mesh, such as `data=4`; empty for one device. */
  readonly mesh: string;
  readonly width: number;
  readonly height: number;
  readonly pictures: number;
  readonly steps: number;
  readonly programs: readonly (AheadReport & { readonly stage: StageName; readonly runs: number })[];
  readonly stages: readonly StageMemory[];
  /** Bytes of all weights of the transformer on one device, and on one that would hold all. */
  readonly transformerWeights: { readonly perDevice: number; readonly total: number };
  readonly fits: boolean;
  /** Undefined where the device's rates are not known. */
  readonly estimate: RunEstimate | undefined;
  /** Seconds that the compiler took, from its start to its end. */
  readonly compileSeconds: number;
}

/**
 * Compiles every program of a request for devices that are not here, but for those of previews. `model` is a folder or file, of
 * which configs alone are read, or one of the published models by its name. Throws `not_found` for any other name.
 */
export async function compileRun(model: string, asked: Request, given: AheadRunOptions): Promise<AheadRun> {
  checked(MODEL, model, 'model');
  const request = checked(REQUEST, asked, 'request');
  const options = checked(AHEAD, given, 'options');
  const target = parseTarget(options.target);
  const { sizes, name, promptTokens } = await findSizes(model, options);
  const place = arrangeAhead(target, options.mesh);
  const { sharding } = place;
  const devices = place.order.length;
  const defaults = requestDefaults(sizes, promptTokens);
  const decided = decide(request, defaults, sizes.scheduler, 2 ** (sizes.vae.blockOutChannels.length - 1));
  const together = sharding.parts('activation_batch');
  const batch = Math.ceil(decided.batch / together) * together;
  const types = modelTypes(options);
  const { stages: wanted = STAGES } = options;
  const { size, schedule, maxSequenceLength, cacheThreshold } = decided;
  const steps = schedule.timesteps.length;
  const vaeTypes = autoencoderTypes(types, target.platform);
  const traced = (budget?: number) =>
    programUses(
      sizes,
      runPrograms(
        sizes,
        {
          batch,
          height: size.height,
          width: size.width,
          textTokens: maxSequenceLength,
          steps,
          decode: { batch: together, budget },
          cache: cacheThreshold !== undefined,
        },
        types,
        vaeTypes,
      ),
    );
  // What the transformer leaves is shared out as in a run. Every device of a mesh decodes one picture.
  const memory = (target.model?.memory ?? totalmem() / devices) - weightsOf(traced(), ['prepare', 'step'], sharding);
  const budget = vaeBudget(
    sizes.vae,
    { batch: 1, height: size.height, width: size.width, ...vaeTypes },
    { tiling: options.vaeTiling ?? 'auto', available: memory / 2 },
  );
  const all = traced(budget && budget * together);
  const uses = all.filter(({ stage }) => wanted.includes(stage));

  const start = performance.now();
  const { programs, ...compiled } = await compileAhead(
    uses.map(({ traced }) => traced),
    place,
    options,
  );
  const compileSeconds = (performance.now() - start) / 1000;
  const reported = uses.flatMap(({ traced, ...use }) => {
    const report = programs.get(traced);
    return report ? [{ ...report, ...use, name: traced.name }] : [];
  });
  const { offloadEncoders = true } = options;
  const compiledStages = uses.filter(({ traced }) => programs.has(traced)).map(({ stage }) => memoryStage(stage));
  // As a run on such devices would decide, with all of their memory; where it streams, the host's is taken to be large enough.
  const { stages: every, ...residency } = planMemory(all, {
    sharding,
    memoryOf: (traced) => programs.get(traced),
    countsCode: target.platform.memory === 'device',
    budget: options.memoryLimit ?? compiled.memory,
    hostBudget: undefined,
    offload: offloadEncoders,
    residency: options.residency ?? 'auto',
  });
  const stages = every.filter(({ stage }) => compiledStages.includes(stage));
  return {
    ...compiled,
    model: name,
    target: target.name,
    devices,
    mesh: sharding.mesh
      .filter(({ size }) => size > 1)
      .map((axis) => `${axis.name}=${axis.size}`)
      .join(', '),
    width: decided.width,
    height: decided.height,
    pictures: batch,
    steps,
    programs: reported,
    stages,
    transformerWeights: {
      perDevice: weightsOf(all, ['prepare', 'step'], sharding),
      total: weightsOf(all, ['prepare', 'step'], new Sharding({ mesh: [] })),
    },
    encoders: residency.encoders,
    transformer: residency.transformer,
    modulations: residency.modulations,
    held: residency.held,
    fits: compiled.tooLarge.length === 0 && stages.every(({ total }) => total <= residency.budget),
    estimate: compiled.rates && estimateOf(reported, { steps, batch, together }),
    compileSeconds,
  };
}

async function findSizes(
  model: string,
  options: AheadRunOptions,
): Promise<{ sizes: ModelSizes; name: string; promptTokens: number }> {
  if (model === BUNDLED || kindOf(model) !== 'missing') {
    const { path, name } = await findModel(model, options);
    const source = openModel(FLUX1, path, options, { openFile: openMapped });
    return {
      sizes: sizesOf(source),
      name: options.name ?? name,
      promptTokens: readT5MaxLength(source.tokenizers.get('t5')!),
    };
  }
  const published = publishedModel(model);
  if (published) return { ...published, promptTokens: LONGEST_PROMPT };
  throw new FluxionError('not_found', `the sizes of '${model}' are not known`, {
    hint: `give a model folder, of which only the configs are read, or one of ${PUBLISHED_NAMES.join(', ')}`,
  });
}

/** Bytes of the weights of some stages on one device. */
function weightsOf(uses: readonly ProgramUse[], stages: readonly StageName[], sharding: Sharding): number {
  return weightBytes(
    uses.filter(({ stage }) => stages.includes(stage)),
    sharding,
  );
}

interface Counts {
  readonly steps: number;
  readonly batch: number;
  readonly together: number;
}

/** Adds up the rooflines of all programs, as often as each is run. */
function estimateOf(programs: AheadRun['programs'], { steps, batch, together }: Counts): RunEstimate {
  const of = (name: StageName): number =>
    programs.filter(({ stage }) => stage === name).reduce((sum, { seconds = 0, runs }) => sum + runs * seconds, 0);
  const whole = of('prepare') + steps * of('step') + (batch / together) * of('decode');
  return { encode: of('encode'), step: of('step'), batch: whole, picture: whole / batch };
}
