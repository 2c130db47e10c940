/**
 * The roofline: the least time a program can take on a device, by arithmetic alone. A program computes and reads memory at the
 * same time, so that the slower of the two counts (Williams et al. 2009, https://doi.org/10.1145/1498765.1498785); time to
 * receive from other devices is added, since a program here is one block and begins by receiving.
 */

/** What one run of a program does, on one device. */
export interface Work {
  readonly flops: number;
  /** Bytes moved between the device and its memory. */
  readonly bytes: number;
  /** Bytes that come from other devices. */
  readonly received: number;
}

/** Peak rates of one device, in FLOP/s and bytes a second. */
export interface Rates {
  readonly flops: number;
  readonly bandwidth: number;
  readonly network: number;
}

/** What limits a program. */
export type Bound = 'compute' | 'memory' | 'network';

/** Seconds of one run, and what limits it. */
export function roofline(work: Work, rates: Rates): { readonly seconds: number; readonly bound: Bound } {
  const compute = work.flops / rates.flops;
  const memory = work.bytes / rates.bandwidth;
  const network = work.received === 0 ? 0 : work.received / rates.network;
  const own = Math.max(compute, memory);
  return { seconds: own + network, bound: network > own ? 'network' : compute >= memory ? 'compute' : 'memory' };
}
