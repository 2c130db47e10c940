/**
 * Comparisons of numbers and pictures with a reference. Errors are judged by their distribution, not by one tolerance, and relative
 * to the largest expected magnitude: element by element, the smallest values would decide. A value that is not finite always fails.
 */

import assert from 'node:assert/strict';

/** How far `actual` lies from `expected`: quantiles of |actual − expected|, by nearest rank. */
export interface ErrorStats {
  readonly max: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  /** Largest |expected|, which relative errors are relative to. */
  readonly scale: number;
  /** `max / scale`; 0 where both are 0. */
  readonly relMax: number;
  /** Where the largest error is, or the first value that is not finite. */
  readonly worstIndex: number;
  /** How many positions hold a NaN or an infinity on either side; their error counts as infinite. */
  readonly nonFinite: number;
}

/** Upper bounds for an array's errors, as fractions of the largest expected magnitude. */
export interface ErrorLimits {
  readonly maxRelative: number;
  readonly p99?: number;
  /** Shape of both arrays, to print the worst position as coordinates. */
  readonly shape?: readonly number[];
}

/** Measures the errors of `actual` against `expected`; throws when the lengths differ or are 0. */
export function compare(actual: Float32Array, expected: Float32Array): ErrorStats {
  assertSameLength(actual, expected);
  const errors = new Float64Array(actual.length);
  let scale = 0;
  let worstIndex = 0;
  let nonFinite = 0;
  for (let i = 0; i < errors.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    // Infinity − Infinity is NaN, so that equal infinities land here too.
    errors[i] = Number.isFinite(error) ? error : Number.POSITIVE_INFINITY;
    if (errors[i] === Number.POSITIVE_INFINITY) nonFinite++;
    else scale = Math.max(scale, Math.abs(expected[i]!));
    if (errors[i]! > errors[worstIndex]!) worstIndex = i;
  }
  const max = errors[worstIndex]!;
  // Sorting takes longer than everything else, and most comparisons ask for the largest error alone.
  let ascending: Float64Array | undefined;
  const quantile = (q: number): number => {
    ascending ??= errors.sort();
    return ascending[Math.max(0, Math.ceil(q * ascending.length) - 1)]!;
  };
  return {
    max,
    get p50() {
      return quantile(0.5);
    },
    get p90() {
      return quantile(0.9);
    },
    get p99() {
      return quantile(0.99);
    },
    get p999() {
      return quantile(0.999);
    },
    scale,
    relMax: relative(max, scale),
    worstIndex,
    nonFinite,
  };
}

/** Fails, naming the quantiles and the worst position, unless all errors lie within `limits`; returns the statistics otherwise. */
export function assertClose(
  name: string,
  actual: Float32Array,
  expected: Float32Array,
  limits: ErrorLimits,
): ErrorStats {
  const stats = compare(actual, expected);
  const tooFar = [
    stats.nonFinite > 0 && `${stats.nonFinite} positions are not finite`,
    stats.relMax > limits.maxRelative && `largest error ${show(stats.relMax)} exceeds ${show(limits.maxRelative)}`,
    limits.p99 !== undefined &&
      relative(stats.p99, stats.scale) > limits.p99 &&
      `99th percentile ${show(relative(stats.p99, stats.scale))} exceeds ${show(limits.p99)}`,
  ].filter((reason) => reason !== false);
  if (tooFar.length > 0) {
    const { worstIndex: at } = stats;
    const quantiles = (['p50', 'p90', 'p99', 'p999', 'max'] as const)
      .map((key) => `${key} ${show(relative(stats[key], stats.scale))}`)
      .join(', ');
    assert.fail(
      `${name}: ${tooFar.join('; ')}\n` +
        `  errors relative to the largest expected magnitude ${show(stats.scale)}: ${quantiles}\n` +
        `  worst of ${actual.length} at ${position(at, limits.shape)}: found ${actual[at]}, expected ${expected[at]}`,
    );
  }
  return stats;
}

/** Peak signal-to-noise ratio of two 8-bit pictures in dB; infinite where they are equal. */
export function psnr(a: Uint8Array, b: Uint8Array): number {
  assertSameLength(a, b);
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
  return 10 * Math.log10((255 ** 2 * a.length) / squares);
}

/** Fails, printing how many bytes differ by how much, unless 99.9 % of all bytes differ by at most 1. */
export function assertImagesClose(name: string, actual: Uint8Array, expected: Uint8Array): void {
  assertSameLength(actual, expected);
  const histogram = new Map<number, number>();
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    histogram.set(difference, (histogram.get(difference) ?? 0) + 1);
    if (difference > Math.abs(actual[worst]! - expected[worst]!)) worst = i;
  }
  const near = (histogram.get(0) ?? 0) + (histogram.get(1) ?? 0);
  if (near >= 0.999 * actual.length) return;
  const counts = [...histogram].sort(([a], [b]) => a - b).map(([difference, count]) => `${difference}: ${count}`);
  const shown = counts.length > 12 ? [...counts.slice(0, 10), '…', counts.at(-1)] : counts;
  assert.fail(
    `${name}: only ${((100 * near) / actual.length).toFixed(2)} % of the bytes are within 1/255, ` +
      `PSNR ${psnr(actual, expected).toFixed(1)} dB\n` +
      `  bytes by difference: ${shown.join(', ')}\n` +
      `  worst of ${actual.length} at ${worst}: found ${actual[worst]}, expected ${expected[worst]}`,
  );
}

function assertSameLength(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.ok(expected.length > 0, 'nothing to compare with: the expected array is empty');
  assert.equal(actual.length, expected.length, `compared ${actual.length} values with ${expected.length}`);
}

function relative(error: number, scale: number): number {
  return error === 0 ? 0 : error / scale;
}

function show(value: number): string {
  return value.toPrecision(3);
}

function position(index: number, shape: readonly number[] | undefined): string {
  if (!shape) return `${index}`;
  const coordinates: number[] = [];
  for (const size of shape.toReversed()) {
    coordinates.unshift(index % size);
    index = Math.floor(index / size);
  }
  return `[${coordinates.join(', ')}]`;
}
