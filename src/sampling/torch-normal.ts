/**
 * The normal distribution of torch's CPU generator (`torch.randn`), bit for bit as x86 builds compute it.
 *
 * Sixteen and more values go through a vectorised Box–Muller transform in f32 (ATen's `normal_fill`), whose logarithm,
 * sine and cosine are Cephes polynomials compiled with fused multiply-adds; each rounding of that code is repeated
 * here. torch without AVX2 (Arm, for one) calls the C library instead and differs from this, and from torch on x86, in
 * the last places. Fewer than sixteen values are drawn one at a time in f64.
 */

import { fma, horner, log } from './cephes.ts';
import { Mt19937 } from './mt19937.ts';
import { type ModelFloat, rounding } from './rounding.ts';

const { fround } = Math;

/** The values that `torch.randn` draws from one `torch.Generator('cpu')`, call by call, in torch 2.15. */
export class TorchNormal {
  readonly #engine: Mt19937;
  /** The unused second value of a pair; blocks of sixteen leave it for the next values that are drawn one at a time. */
  #second: number | undefined;

  /** Seeds the generator; of `seed` only the low 32 bits count. */
  constructor(seed: number) {
    this.#engine = new Mt19937(seed);
  }

  /** Draws the next values as `torch.randn(count, dtype=dtype, generator=generator)` does. */
  normal(count: number, dtype: ModelFloat): Float32Array {
    const engine = this.#engine;
    const out = new Float32Array(count);
    if (count < 16) {
      for (let i = 0; i < count; i++) out[i] = this.#scalar();
    } else {
      for (let i = 0; i + 16 <= count; i += 16) fillBlock(engine, out, i);
      const ragged = count % 16;
      if (ragged > 0) {
        // An f32 tensor holds all the uniforms first, so the tail's are drawn and then replaced; the 16-bit types skip them.
        if (dtype === 'f32') for (let i = 0; i < ragged; i++) engine.next();
        fillBlock(engine, out, count - 16);
      }
    }
    if (dtype !== 'f32') {
      const round = rounding(dtype);
      for (let i = 0; i < count; i++) out[i] = round(out[i]!);
    }
    return out;
  }

  /** Returns one value, in f64; every second call draws two 53-bit uniforms. */
  #scalar(): number {
    const second = this.#second;
    this.#second = undefined;
    if (second !== undefined) return second;
    const angle = 2 * Math.PI * uniform53(this.#engine);
    const radius = Math.sqrt(-2 * Math.log1p(-uniform53(this.#engine)));
    this.#second = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

function uniform53(engine: Mt19937): number {
  const high = engine.next() & 0x1fffff;
  return (high * 2 ** 32 + engine.next()) / 2 ** 53;
}

const TWO_PI = fround(2 * Math.PI);
const FOUR_OVER_PI = fround(4 / Math.PI);
/** π/4 in three parts; the products of the first two with an octant number are exact. */
const QUARTER_PI = [0.78515625, 2.4187564849853516e-4, fround(3.774894977e-8)] as const;
const COSINE = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(fround);
const SINE = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(fround);

const uniforms = new Float32Array(16);

/** Fills sixteen values from sixteen 24-bit uniforms: eight radii, then eight angles. */
function fillBlock(engine: Mt19937, out: Float32Array, offset: number): void {
  for (let i = 0; i < 16; i++) uniforms[i] = (engine.next() & 0xffffff) * 2 ** -24;
  for (let i = 0; i < 8; i++) {
    const radius = fround(Math.sqrt(fround(-2 * log(1 - uniforms[i]!, 'torch'))));
    const angle = fround(TWO_PI * uniforms[i + 8]!);

    // angle = octant · π/4 + x, with an even octant and |x| ≤ π/4.
    const octant = (Math.trunc(fround(angle * FOUR_OVER_PI)) + 1) & ~1;
    const x = fma(-octant, QUARTER_PI[2], fround(fround(angle - octant * QUARTER_PI[0]) - octant * QUARTER_PI[1]));
    const square = fround(x * x);
    const even = fround(fma(fround(horner(COSINE, square) * square), square, -0.5 * square) + 1);
    const odd = fma(fround(horner(SINE, square) * square), x, x);
    const cosine = octant & 2 ? odd : even;
    const sine = octant & 2 ? even : odd;

    // The closing `· σ + μ`, with σ = 1 and μ = 0, turns -0 into 0.
    out[offset + i] = radius * ((octant + 2) & 4 ? -cosine : cosine) + 0;
    out[offset + i + 8] = radius * (octant & 4 ? -sine : sine) + 0;
  }
}
