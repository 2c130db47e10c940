/**
 * Which weights are resident, freed after use or streamed block by block, decided before any weight is placed. Sizes are bytes on one
 * device; sizes of programs are the compiler's own.
 */

import type { MemoryPlan, Residency, StageMemory } from '../api/events.ts';
import { BESIDE, type ProgramUse, type StageName } from '../models/programs.ts';
import { byteText } from '../support/byte-text.ts';
import { FluxionError } from '../support/errors.ts';
import type { Traced } from '../weights/set.ts';
import type { ProgramMemory } from '../xla/runtime/program.ts';
import { outputBytes, Sharding, weightBytes } from '../xla/runtime/sizes.ts';

/** The row of a memory plan that a stage belongs to. */
export function memoryStage(stage: StageName): StageMemory['stage'] {
  return stage === 'prepare' || stage === 'step' ? 'denoise' : stage;
}

export interface BudgetOptions {
  readonly sharding: Sharding;
  readonly memoryOf: (traced: Traced) => ProgramMemory | undefined;
  /** Whether programs lie in the devices' memory. */
  readonly countsCode: boolean;
  readonly budget: number;
  /** Bytes of host memory that streamed weights may use; `undefined` if they wait in their file. */
  readonly hostBudget: number | undefined;
  /** Whether encoders are freed once prompts are encoded. */
  readonly offload: boolean;
  /** `auto` takes the first arrangement of transformer and encoders that fits; the others force one. */
  readonly residency: 'auto' | 'resident' | 'streamed';
}

/** Streamed blocks whose weights are on the device at a time: one in use, one arriving, one leaving. */
const STREAMED_BLOCKS = 3;
/** Values of the largest kind that are alive at a time within a stage. */
const ALIVE = 4;
/** The autoencoder waits for each program: only its inputs and outputs are alive. */
const ALIVE_IN_AUTOENCODER = 2;

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

const isBeside = ({ component }: ProgramUse): boolean => BESIDE.some((name) => name === component);

/** Bytes of the weights of each block of a step, in the order of their use. */
function blockBytes(uses: readonly ProgramUse[], sharding: Sharding): number[] {
  const blocks = uses.filter((use) => use.stage === 'step' && use.runs > 1 && !isBeside(use));
  // A negative prompt with a different number of tokens has its own programs, with the same weights.
  return [...new Map(blocks.map((use) => [use.traced.name, use])).values()].flatMap((use) =>
    new Array<number>(use.runs).fill(weightBytes([{ ...use, runs: 1 }], sharding)),
  );
}

/** Memory of each stage that is among `uses`. */
function stagesOf(
  uses: readonly ProgramUse[],
  { encoders, transformer, modulations, held }: Residency,
  { sharding, memoryOf, countsCode }: BudgetOptions,
): StageMemory[] {
  const weights = (list: readonly ProgramUse[]): number => weightBytes(list, sharding);
  /** Weights of a few blocks at a time, and of everything that is not a block. */
  const streamed = (list: readonly ProgramUse[]): number => {
    const blocks = list.filter(({ runs }) => runs > 1).map((use) => weights([{ ...use, runs: 1 }]));
    return weights(list.filter(({ runs }) => runs === 1)) + STREAMED_BLOCKS * Math.max(0, ...blocks);
  };
  const own = uses.filter((use) => !isBeside(use));
  const beside = uses.filter(isBeside);
  const {
    encode = [],
    pictures = [],
    prepare = [],
    step = [],
    decode = [],
  } = Object.groupBy(own, ({ stage }) => stage);
  const besideEncoders = beside.filter(({ stage }) => stage === 'encode');
  const besideDenoiser = beside.filter(({ stage }) => stage === 'prepare' || stage === 'step');
  const encoderWeights = (encoders === 'streamed' ? streamed(encode) : weights(encode)) + weights(besideEncoders);
  const waiting = encoders === 'kept' ? encoderWeights : 0;
  const denoiser = [...prepare, ...step];
  const unmodulated = [...prepare.filter(({ runs }) => runs === 1), ...step];
  const nets = weights(besideDenoiser);
  const resident = (modulations === 'kept' ? weights(denoiser) : weights(unmodulated)) + nets;
  const passing = modulations === 'kept' ? 0 : streamed(prepare.filter(({ runs }) => runs > 1));
  const during =
    transformer === 'streamed'
      ? streamed(denoiser) + nets + sum(blockBytes(step, sharding).slice(0, held))
      : resident + passing;
  const heldIf = (...kinds: readonly Residency['transformer'][]): number =>
    kinds.includes(transformer) ? resident : 0;
  /** Weights of the autoencoder: if the transformer is resident between batches, so are they; otherwise only the stage that uses them has them. */
  const autoencoder = (own: readonly ProgramUse[] = []): number =>
    weights(transformer === 'kept' ? [...pictures, ...decode] : own);
  const code = countsCode ? sum(uses.map(({ traced }) => memoryOf(traced)?.code ?? 0)) : 0;

  const outputs = ({ traced }: ProgramUse): number => sum(outputBytes(traced, sharding));
  const lasting = [...prepare, ...besideDenoiser.filter(({ stage, lasts }) => stage === 'prepare' || lasts)];
  const kept = sum(lasting.map((use) => use.runs * (use.prompts ?? 1) * outputs(use)));
  /** The row of a stage with programs of the model's own. */
  const stage = (
    name: StageMemory['stage'],
    held: number,
    own: readonly ProgramUse[],
    beside: readonly ProgramUse[] = [],
    lasting = 0,
  ): StageMemory[] => {
    if (own.length === 0) return [];
    const list = [...own, ...beside];
    const alive = name === 'decode' || name === 'pictures' ? ALIVE_IN_AUTOENCODER : ALIVE;
    const values = lasting + alive * Math.max(0, ...list.map(outputs));
    const temporaries = Math.max(0, ...list.map(({ traced }) => memoryOf(traced)?.temporaries ?? 0));
    return [{ stage: name, weights: held, values, temporaries, code, total: held + values + temporaries + code }];
  };
  return [
    ...stage('encode', encoderWeights + heldIf('kept') + autoencoder(), encode, besideEncoders),
    // If the prompts are already encoded, the transformer was never moved out.
    ...stage('pictures', waiting + heldIf('kept', 'yields') + autoencoder(pictures), pictures),
    ...stage('denoise', waiting + during + autoencoder(), denoiser, besideDenoiser, kept),
    ...stage('decode', waiting + heldIf('kept', 'yields') + autoencoder(decode), decode),
  ];
}

