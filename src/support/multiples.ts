/** Multiples of a number: of a block's size, or as sides of pictures. */

/** Returns the multiples of `step` just below and above a value that lie between `least` and `most`; none for NaN. */
export function multiplesNear(value: number, step: number, least: number, most: number): number[] {
  if (Number.isNaN(value)) return [];
  const within = Math.min(Math.max(value, least), most);
  const near = [Math.floor(within / step), Math.ceil(within / step)].map((count) => count * step);
  return [...new Set(near)].filter((multiple) => multiple >= least && multiple <= most);
}

/** Returns the smallest multiple of `step` that is not below a value. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
