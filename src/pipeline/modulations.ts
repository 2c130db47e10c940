/** Modulations: they tell every block of a transformer the time, the guidance and the gist of the prompt. */

import type { Run } from '../engine/run.ts';
import type { FluxConfig, FluxPrograms } from '../models/flux.ts';
import { evaluationsOf, type SamplerName } from '../sampling/samplers/by-name.ts';
import type { Schedule } from '../sampling/schedule.ts';
import { blocks, whole } from '../weights/set.ts';
import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';
import { spread } from './spread.ts';

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

/** The vector that all modulations are computed from, [s, b, d], and each block's modulations, [s, b, k, d], by the names of `blockModulations`. */
export interface Modulations {
  readonly vec: ShardedArray;
  readonly every: Record<string, ShardedArray>;
}

/** Computes shifts, scales and gates of every block, all steps at once, before the loop: the weights are used once. `run` owns them. */
export async function modulationsOf(
  runtime: Runtime,
  run: Run,
  parts: Pick<FluxPrograms, 'conditioning' | 'doubleModulation' | 'singleModulation'>,
  { guidanceEmbeds, layers, singleLayers }: Pick<FluxConfig, 'guidanceEmbeds' | 'layers' | 'singleLayers'>,
  { pooled, ...request }: Modulated & { readonly pooled: ShardedArray },
): Promise<Modulations> {
  const times = Float32Array.from(evaluationsOf(request), ({ timestep }) => timestep);
  using timesteps = await runtime.upload(times, 'f32', [times.length]);
  // Timesteps and guidance stay f32 whatever the model computes in: rounded to bf16, 3.5 · 1000 would become 3504.
  const guidance = spread(request.guidance, request.prompts ?? 1).map((strength) => strength * 1000);
  using inputs = new DisposableStack();
  const guided = guidanceEmbeds && {
    guidance: inputs.use(await runtime.input(parts.conditioning, 'guidance', guidance)),
  };
  const vec = await run.next(whole(parts.conditioning), { timesteps, pooled, ...guided });
  const every: Record<string, ShardedArray> = {};
  const double = blocks(parts.doubleModulation, 'double_blocks', layers);
  const single = blocks(parts.singleModulation, 'single_blocks', singleLayers);
  for (const [i, use] of double.entries()) every[`double${i}`] = await run.next(use, { vec });
  for (const [i, use] of single.entries()) every[`single${i}`] = await run.next(use, { vec });
  return { vec, every };
}
