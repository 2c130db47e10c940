/** Opens a model on a device, with the networks beside it: finds and reads its files; no weight is placed yet. */

import { checked } from '../api/check.ts';
import { MODEL } from '../api/kinds.ts';
import { LOAD, type LoadOptions } from '../api/load.ts';
import type { BudgetOptions } from '../engine/memory-plan.ts';
import { FLUX1, type Flux1Source } from '../families/flux1/flux1.ts';
import { randomModel } from '../families/flux1/published.ts';
import { overrideShift, type SchedulerConfig } from '../sampling/schedule.ts';
import { userPath } from '../support/user-path.ts';
import { openModel as readModel } from '../weights/folders/model-source.ts';
import { LoraModel } from '../weights/lora/adapter.ts';
import { openMapped, Runtime } from '../xla/runtime/runtime.ts';
import { ControlNets } from './controlnets.ts';
import { Autoencoder } from './decode.ts';
import { Transformer } from './denoise.ts';
import { TextEncoders } from './encode.ts';
import { type Extras, findExtras, openExtras } from './extras.ts';
import { ImagePrompts } from './image-prompts.ts';
import { Loras } from './loras.ts';
import { findModel, withUserPaths } from './model-path.ts';
import { autoencoderTypes, type ModelTypes, modelTypes } from './model-types.ts';

/** The parts of an opened model. */
export interface Components {
  readonly encoders: TextEncoders;
  readonly transformer: Transformer;
  readonly controlnets: ControlNets;
  /** Undefined without FLUX.1 Redux. */
  readonly imagePrompts: ImagePrompts | undefined;
  readonly autoencoder: Autoencoder;
}

/** A model that was opened, and how. */
export interface OpenModel {
  /** What reports and recipes call it. */
  readonly name: string;
  readonly options: LoadOptions;
  readonly source: Flux1Source;
  /** The model's own sampler settings, with the overrides of the options. */
  readonly scheduler: SchedulerConfig;
  readonly extras: Extras;
  readonly runtime: Runtime;
  readonly parts: Components;
  readonly loras: Loras;
  readonly types: ModelTypes;
  /** The memory that may be used, measured before anything was placed. */
  readonly memory: Pick<BudgetOptions, 'budget' | 'hostBudget' | 'offload' | 'residency'>;
  /** Seconds that opening took, without downloads. */
  readonly seconds: number;
}

/** The seed of all random weights. */
const RANDOM_SEED = 0;

/** Opens a model by path, name on the hub or `tiny`. Throws what finding and reading its files throws, and what `Runtime.open` throws. */
export async function openModel(from: string, given: LoadOptions): Promise<OpenModel> {
  const model = userPath(checked(MODEL, from, 'model'));
  const options = withUserPaths(checked(LOAD, given, 'options'));
  options.signal?.throwIfAborted();
  Runtime.check(options);
  const types = modelTypes(options);
  const reading = { openFile: openMapped, decoded: types.storage };
  const found = options.weights === 'random' ? undefined : await findModel(model, options);
  const beside = await findExtras(options, options, found?.path);
  const start = performance.now();
  const { source, name } = found
    ? { source: readModel(FLUX1, found.path, options, reading), name: found.name }
    : randomModel(model, options, { ...reading, seed: RANDOM_SEED });
  const scheduler = overrideShift(source.scheduler, options);
  const extras = openExtras(beside, source, reading);
  await using opening = new AsyncDisposableStack();
  const runtime = opening.use(await Runtime.open(options));
  const parts: Components = {
    encoders: opening.use(new TextEncoders(source, types)),
    transformer: opening.use(new Transformer(source, types)),
    controlnets: opening.use(new ControlNets(extras.controlnets, source.transformer, types)),
    imagePrompts: extras.redux && opening.use(new ImagePrompts(extras.redux, types)),
    autoencoder: opening.use(new Autoencoder(source, autoencoderTypes(types, runtime.platform), options)),
  };
  const declared = [...parts.encoders.declared, ...parts.transformer.weights.declared];
  const loras = new Loras(new LoraModel(FLUX1, declared), {
    mode: options.loraMode ?? 'beside',
    strict: options.loraStrict ?? false,
    folder: options.loraDir,
    openFile: openMapped,
    onProgress: options.onProgress,
  });
  const memory = {
    budget: options.memoryLimit ?? runtime.availableMemory,
    hostBudget: runtime.streamsFrom === 'file' ? undefined : runtime.hostMemory,
    offload: options.offloadEncoders ?? true,
    residency: options.residency ?? 'auto',
  };
  const seconds = (performance.now() - start) / 1000;
  opening.move();
  return {
    name: options.name ?? name,
    options,
    source,
    scheduler,
    extras,
    runtime,
    parts,
    loras,
    types,
    memory,
    seconds,
  };
}
