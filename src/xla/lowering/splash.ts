/** Flash attention on TPU: the Mosaic kernel of mosaic.ts, the blocks it works in, and the call that carries it. */

import type { Float } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { roundUp } from '../../support/multiples.ts';
import { customCall } from '../graph/ops.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type AttentionInputs, packHeads, sizesOf, unpackHeads } from './attention.ts';
import { mosaicAttention } from './mosaic.ts';

/** Block sizes in tokens, as in MaxDiffusion's `flash_block_sizes`; absent ones are chosen by the token count. */
export interface FlashBlockSizes {
  /** Queries whose running softmax is in vector memory at once. */
  readonly blockQ?: number | undefined;
  /** Keys that are brought into vector memory at once. */
  readonly blockKv?: number | undefined;
  /** Keys whose scores are computed at once, a divisor of `blockKv`. */
  readonly blockKvCompute?: number | undefined;
}

/** How the kernel is tuned. */
export interface SplashOptions {
  readonly flashBlockSizes?: FlashBlockSizes | undefined;
  /** Masks the keys that pad the last block; on by default. Unmasked, they count with a score of 0. */
  readonly maskPaddingTokens?: boolean | undefined;
  /** Computes powers of 2 rather than of e; on by default. */
  readonly useBase2Exp?: boolean | undefined;
}

/** Lanes of a vector register: the width of a head, and of a block of scores, is a multiple. */
const LANES = 128;
/** Rows of a register of 2-byte numbers. */
const SUBLANES = 16;
/** Most scores computed at once by default: about 1536², which every TPU has the memory for. */
const MOST_SCORES = 2_400_000;
const MIB = 2 ** 20;
/** Vector memory that every TPU grants a kernel. */
const DEFAULT_VMEM = 16 * MIB;

/** Why the kernel cannot compute this attention; undefined if it can. */
export function splashRefusal({ q, bias, mask }: AttentionInputs): string | undefined {
  if (q.dtype !== 'bf16') return `takes bf16, not ${q.dtype}`;
  if (bias) return 'takes no bias';
  if (mask === 'causal') return 'takes no causal mask';
  return undefined;
}

/** Computes attention by the Mosaic kernel; `splashRefusal` tells where it cannot. Throws `bad_config` for impossible blocks. */
export function splashAttention<F extends Float>(inputs: AttentionInputs<F>, options: SplashOptions = {}): Tensor<F> {
  const sizes = sizesOf(inputs);
  const { b, h, n, m } = sizes;
  const c = roundUp(sizes.c, LANES);
  const blocks = flashBlocks({ n, m, c }, options.flashBlockSizes);
  const [blocksQ, blocksKv] = [Math.ceil(n / blocks.blockQ), Math.ceil(m / blocks.blockKv)];
  const [queries, keys] = [blocksQ * blocks.blockQ, blocksKv * blocks.blockKv];
  const masked = options.maskPaddingTokens ?? true;
  const body = mosaicAttention({
    b,
    h,
    c,
    ...blocks,
    blocksQ,
    blocksKv,
    validInLast: masked ? m - (blocksKv - 1) * blocks.blockKv : blocks.blockKv,
    scale: inputs.scale,
    exponential: (options.useBase2Exp ?? true) ? 'exp2' : 'exp',
  });
  const config = {
    custom_call_config: {
      body: btoa(body),
      serialization_format: 1,
      needs_layout_passes: true,
      cost_estimate: {
        flops: 4 * b * h * queries * keys * c,
        transcendentals: b * h * queries * keys,
        bytes_accessed: 4 * b * h * c * (queries + blocksQ * keys),
      },
    },
    scoped_memory_configs: [{ memory_space: 1, offset: 0, size: vmemBytes({ ...blocks, c }) }],
  };
  const packed = [packHeads(inputs.q, queries, c), packHeads(inputs.k, keys, c), packHeads(inputs.v, keys, c)] as const;
  const call = { target: 'tpu_custom_call', apiVersion: 1, backendConfig: JSON.stringify(config) } as const;
  return unpackHeads(customCall(call, packed, packed[0]), sizes);
}

/** Sizes of all three blocks. */
export type ChosenBlocks = Required<Record<keyof FlashBlockSizes, number>>;

/**
 * Chooses the blocks for `n` queries and `m` keys of heads `c` wide: those asked for, cut to the tokens, or else blocks without padding
 * if there are any. The wider the heads, the shorter the blocks.
 */
export function flashBlocks(
  { n, m, c }: { readonly n: number; readonly m: number; readonly c: number },
  asked: FlashBlockSizes = {},
): ChosenBlocks {
  const given = (name: string, size: number | undefined, tokens: number, multiple: number): number | undefined => {
    if (size === undefined) return undefined;
    if (!Number.isSafeInteger(size) || size < multiple || size % multiple !== 0)
      throw new FluxionError(
        'bad_config',
        `flash_block_sizes: ${name} must be a multiple of ${multiple}, found ${size}`,
      );
    return Math.min(size, roundUp(tokens, LANES));
  };
  const scaled = (size: number): number => roundUp(size * Math.sqrt(LANES / c), LANES);
  // Usual sizes of a block, and the largest, for heads 128 wide; MaxDiffusion uses 1536 for Flux on v6e.
  const [low, high, largest] = [scaled(768), scaled(1536), scaled(2304)];
  const keys =
    given('block_kv', asked.blockKv, m, LANES) ??
    divisor(m, LANES, low, high) ??
    divisor(m, LANES, high, largest) ??
    even(m, high);
  const piece = Math.min(given('block_kv_compute', asked.blockKvCompute, m, LANES) ?? keys, keys);
  if ((asked.blockKv ?? keys) % piece !== 0 && keys % piece !== 0)
    throw new FluxionError(
      'bad_config',
      `flash_block_sizes: block_kv ${keys} is not a multiple of block_kv_compute ${piece}`,
      { hint: 'give block_kv_compute the size of block_kv, or a divisor of it' },
    );
  const most = Math.min(largest, (MOST_SCORES * LANES) / (c * piece));
  return {
    blockQ:
      given('block_q', asked.blockQ, n, SUBLANES) ??
      divisor(n, SUBLANES, low / 2, most) ??
      even(n, Math.min(high, most)),
    // A block cut to the number of tokens may no longer consist of whole pieces.
    blockKv: roundUp(keys, piece),
    blockKvCompute: piece,
  };
}

/** The largest multiple of `unit` from `low` to `high` that divides `tokens`; all tokens, rounded up, if `high` allows. */
function divisor(tokens: number, unit: number, low: number, high: number): number | undefined {
  if (tokens <= high) return roundUp(tokens, unit);
  for (let size = high - (high % unit); size >= low; size -= unit) if (tokens % size === 0) return size;
  return undefined;
}

/** The length of equal blocks, as few as possible. */
function even(tokens: number, largest: number): number {
  return roundUp(Math.ceil(tokens / Math.ceil(tokens / largest)), LANES);
}

/** Vector memory to allow the kernel: its windows twice, since the next block is fetched meanwhile, its scratch, and its scores. */
export function vmemBytes({ blockQ, blockKv, blockKvCompute, c }: ChosenBlocks & { readonly c: number }): number {
  const windows = 2 * 2 * (2 * blockQ + 2 * blockKv) * c;
  const scratch = 4 * blockQ * (2 * LANES + c);
  // The scores of a piece are still in use while the next piece's are computed.
  const scores = 4 * blockQ * blockKvCompute * (blockKv > blockKvCompute ? 2 : 1);
  return Math.max(DEFAULT_VMEM, roundUp(1.25 * (windows + scratch + scores), MIB));
}
