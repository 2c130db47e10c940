/** Rows of numbers, one after the other. */

/** Cuts rows of `from` elements to `to` elements, or pads them with zeros. */
export function resizeRows<A extends Float32Array | Uint8Array>(rows: A, from: number, to: number): A {
  if (from === to) return rows;
  const count = rows.length / from;
  const out = (rows instanceof Float32Array ? new Float32Array(count * to) : new Uint8Array(count * to)) as A;
  for (let row = 0; row < count; row++) out.set(rows.subarray(row * from, row * from + Math.min(from, to)), row * to);
  return out;
}
