/** Modulations: they tell every block of a transformer the time, the guidance and the gist of the prompt. */

import type { Run } from '../engine/run.ts';
import type { FluxConfig, FluxPrograms } from '../models/flux.ts';
import { evaluationsOf, type SamplerName } from '../sampling/samplers/by-name.ts';
import type { Schedule } from '../sampling/schedule.ts';
import { blocks, type Traced, whole } from '../weights/set.ts';
import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';

/** What the modulations of a batch depend on, besides its pooled prompts. */
export interface Modulated {
  /** Number of prompts and of guidance strengths: 1, the default, for all pictures, or one for each. */
  readonly prompts?: number | undefined;
  /** One strength for all pictures, or one for each prompt. */
  readonly guidance: number | readonly number[];
  /** `euler` by default. */
  readonly sampler?: SamplerName | undefined;
  readonly schedule: Schedule;
}

/** The uses of a program that all double blocks share, or all single ones. */
export const blocksOf = ({ layers, singleLayers }: Pick<FluxConfig, 'layers' | 'singleLayers'>) => ({
  double: (traced: Traced, prefix = 'double_blocks') => blocks(traced, prefix, layers),
  single: (traced: Traced, prefix = 'single_blocks') => blocks(traced, prefix, singleLayers),
});

/**
 * Computes shifts, scales and gates of every block, all steps at once, before the loop: the weights are used once. Returns the vector that
 * all are computed from, [s, b, d], and each block's, [s, b, k, d], by the names of `blockModulations`; `run` owns them.
 */
export async function modulationsOf(
  runtime: Runtime,
  run: Run,
  parts: Pick<FluxPrograms, 'conditioning' | 'doubleModulation' | 'singleModulation'>,
  config: Pick<FluxConfig, 'guidanceEmbeds' | 'layers' | 'singleLayers'>,
  { pooled, ...request }: Modulated & { readonly pooled: ShardedArray },
): Promise<{ vec: ShardedArray; every: Record<string, ShardedArray> }> {
  const times = Float32Array.from(evaluationsOf(request), ({ timestep }) => timestep);
  using timesteps = await runtime.upload(times, 'f32', [times.length]);
  // Timesteps and guidance stay f32 whatever the model computes in: rounded to bf16, 3.5 · 1000 would become 3504.
  const guidance = spread(request.guidance, request.prompts ?? 1).map((strength) => strength * 1000);
  using inputs = new DisposableStack();
  const guided = config.guidanceEmbeds && {
    guidance: inputs.use(await runtime.input(parts.conditioning, 'guidance', guidance)),
  };
  const vec = await run.next(whole(parts.conditioning), { timesteps, pooled, ...guided });
  const every: Record<string, ShardedArray> = {};
  const { double, single } = blocksOf(config);
  for (const [i, use] of double(parts.doubleModulation).entries()) every[`double${i}`] = await run.next(use, { vec });
  for (const [i, use] of single(parts.singleModulation).entries()) every[`single${i}`] = await run.next(use, { vec });
  return { vec, every };
}

/** Spreads one number for all of a batch's pictures, or a list with one for each, to `count` numbers; those beyond the list are 0. */
export function spread(values: number | readonly number[], count: number): Float32Array {
  const all = new Float32Array(count);
  if (typeof values === 'number') return all.fill(values);
  all.set(values);
  return values.length === 1 ? all.fill(values[0]!) : all;
}
