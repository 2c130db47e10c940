/** Rounding of single values to the element types the model computes in. */

import type { ModelFloat } from '../support/dtype.ts';

export type { ModelFloat };

const view = new DataView(new ArrayBuffer(4));

/** Rounds an f32 value to the nearest bf16, ties to even. */
function bf16round(x: number): number {
  view.setFloat32(0, x);
  const bits = view.getUint32(0);
  if ((bits & 0x7fffffff) > 0x7f800000) return Number.NaN;
  view.setUint32(0, (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000);
  return view.getFloat32(0);
}

/** Returns the function that rounds a number to f32 and then to `dtype`, as f32 arithmetic with a narrower result does. */
export function rounding(dtype: ModelFloat): (x: number) => number {
  switch (dtype) {
    case 'f32':
      return Math.fround;
    case 'bf16':
      return bf16round;
    case 'f16':
      return (x) => Math.f16round(Math.fround(x));
    default:
      return dtype satisfies never;
  }
}
