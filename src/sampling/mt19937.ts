/**
 * The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), seeded from one 32-bit word: the engine behind
 * `torch.Generator('cpu')`, which keeps only the low 32 bits of its seed.
 */

const N = 624;
const M = 397;

/** Generates the 32-bit words of MT19937. */
export class Mt19937 {
  readonly #state: Uint32Array = new Uint32Array(N);
  #index = N;

  /** Seeds the generator with the low 32 bits of `seed`. */
  constructor(seed: number) {
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < N; i++) {
      const previous = state[i - 1]!;
      state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
  }

  /** Returns the next word, an integer in [0, 2³²). */
  next(): number {
    if (this.#index === N) this.#twist();
    let y = this.#state[this.#index++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    let j = 1;
    let k = M;
    for (let i = 0; i < N; i++) {
      const y = (state[i]! & 0x80000000) | (state[j]! & 0x7fffffff);
      state[i] = state[k]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      if (++j === N) j = 0;
      if (++k === N) k = 0;
    }
    this.#index = 0;
  }
}
