/** The typical one of several measurements. */

/** The median of values; of an even number, the larger of the middle two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
