/** Spreads one number for all of a batch's pictures, or a list with one for each, to `count` numbers; those beyond the list are 0. */
export function spread(values: number | readonly number[], count: number): Float32Array {
  const all = new Float32Array(count);
  if (typeof values === 'number') return all.fill(values);
  all.set(values);
  return values.length === 1 ? all.fill(values[0]!) : all;
}
