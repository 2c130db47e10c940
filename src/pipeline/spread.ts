/** Values of a batch that are one for all its pictures, or one for each. */

/** One number for all, or one for each, as `count` numbers; those beyond the last are 0. */
export function spread(values: number | readonly number[], count: number): Float32Array {
  const all = new Float32Array(count);
  if (typeof values === 'number') return all.fill(values);
  all.set(values);
  return values.length === 1 ? all.fill(values[0]!) : all;
}
