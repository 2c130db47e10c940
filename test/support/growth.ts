/** Whether a loop's memory grows with its turns, judged from readings of one process that allocators disturb. */

/**
 * The growth between a series' start and its end, in the unit of its readings: from the median of the second to the sixth reading
 * to the least of the last quarter. A leak raises every late reading; a step that an allocator or V8 takes at the end, or gives
 * back later, raises only some.
 */
export function growth(readings: readonly number[]): number {
  if (readings.length < 12) throw new RangeError(`${readings.length} readings are too few to tell growth from noise`);
  const early = readings.slice(1, 6).toSorted((a, b) => a - b)[2]!;
  return Math.min(...readings.slice(-Math.ceil(readings.length / 4))) - early;
}
