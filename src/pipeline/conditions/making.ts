/** The initial latents of a batch's pictures, and the inputs that their conditions add to its programs. */

import type { BatchShare } from '../../engine/batch-share.ts';
import { generatorOf } from '../../sampling/generator.ts';
import type { DenoiseRequest } from '../denoise.ts';
import type { Slot } from '../slot.ts';
import { type MakingFrom, type Moments, PictureMaking } from './condition.ts';

/** What all pictures of a batch need besides their slots. */
interface MakingOptions extends Pick<MakingFrom, 'vae' | 'dtype'> {
  /** Pictures that were encoded, by their keys. */
  readonly moments: ReadonlyMap<string, Moments>;
}

/** Draws the latents and inputs of a batch, with zeros in empty slots; each picture has its own generator. */
export function makeGiven(
  share: BatchShare,
  pictures: readonly (Slot | undefined)[],
  options: MakingOptions,
): Required<Pick<DenoiseRequest, 'latents' | 'given' | 'draw'>> {
  const slots = share.ofSlots(pictures).map((slot) => slot && makingOf(slot, options));
  const { given: first } =
    slots.find((making) => making !== undefined) ?? makingOf(pictures.find((slot) => slot !== undefined)!, options);
  const gather = (length: number, valuesOf: (making: PictureMaking) => Float32Array) => {
    const all = new Float32Array(length * slots.length);
    for (const [i, making] of slots.entries()) if (making) all.set(valuesOf(making), i * length);
    return all;
  };
  const all = Object.entries(first).map(([name, { length }]) => [name, gather(length, ({ given }) => given[name]!)]);
  const { latents, ...given } = Object.fromEntries(all) as Record<'latents', Float32Array>;
  const each = first['latents']!.length;
  return { latents, given, draw: () => gather(each, (making) => making.from.normal(each, 'f32')) };
}

/** Draws the latents and inputs of one picture. */
function makingOf({ prompt: { seed }, picture, ticket: { decided } }: Slot, options: MakingOptions): PictureMaking {
  const { noise: kind, schedule, size, conditions, batch } = decided;
  const isJax = kind === 'jax';
  const generator = generatorOf(kind, isJax ? seed : BigInt.asUintN(64, seed + BigInt(picture)));
  const making = new PictureMaking({
    sigma: schedule.sigmas[0]!,
    // JAX draws the noise of a whole batch at once; this picture takes its part.
    normal: (count, dtype) =>
      isJax
        ? generator.normal(count * batch, dtype).subarray(picture * count, (picture + 1) * count)
        : generator.normal(count, dtype),
    // MaxDiffusion draws in bf16 whatever the model computes in.
    dtype: isJax ? 'bf16' : options.dtype,
    moments: ({ key }) => options.moments.get(key)!,
    vae: options.vae,
  });
  for (const { before } of conditions) before?.(making);
  const noise = making.noise(size);
  making.given['noise'] = noise;
  making.given['latents'] = noise;
  for (const { after } of conditions) after?.(making);
  return making;
}
