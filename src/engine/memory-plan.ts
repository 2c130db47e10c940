/**
 * What a run holds in memory, decided before any weight is placed: what stays on the devices, what is let go of after its use, what
 * comes and goes block by block. Sizes are those of one device, in bytes; those of programs are the compiler's own.
 */

import type { MemoryPlan, Residency, StageMemory } from '../api/events.ts';
import { type ProgramUse, STAGES, type StageName } from '../models/programs.ts';
import { byteText } from '../support/byte-text.ts';
import { FluxionError } from '../support/errors.ts';
import type { Traced } from '../weights/set.ts';
import type { ProgramMemory } from '../xla/runtime/program.ts';
import { outputBytes, Sharding, weightBytes } from '../xla/runtime/sizes.ts';

/** Which row of the memory a stage belongs to. */
export function memoryStage(stage: StageName): StageMemory['stage'] {
  return stage === 'prepare' || stage === 'step' ? 'denoise' : stage;
}

export interface PlanOptions {
  readonly sharding: Sharding;
  readonly memoryOf: (traced: Traced) => ProgramMemory | undefined;
  /** Whether programs lie in the devices' memory. */
  readonly countsCode: boolean;
}

export interface BudgetOptions extends PlanOptions {
  readonly budget: number;
  /** Where streamed weights wait: in their file, or in the host's memory, of which this much may be used. */
  readonly hostBudget: number | undefined;
  /** Whether encoders are let go of once prompts are encoded. */
  readonly offload: boolean;
  /** What is chosen for the transformer and the encoders: the first that fits, or one of the two. */
  readonly residency: 'auto' | 'resident' | 'streamed';
}

/** Weights of blocks that are there at a time where they are streamed: one in use, one on its way, one that is going. */
const STREAMED_BLOCKS = 3;
/** Values of the largest kind that are alive at a time within a stage. */
const ALIVE = 4;
/** The decoder waits for each program: what goes in is alive, and what comes out. */
const ALIVE_IN_DECODER = 2;

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

/** What the weights of each block of a step take, in the order in which they run. */
function blockBytes(uses: readonly ProgramUse[], sharding: Sharding): number[] {
  return uses
    .filter(({ stage, runs }) => stage === 'step' && runs > 1)
    .flatMap((use) => new Array<number>(use.runs).fill(weightBytes([{ ...use, runs: 1 }], sharding)));
}

/** Memory of each stage that is among `uses`. */
function stagesOf(
  uses: readonly ProgramUse[],
  { encoders, transformer, modulations, held }: Residency,
  { sharding, memoryOf, countsCode }: PlanOptions,
): StageMemory[] {
  const of = (...stages: readonly StageName[]) => uses.filter(({ stage }) => stages.includes(stage));
  const weights = (list: readonly ProgramUse[]): number => weightBytes(list, sharding);
  /** Of blocks, some at a time; of all else, everything. */
  const streamed = (list: readonly ProgramUse[]): number => {
    const blocks = list.filter(({ runs }) => runs > 1).map((use) => weights([{ ...use, runs: 1 }]));
    return weights(list.filter(({ runs }) => runs === 1)) + STREAMED_BLOCKS * Math.max(0, ...blocks);
  };
  const [encode, prepare, step, decode] = STAGES.map((stage) => of(stage)) as [
    ProgramUse[],
    ProgramUse[],
    ProgramUse[],
    ProgramUse[],
  ];
  const encoderWeights = encoders === 'streamed' ? streamed(encode) : weights(encode);
  const waiting = encoders === 'kept' ? encoderWeights : 0;
  const denoiser = [...prepare, ...step];
  const unmodulated = [...prepare.filter(({ runs }) => runs === 1), ...step];
  const resident = modulations === 'kept' ? weights(denoiser) : weights(unmodulated);
  const passing = modulations === 'kept' ? 0 : streamed(prepare.filter(({ runs }) => runs > 1));
  const during =
    transformer === 'streamed'
      ? streamed(denoiser) + sum(blockBytes(step, sharding).slice(0, held))
      : resident + passing;
  const heldIf = (...kinds: readonly Residency['transformer'][]): number =>
    kinds.includes(transformer) ? resident : 0;
  const code = countsCode ? uses.reduce((sum, { traced }) => sum + (memoryOf(traced)?.code ?? 0), 0) : 0;

  const outputs = ({ traced }: ProgramUse): number => outputBytes(traced, sharding).reduce((a, b) => a + b, 0);
  const kept = prepare.reduce((sum, use) => sum + use.runs * outputs(use), 0);
  const stage = (name: StageMemory['stage'], held: number, list: readonly ProgramUse[], lasting = 0): StageMemory => {
    const values = lasting + (name === 'decode' ? ALIVE_IN_DECODER : ALIVE) * Math.max(0, ...list.map(outputs));
    const temporaries = Math.max(0, ...list.map(({ traced }) => memoryOf(traced)?.temporaries ?? 0));
    return { stage: name, weights: held, values, temporaries, code, total: held + values + temporaries + code };
  };
  return [
    ...(encode.length > 0 ? [stage('encode', encoderWeights + heldIf('kept'), encode)] : []),
    ...(denoiser.length > 0 ? [stage('denoise', waiting + during, denoiser, kept)] : []),
    ...(decode.length > 0 ? [stage('decode', waiting + heldIf('kept', 'yields') + weights(decode), decode)] : []),
  ];
}

