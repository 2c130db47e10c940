/** How much of the autoencoder works in bands of rows, given the free memory. Needs no weights and no device. */

import { type VaeConfig, type VaePart, type VaePrograms, type VaeSizes, vaePrograms } from './vae.ts';

/** Which autoencoder programs work in bands of rows: as many as memory requires, every large one, or none. */
export const VAE_TILINGS = ['auto', 'on', 'off'] as const;

/** When the autoencoder works in bands of rows: if memory requires it, always, or never. */
export type VaeTiling = (typeof VAE_TILINGS)[number];

/** Bytes that a program may use between its input and its output if it works in bands; a smaller budget only costs time. */
const USUAL = 64 * 2 ** 20;
/** Below this, halos are most of the work. */
const LEAST = 16 * 2 ** 20;

/** The most bytes that a chain of programs needs, without its weights. */
export function vaeBytes(parts: readonly VaePart[]): number {
  return Math.max(...parts.map(({ bytes }) => bytes));
}

/**
 * The autoencoder's programs, neither of whose directions takes more than `available` bytes, and the budget they were traced with:
 * undefined if both fit without bands; the smallest budget if nothing fits. Decoding takes more, and parts that are in both stay one
 * program.
 */
export function vaeWithin(
  cfg: VaeConfig,
  sizes: Omit<VaeSizes, 'budget'>,
  { tiling, available }: { readonly tiling: VaeTiling; readonly available: number },
): { readonly programs: VaePrograms; readonly budget: number | undefined } {
  const within = (budget?: number) => ({ budget, programs: vaePrograms(cfg, { ...sizes, budget }) });
  const fits = ({ programs }: { readonly programs: VaePrograms }): boolean =>
    vaeBytes([...programs.decode, ...programs.encode]) <= available;
  if (tiling !== 'on') {
    const whole = within();
    if (tiling === 'off' || fits(whole)) return whole;
  }
  for (let budget = USUAL; ; budget /= 2) {
    const banded = within(budget);
    if (budget <= LEAST || fits(banded)) return banded;
  }
}
