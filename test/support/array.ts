/** Small arrays in f64 for the evaluators of this folder, and attention on them as the tests' judge. */

/** Numbers in row-major order. */
export interface NumberArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** How results are rounded: not at all, which proves the arithmetic, or as the device's types would. */
export type Rounding = 'exact' | 'as typed';

/** An array of one value, or of what `value` returns for each position in row-major order. */
export function filled(shape: readonly number[], value: number | ((index: number) => number)): NumberArray {
  const size = shape.reduce((n, d) => n * d, 1);
  const data = new Float64Array(size);
  if (typeof value === 'number') data.fill(value);
  else for (let i = 0; i < size; i++) data[i] = value(i);
  return { shape, data };
}

/** The indices of a row-major position. */
export function unravel(position: number, shape: readonly number[]): number[] {
  const indices: number[] = [];
  for (let d = shape.length - 1; d >= 0; d--) {
    indices[d] = position % shape[d]!;
    position = Math.floor(position / shape[d]!);
  }
  return indices;
}

/** The row-major position of indices. */
export function ravel(indices: readonly number[], shape: readonly number[]): number {
  return indices.reduce((position, index, d) => position * shape[d]! + index, 0);
}

/** The row-major position in an array of shape `outer` of position `i` of a window of shape `inner` that starts at `start`. */
export function ravelWindow(i: number, inner: readonly number[], start: readonly number[], outer: readonly number[]) {
  let at = 0;
  for (let d = inner.length - 1, stride = 1; d >= 0; d--) {
    at += ((i % inner[d]!) + start[d]!) * stride;
    i = Math.floor(i / inner[d]!);
    stride *= outer[d]!;
  }
  return at;
}

/** Stretches dimensions of 1 to `shape`. */
export function broadcast({ shape: from, data }: NumberArray, shape: readonly number[]): NumberArray {
  return filled(shape, (i) => {
    let at = 0;
    for (let d = shape.length - 1, stride = 1; d >= 0; d--) {
      if (from[d] !== 1) at += (i % shape[d]!) * stride;
      i = Math.floor(i / shape[d]!);
      stride *= from[d]!;
    }
    return data[at]!;
  });
}

const BITS = new Uint32Array(1);
const FLOAT = new Float32Array(BITS.buffer);

/** Rounds to bf16, nearest even. */
export function toBf16(value: number): number {
  FLOAT[0] = value;
  const u = BITS[0]!;
  if ((u & 0x7fffffff) <= 0x7f800000) BITS[0] = ((u + 0x7fff + ((u >>> 16) & 1)) & 0xffff0000) >>> 0;
  return FLOAT[0];
}

/** Rounds to an element type as MLIR names it. */
export function roundTo(element: string, value: number): number {
  switch (element) {
    case 'f32':
      return Math.fround(value);
    case 'bf16':
      return toBf16(value);
    case 'f16':
      return Math.f16round(value);
    case 'i32':
      return value | 0;
    case 'i1':
      return value ? 1 : 0;
    default:
      throw new TypeError(`no element type ${element}`);
  }
}

/** Repeatable values, uniform between -1 and 1 (Lehmer's generator modulo 2³¹ - 1). */
export function seededValues(seed: number): () => number {
  let state = (seed % 2147483646) + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  };
}

/** softmax(q kᵀ · scale) v over [b, h, n, c], in f64. */
export function referenceAttention(q: NumberArray, k: NumberArray, v: NumberArray, scale: number): NumberArray {
  const [b, h, n, c] = q.shape as [number, number, number, number];
  const m = k.shape[2]!;
  const out = filled(q.shape, 0);
  for (let head = 0; head < b * h; head++) {
    for (let i = 0; i < n; i++) {
      const query = q.data.subarray((head * n + i) * c, (head * n + i + 1) * c);
      const scores = Float64Array.from({ length: m }, (_, j) => {
        let sum = 0;
        for (let x = 0; x < c; x++) sum += query[x]! * k.data[(head * m + j) * c + x]!;
        return sum * scale;
      });
      const highest = scores.reduce((a, x) => Math.max(a, x), Number.NEGATIVE_INFINITY);
      const weights = scores.map((x) => Math.exp(x - highest));
      const total = weights.reduce((a, x) => a + x, 0);
      for (let j = 0; j < m; j++) {
        const weight = weights[j]! / total;
        for (let x = 0; x < c; x++) out.data[(head * n + i) * c + x]! += weight * v.data[(head * m + j) * c + x]!;
      }
    }
  }
  return out;
}
