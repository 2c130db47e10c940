/** How much of the autoencoder is done in bands of rows, for the memory there is. Needs no weights and no device. */

import { type VaeConfig, type VaePart, type VaeSizes, vaePrograms } from './vae.ts';

/** Whether programs of the autoencoder work in bands of rows: where memory asks for it, all that would take much, or none. */
export const VAE_TILINGS = ['auto', 'on', 'off'] as const;

/** When the autoencoder works in bands of rows: where memory asks for it, always, or never. */
export type VaeTiling = (typeof VAE_TILINGS)[number];

/** Bytes that a program may take between its input and its output where it is to work in bands: less only costs time. */
const USUAL = 64 * 2 ** 20;
/** Below this, halos are most of the work. */
const LEAST = 16 * 2 ** 20;

/** Bytes that a chain of programs needs at most beside its weights. */
export function vaeBytes(parts: readonly VaePart[]): number {
  return Math.max(...parts.map(({ bytes }) => bytes));
}

/**
 * The budget to trace the autoencoder with so that decoding takes at most `available` bytes: undefined if it fits
 * without bands; the smallest budget if nothing fits.
 */
export function vaeBudget(
  cfg: VaeConfig,
  sizes: Omit<VaeSizes, 'budget'>,
  { tiling, available }: { readonly tiling: VaeTiling; readonly available: number },
): number | undefined {
  if (tiling === 'off') return undefined;
  const bytes = (budget?: number): number => vaeBytes(vaePrograms(cfg, { ...sizes, budget }).decode);
  if (tiling === 'auto' && bytes() <= available) return undefined;
  let budget = USUAL;
  while (budget > LEAST && bytes(budget) > available) budget /= 2;
  return budget;
}
