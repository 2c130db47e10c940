/**
 * Compiles a whole run ahead of time for devices that are not here: every program, whether it fits, and its time at the roofline. Needs
 * only configs, no weights, so published models can be given by name.
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
import {
  denoisePrograms,
  type EncodedSize,
  type ProgramUse,
  pixelPrograms,
  programUses,
  STAGES,
  type StageName,
  textPrograms,
} from '../models/programs.ts';
import { vaeWithin } from '../models/vae-budget.ts';
import { evaluationsOf } from '../sampling/samplers/by-name.ts';
import { FluxionError } from '../support/errors.ts';
import { LONGEST_PROMPT, readT5MaxLength } from '../tokenizers/t5.ts';
import { kindOf } from '../weights/files/file-bytes.ts';
import { openModel } from '../weights/folders/model-source.ts';
import { type AheadCompilation, type AheadReport, arrangeAhead, compileAhead } from '../xla/ahead/ahead.ts';
import { parseTarget } from '../xla/ahead/device-models.ts';
import { openMapped } from '../xla/runtime/runtime.ts';
import { Sharding, weightBytes } from '../xla/runtime/sizes.ts';
import { decideWhole } from './conditions/steered.ts';
import { ControlNets } from './controlnets.ts';
import { denoiseSizes, programSizes } from './denoise.ts';
import { findExtras, openExtras } from './extras.ts';
import { ImagePrompts } from './image-prompts.ts';
import { describeLora, loraPath } from './loras.ts';
import { findModel } from './model-path.ts';
import { autoencoderTypes, modelTypes } from './model-types.ts';
import { requestDefaults } from './request.ts';

/** Seconds of the compiled stages at the roofline: a lower bound, since no device reaches its peak. */
export interface RunEstimate {
  readonly encode: number;
  readonly step: number;
  /** Everything before the first step, all steps, and decoding: what MaxDiffusion reports as its inference time. */
  readonly batch: number;
  readonly picture: number;
}

/** The result of `compileRun`: every program of the run as the compiler made it, memory by stage, and a lower bound of the time. */
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
  readonly programs: readonly (AheadReport & Pick<ProgramUse, 'stage' | 'runs' | 'prompts'>)[];
  readonly stages: readonly StageMemory[];
  /** Bytes of the transformer's weights on one device of the mesh, and in total. */
  readonly transformerWeights: { readonly perDevice: number; readonly total: number };
  readonly fits: boolean;
  /** Undefined where the device's rates are not known. */
  readonly estimate: RunEstimate | undefined;
  /** Seconds that the compiler took, from its start to its end. */
  readonly compileSeconds: number;
}

/**
 * Compiles every program of a request except previews, for devices that are not here. `model` is a folder or file, of which only the
 * configs are read, or the name of a published model. Throws `not_found` for any other name.
 */
