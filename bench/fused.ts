/** One wide matrix product against three narrow ones of the same rows, as q, k and v of a full-size block: ratios of interleaved runs. */

import { Client, ensurePlugin, Plugin } from '../src/xla.ts';

const [D, RUNS] = [3072, 9];
await using client = await Client.create(Plugin.load(await ensurePlugin('cpu')));

for (const n of [768, 1536]) {
  const x = `tensor<${n}x${D}xbf16>`;
  const product = (weight: string, rows: number) =>
    `stablehlo.dot_general %x, ${weight}, contracting_dims = [1] x [1] : (${x}, tensor<${rows}x${D}xbf16>) -> tensor<${n}x${rows}xf32>`;
  const cast = (from: string, rows: number) =>
    `stablehlo.convert ${from} : (tensor<${n}x${rows}xf32>) -> tensor<${n}x${rows}xbf16>`;
  const one = `module @one { func.func public @main(%x: ${x}, %w: tensor<${3 * D}x${D}xbf16>) -> tensor<${n}x${3 * D}xbf16> {
    %0 = ${product('%w', 3 * D)}
    %1 = ${cast('%0', 3 * D)}
    return %1 : tensor<${n}x${3 * D}xbf16> } }`;
  const weight = `tensor<${D}x${D}xbf16>`;
  const out = `tensor<${n}x${D}xbf16>`;
  const three = `module @three { func.func public @main(%x: ${x}, %a: ${weight}, %b: ${weight}, %c: ${weight}) -> (${out}, ${out}, ${out}) {
    %0 = ${product('%a', D)}
    %1 = ${cast('%0', D)}
    %2 = ${product('%b', D)}
    %3 = ${cast('%2', D)}
    %4 = ${product('%c', D)}
    %5 = ${cast('%4', D)}
    return %1, %3, %5 : ${out}, ${out}, ${out} } }`;
  using wide = await client.compile(one);
  using narrow = await client.compile(three);
  const array = (rows: number) => client.upload(new Uint8Array(rows * D * 2), { dtype: 'bf16', shape: [rows, D] });
  using input = await array(n);
  using whole = await array(3 * D);
  using part = await array(D);
  const time = async (run: () => { ready(): Promise<void>; dispose(): void }[]) => {
    const start = performance.now();
    const outputs = run();
    await Promise.all(outputs.map((o) => o.ready()));
    for (const o of outputs) o.dispose();
    return performance.now() - start;
  };
  const ratios: number[] = [];
  for (let i = 0; i <= RUNS; i++) {
    const b = await time(() => narrow.run([input, part, part, part]));
    const a = await time(() => wide.run([input, whole]));
    if (i > 0) ratios.push(b / a);
  }
  console.log(
    `${n} tokens: three products take ${ratios.sort((p, q) => p - q)[RUNS >> 1]!.toFixed(3)} of the time of one`,
  );
}
