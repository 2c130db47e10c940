/**
 * Everything decided about a run before its first weight is placed: the slice of the batch that this process computes, how adapters are
 * applied and in how many ranks, what stays in memory. Made once, immutable, and passed down.
 */

import { setImmediate } from 'node:timers/promises';
import type { MemoryPlan } from '../api/events.ts';
import { type ModelConfigs, type ProgramUse, programUses, type RunPrograms } from '../models/programs.ts';
import { type Applied, type ApplyMode, Overlay, rankBucket } from '../weights/lora/overlay.ts';
import type { Streaming, Traced } from '../weights/set.ts';
import { countTemporaries } from '../xla/graph/count.ts';
import type { ProgramMemory } from '../xla/runtime/program.ts';
import type { Runtime } from '../xla/runtime/runtime.ts';
import type { BatchShare } from './batch-share.ts';
import { type BudgetOptions, planMemory } from './memory-plan.ts';

/** The decisions about a run. */
export interface RunPlan {
  readonly share: BatchShare;
  /** The adapters of its pictures as applied to the transformer, and the ranks that its programs take. */
  readonly overlay: Overlay;
  readonly adapterRank: number;
  readonly memory: MemoryPlan;
  /** Which weights are streamed; `undefined` for a component without streamed weights. */
  readonly streaming: { readonly transformer: Streaming | undefined; readonly t5: Streaming | undefined };
}

/** What a run is planned from. */
export interface RunPlanOptions {
  readonly share: BatchShare;
  readonly models: ModelConfigs;
  /** Traces the programs of the run with room for adapters of a rank; traces are cached. */
  readonly programs: (adapterRank: number) => RunPrograms;
  /** The adapters of each picture of the batch, or one list for all of them. */
  readonly loras: readonly (readonly Applied[])[];
  readonly loraMode: ApplyMode;
  readonly ranks: AdapterRanks;
  /** The ranks that programs must take, if prescribed; they must suffice. */
  readonly adapterRank?: number | undefined;
  readonly memory: Pick<BudgetOptions, 'budget' | 'hostBudget' | 'offload' | 'residency'>;
  /** Bytes of the transformer's weights in mapped files. */
  readonly transformerFileBytes: () => number;
  readonly signal?: AbortSignal | undefined;
}

/** Ranks that programs were traced for. A larger rank also fits, so that exchanging adapters compiles nothing. */
export class AdapterRanks {
  readonly #used = new Set<number>();

  /** The rank of programs that fit adapters of `rank` ranks in total; 0 without adapters. */
  fit(rank: number): number {
    if (rank === 0) return 0;
    const fitting = [...this.#used].filter((used) => used >= rank);
    const found = fitting.length > 0 ? Math.min(...fitting) : rankBucket(rank);
    this.#used.add(found);
    return found;
  }
}

/** Plans a run, compiling its programs; places nothing. */
export async function planRun(runtime: Runtime, options: RunPlanOptions): Promise<RunPlan> {
  const { models, programs, loras, ranks, signal } = options;
  const memory = {
    ...options.memory,
    sharding: runtime.sharding,
    countsCode: runtime.platform.memory === 'device',
  };
  const streams = (): boolean =>
    planMemory(programUses(models, programs(0)), {
      ...memory,
      memoryOf: ({ graph }) => ({ temporaries: countTemporaries(graph), code: 0 }),
    }).transformer === 'streamed';
  // Adapters merged into streamed weights would be merged again in every step.
  const beside = options.loraMode === 'beside' || (loras.some((applied) => applied.length > 0) && streams());
  const overlay = new Overlay(loras, beside ? 'beside' : 'merged');
  const adapterRank = Math.max(overlay.rank, options.adapterRank ?? ranks.fit(overlay.rank));
  const uses = programUses(models, programs(adapterRank));
  const compiled = new Map<Traced, ProgramMemory>();
  const compiling: Promise<void>[] = [];
  for (const { traced } of uses) {
    signal?.throwIfAborted();
    const made = runtime.compile(traced, signal).then(({ memory }) => void compiled.set(traced, memory));
    // A failure is reported below; until then it must not count as unhandled.
    made.catch(() => {});
    compiling.push(made);
    // Other threads load or compile the programs printed so far while the next one is printed.
    await setImmediate();
  }
  await Promise.all(compiling);
  const planned = planMemory(uses, { ...memory, memoryOf: (traced) => compiled.get(traced) });
  const streaming = streamingOf(uses, planned, runtime.streamsFrom, options.transformerFileBytes);
  return { share: options.share, overlay, adapterRank, memory: planned, streaming };
}

/** Which programs' weights are streamed, from where, and how much of their files the system may cache. */
function streamingOf(
  uses: readonly ProgramUse[],
  { encoders, transformer, modulations, held, peak }: MemoryPlan,
  from: Streaming['from'],
  transformerFileBytes: () => number,
): RunPlan['streaming'] {
  const blocks = (component: ProgramUse['component'], stage: ProgramUse['stage']): string[] =>
    uses
      .filter((use) => use.component === component && use.stage === stage && use.runs > 1)
      .map(({ traced }) => traced.name);
  const room = Math.max(0, 0.9 * process.availableMemory() - peak);
  const once = blocks('transformer', 'prepare');
  return {
    transformer:
      transformer === 'streamed'
        ? { from, room, again: blocks('transformer', 'step'), once, held }
        : modulations === 'released'
          ? { from: 'file', room, again: [], once, held: 0 }
          : undefined,
    // Blocks are used in every step, T5's layers once a prompt, so T5 gets the remaining memory. CLIP is small and stays resident.
    t5:
      encoders === 'streamed'
        ? { from, room: Math.max(0, room - transformerFileBytes()), again: [], once: blocks('t5', 'encode'), held: 0 }
        : undefined,
  };
}