export async function compileRun(model: string, asked: Request, given: AheadRunOptions): Promise<AheadRun> {
  checked(MODEL, model, 'model');
  const request = checked(REQUEST, asked, 'request');
  const options = checked(AHEAD, given, 'options');
  const target = parseTarget(options.target);
  const { sizes, name, path, promptTokens } = await findSizes(model, options);
  const arranged = arrangeAhead(target, options.mesh);
  const { sharding } = arranged;
  const devices = arranged.order.length;
  const defaults = requestDefaults(sizes, promptTokens);
  const extras = openExtras(await findExtras(options, options, path), sizes, { openFile: openMapped });
  // Only LoRAs that make room for a control picture change the programs.
  const loras = request.controlImage === undefined ? [] : (request.loras ?? []);
  const reports = loras.map((lora) => describeLora({ ...lora, path: loraPath(lora, options.loraDir) }));
  const decided = await decideWhole(request, { ...sizes, defaults, extras }, [reports]);
  const together = sharding.parts('activation_batch');
  const batch = Math.ceil(decided.batch / together) * together;
  const types = modelTypes(options);
  const { stages: wanted = STAGES } = options;
  const { size, schedule, conditions } = decided;
  const denoised = denoiseSizes(decided, { batch, prompts: 1 });
  const steps = schedule.timesteps.length;
  using controlnets = new ControlNets(extras.controlnets, sizes.transformer, types);
  using imagePrompts = conditions.some(({ prompt }) => prompt) ? new ImagePrompts(extras.redux!, types) : undefined;
  const beside = [...controlnets.uses(denoised), ...(imagePrompts?.uses ?? [])];
  const vaeTypes = autoencoderTypes(types, target.platform);
  const latent = {
    ...textPrograms(sizes, denoised.textTokens, types),
    ...denoisePrograms(sizes.transformer, programSizes(denoised), types),
    beside,
  };
  // As in a run, decoding may use half of what the transformer leaves. Every device of a mesh decodes one picture.
  const resident = transformerBytes(programUses(sizes, { ...latent, encode: [], decode: [] }), sharding);
  const available = ((target.model?.memory ?? totalmem() / devices) - resident) / 2;
  const tiling = options.vaeTiling ?? 'auto';
  const withBudget = ({ height, width }: Pick<EncodedSize, 'height' | 'width'>): EncodedSize => {
    const { budget } = vaeWithin(sizes.vae, { batch: 1, height, width, ...vaeTypes }, { tiling, available });
    return { height, width, budget: budget && budget * together };
  };
  const { budget, ...decoded } = withBudget(size);
  const encode = conditions.flatMap(({ pictures }) => pictures.map((picture) => withBudget(picture.size)));
  const pixels = pixelPrograms(sizes.vae, { ...decoded, decode: { batch: together, budget }, encode }, vaeTypes);
  const all = programUses(sizes, { ...latent, ...pixels });
  const uses = all.filter(({ stage }) => wanted.includes(stage));

  const start = performance.now();
  const { programs, ...compiled } = await compileAhead(
    uses.map(({ traced }) => traced),
    arranged,
    options,
  );
  const compileSeconds = (performance.now() - start) / 1000;
  const reported = uses.flatMap(({ traced, ...use }) => {
    const report = programs.get(traced);
    return report ? [{ ...report, ...use, name: traced.name }] : [];
  });
  const { offloadEncoders = true } = options;
  const compiledStages = uses.filter(({ traced }) => programs.has(traced)).map(({ stage }) => memoryStage(stage));
  // Decides as a run on such devices would with all of their memory free; the host's memory is assumed to suffice for streaming.
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
      perDevice: transformerBytes(all, sharding),
      total: transformerBytes(all, new Sharding({ mesh: [] })),
    },
    encoders: residency.encoders,
    transformer: residency.transformer,
    modulations: residency.modulations,
    held: residency.held,
    fits: compiled.tooLarge.length === 0 && stages.every(({ total }) => total <= residency.budget),
    estimate:
      compiled.rates && estimateOf(reported, { steps, evaluations: evaluationsOf(decided).length, batch, together }),
    compileSeconds,
  };
}

async function findSizes(
  model: string,
  options: AheadRunOptions,
): Promise<{ sizes: ModelSizes; name: string; path?: string; promptTokens: number }> {
  if (model === BUNDLED || kindOf(model) !== 'missing') {
    const { path, name } = await findModel(model, options);
    const source = openModel(FLUX1, path, options, { openFile: openMapped });
    return {
      sizes: sizesOf(source),
      name: options.name ?? name,
      path,
      promptTokens: readT5MaxLength(source.tokenizers.get('t5')!),
    };
  }
  const published = publishedModel(model);
  if (published) return { ...published, promptTokens: LONGEST_PROMPT };
  throw new FluxionError('not_found', `the sizes of '${model}' are not known`, {
    hint: `give a model folder, for its configs, or one of ${PUBLISHED_NAMES.join(', ')}`,
  });
}

/** Bytes of the transformer's weights on one device. */
function transformerBytes(uses: readonly ProgramUse[], sharding: Sharding): number {
  return weightBytes(
    uses.filter(({ stage }) => memoryStage(stage) === 'denoise'),
    sharding,
  );
}

/** Adds up the rooflines of all programs, each multiplied by its number of runs; `evaluations` of the transformer are those of all steps. */
function estimateOf(
  programs: AheadRun['programs'],
  { steps, evaluations, batch, together }: Readonly<Record<'steps' | 'evaluations' | 'batch' | 'together', number>>,
): RunEstimate {
  const of = (name: StageName): number =>
    programs
      .filter(({ stage }) => stage === name)
      .reduce((sum, { seconds = 0, runs, prompts = 1 }) => sum + runs * prompts * seconds, 0);
  const whole = of('pictures') + of('prepare') + evaluations * of('step') + (batch / together) * of('decode');
  return { encode: of('encode'), step: (of('step') * evaluations) / steps, batch: whole, picture: whole / batch };
}