/** The choices in order of preference: the fewer weights come and go, the better. */
function* choices({ offload, residency }: BudgetOptions): Generator<Residency> {
  const encoders = offload ? 'released' : 'kept';
  const whole = { held: 0 } as const;
  const streamed = { ...whole, transformer: 'streamed', modulations: 'released' } as const;
  if (residency !== 'streamed') {
    yield { ...whole, encoders, transformer: 'kept', modulations: 'kept' };
    // Before modulations that would be placed for every batch: what yields is placed once a request.
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
 * Chooses the first arrangement that fits into the budget, or else the smallest. Where the transformer is to be streamed, as many of its
 * blocks stay as there is room for; none where streaming was asked for, which is to take little.
 */
export function planMemory(uses: readonly ProgramUse[], options: BudgetOptions): MemoryPlan {
  const { budget, hostBudget = 0 } = options;
  const planned = (residency: Residency): MemoryPlan => {
    const stages = stagesOf(uses, residency, options);
    const peak = Math.max(...stages.map(({ total }) => total));
    const host = options.hostBudget === undefined ? 0 : pinned(uses, residency);
    return { ...residency, budget, stages, peak, host, hostBudget, fits: peak <= budget && host <= hostBudget };
  };
  /** The same with as many blocks in place as fit beside what is streamed. */
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
      uses.filter(({ stage }) => stages.includes(stage)),
      whole,
    );
  const blocks = (): number => of('prepare', 'step') - sum(blockBytes(uses, whole).slice(0, held));
  return (encoders === 'streamed' ? of('encode') : 0) + (transformer === 'streamed' ? blocks() : 0);
}

/** Throws `unsupported` with what would help, where a plan does not fit. */
export function requireFit({ fits, peak, budget, host, hostBudget, stages, transformer }: MemoryPlan): void {
  if (fits) return;
  const worst = stages.find(({ total }) => total === peak)!;
  if (host > hostBudget)
    throw new FluxionError(
      'unsupported',
      `streamed weights would take ${byteText(host)} of the host's memory, and ${byteText(hostBudget)} are free`,
      { hint: 'free some, or use smaller weights' },
    );
  const remedies = [
    worst.weights > worst.temporaries && transformer !== 'streamed' ? 'residency=streamed' : undefined,
    worst.weights > worst.temporaries
      ? 'smaller weights (weights_dtype=bfloat16, quantization=int8 or int4)'
      : 'smaller pictures or a smaller batch',
    'a mesh of more devices (ici_fsdp_parallelism=-1)',
    'a larger memory_limit, where the system has more than it tells',
  ];
  throw new FluxionError(
    'unsupported',
    `this run needs ${byteText(peak)} at its largest stage (${worst.stage}), and ${byteText(budget)} may be used`,
    { hint: `try ${remedies.filter((remedy) => remedy !== undefined).join(', ')}` },
  );
}
