/** Numbers that only some values of are allowed, such as sides of pictures. */

/** Returns the multiples of `step` next to a value, one below and one above, as far as they lie between `least` and `most`; none for no number. */
export function multiplesNear(value: number, step: number, least: number, most: number): number[] {
  if (Number.isNaN(value)) return [];
  const within = Math.min(Math.max(value, least), most);
  const near = [Math.floor(within / step), Math.ceil(within / step)].map((count) => count * step);
  return [...new Set(near)].filter((multiple) => multiple >= least && multiple <= most);
}
