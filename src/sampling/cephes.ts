/**
 * The single-precision logarithm of the Cephes library (S. Moshier), with every rounding of torch's and XLA's vector code;
 * and the fused multiply-add that this code uses and JavaScript lacks.
 */

const { fround } = Math;

/** Computes a · b + c of f32 values with a single rounding, to f32. */
export function fma(a: number, b: number, c: number): number {
  const product = a * b; // exact: 48 of f64's 53 bits
  const sum = product + c;
  const near = fround(sum);
  const far = 2 * sum - near;
  if (near === sum || fround(far) !== far) return near;
  // The f64 sum lies midway between two f32 values: the part that its own rounding dropped decides.
  const back = sum - product;
  const dropped = product - (sum - back) + (c - back);
  return dropped !== 0 && dropped > 0 === far > near ? far : near;
}

/** Evaluates an f32 polynomial by Horner's scheme, given from the highest power down, with fused multiply-adds. */
export function horner(coefficients: readonly number[], x: number): number {
  let y = coefficients[0]!;
  for (let i = 1; i < coefficients.length; i++) y = fma(y, x, coefficients[i]!);
  return y;
}

const HIGH = [7.0376836292e-2, -1.151461031e-1, 1.167699874e-1].map(fround);
const MIDDLE = [-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1].map(fround);
const LOW = [2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1].map(fround);
const ALL = [...HIGH, ...MIDDLE, ...LOW];
const LN2_HIGH = 0.693359375; // few bits: its product with an exponent is exact
const LN2_LOW = fround(-2.1219444e-4);
const SQRT_HALF = fround(Math.SQRT1_2);

const view = new DataView(new ArrayBuffer(4));

/**
 * Natural logarithm of a normal f32 value above 0. torch evaluates the polynomial by Horner's scheme, XLA in three
 * parts side by side; they also add the last terms in another order.
 */
export function log(value: number, as: 'torch' | 'xla'): number {
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  let exponent = (bits >>> 23) - 126;
  view.setUint32(0, (bits & 0x007fffff) | 0x3f000000);
  let x = view.getFloat32(0); // [0.5, 1)
  if (x < SQRT_HALF) {
    exponent -= 1;
    x *= 2;
  }
  x -= 1; // exact
  const square = fround(x * x);
  const low = fround(exponent * LN2_LOW);
  const high = exponent * LN2_HIGH;
  if (as === 'torch') {
    const tail = fma(fround(horner(ALL, x) * x), square, low);
    return fround(fround(x + fround(tail - 0.5 * square)) + high);
  }
  const cube = fround(square * x);
  const tail = fma(fma(fma(horner(HIGH, x), cube, horner(MIDDLE, x)), cube, horner(LOW, x)), cube, low);
  return fround(fround(fround(x - 0.5 * square) + tail) + high);
}