/** The arrangements in order of preference: the fewer weights move, the better. */
function* choices({ offload, residency }: BudgetOptions): Generator<Residency> {
  const encoders = offload ? 'released' : 'kept';
  const whole = { held: 0 } as const;
  const streamed = { ...whole, transformer: 'streamed', modulations: 'released' } as const;
  if (residency !== 'streamed') {
    yield { ...whole, encoders, transformer: 'kept', modulations: 'kept' };
    // Goes before the next one: weights that yield are placed once a request, freed modulations once a batch.
    yield { ...whole, encoders, transformer: 'yields', modulations: 'kept' };
    yield { ...whole, encoders, transformer: 'kept', modulations: 'released' };
    yield { ...whole, encoders, transformer: 'yields', modulations: 'released' };
    yield { ...whole, encoders, transformer: 'released', modulations: 'released' };
    if (residency === 'resident') return;
    yield { ...whole, encoders: 'streamed', transformer: 'released', modulations: 'released' };
    yield { encoders, ...streamed };
  }
  yield { encoders: 'streamed', ...streamed };
}

/**
 * Chooses the first arrangement that fits the budget, or else the smallest. If the transformer must be streamed, as many blocks as fit stay
 * resident; if the user asked for streaming, none does, to use little memory.
 */
export function planMemory(uses: readonly ProgramUse[], options: BudgetOptions): MemoryPlan {
  const { budget, hostBudget = 0 } = options;
  const planned = (residency: Residency): MemoryPlan => {
    const stages = stagesOf(uses, residency, options);
    const peak = Math.max(...stages.map(({ total }) => total));
    const host = options.hostBudget === undefined ? 0 : pinned(uses, residency);
    return { ...residency, budget, stages, peak, host, hostBudget, fits: peak <= budget && host <= hostBudget };
  };
  /** The same arrangement with as many resident blocks as fit beside the streamed ones. */
  const filled = (residency: Residency): Residency => {
    let room = budget - (planned(residency).stages.find(({ stage }) => stage === 'denoise')?.total ?? budget);
    let held = 0;
    for (const bytes of blockBytes(uses, options.sharding)) {
      room -= bytes;
      if (room < 0) break;
      held++;
    }
    return { ...residency, held };
  };
  const refused: MemoryPlan[] = [];
  for (const residency of choices(options)) {
    const fillable = residency.transformer === 'streamed' && options.residency === 'auto';
    const found = planned(fillable ? filled(residency) : residency);
    if (found.fits) return found;
    refused.push(found);
  }
  return refused.toSorted((a, b) => a.peak - b.peak)[0]!;
}

/** Bytes of all streamed weights: one copy, whatever the mesh. */
function pinned(uses: readonly ProgramUse[], { encoders, transformer, held }: Residency): number {
  const whole = new Sharding({ mesh: [] });
  const of = (...stages: readonly StageName[]) =>
    weightBytes(
      uses.filter((use) => stages.includes(use.stage) && !isBeside(use)),
      whole,
    );
  const encode = encoders === 'streamed' ? of('encode') : 0;
  if (transformer !== 'streamed') return encode;
  return encode + of('prepare', 'step') - sum(blockBytes(uses, whole).slice(0, held));
}

/** Throws `unsupported` with possible remedies if a plan does not fit. */
export function requireFit({ fits, peak, budget, host, hostBudget, stages, transformer }: MemoryPlan): void {
  if (fits) return;
  const worst = stages.find(({ total }) => total === peak)!;
  if (host > hostBudget)
    throw new FluxionError(
      'unsupported',
      `streamed weights would take ${byteText(host)} of the host's memory, and ${byteText(hostBudget)} are free`,
      { hint: 'free host memory, or use smaller weights' },
    );
  const remedies = [
    worst.weights > worst.temporaries && transformer !== 'streamed' ? 'residency=streamed' : undefined,
    worst.weights > worst.temporaries
      ? 'smaller weights (weights_dtype=bfloat16, quantization=int8 or int4)'
      : 'smaller pictures or a smaller batch',
    'a mesh of more devices (ici_fsdp_parallelism=-1)',
    'a larger memory_limit, if the system has more memory than it reports',
  ];
  throw new FluxionError(
    'unsupported',
    `this run needs ${byteText(peak)} at its largest stage (${worst.stage}), and ${byteText(budget)} may be used`,
    { hint: `try ${remedies.filter((remedy) => remedy !== undefined).join(', ')}` },
  );
}
