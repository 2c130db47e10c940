/**
 * Writes checkpoints of FLUX.1's real names and shapes with random values, in any spelling that `fluxion convert` writes: for load tests,
 * without a download. One tensor is in memory at a time.
 *
 *   node tools/random-checkpoint.ts OUTPUT [--model dev|schnell] [--only transformer|clip|t5|vae] [--type bf16] [--double 19] [--single 38]
 *
 *   flux1-dev.safetensors --only transformer        BFL's single file, 24 GB
 *   flux1-dev-Q8_0.gguf --only transformer --type q8_0  GGUF
 *   all.safetensors --type fp8_scaled               ComfyUI's all-in-one file
 *   t5xxl.safetensors --only t5 --type fp8          a text encoder alone
 *   FOLDER                                          diffusers' folder, sharded, with the tokenizers of the bundled model
 */

import { parseArgs } from 'node:util';
import { FLUX1 } from '../src/families/flux1/flux1.ts';
import { fromF32 } from '../src/support/floats.ts';
import {
  checkedRows,
  type Rows,
  rowLength,
  type StoredTensor,
  type TensorStore,
} from '../src/weights/files/tensors.ts';
import { type ConvertOptions, convert, ENCODINGS, type Encoding } from '../src/weights/folders/convert.ts';
import { repositoryPath } from '../test/support/fixture.ts';
import { FULL_SIZE, type Keys } from '../test/support/full-size.ts';

/** Values of the table that tensors are runs of; a prime, so that no row length divides it. */
const PERIOD = 1_048_573;

/** Shapes as in a published model, values of about the size that keeps activations so: uniform, of deviation 1/√fan-in. */
class RandomStore implements TensorStore {
  readonly format = 'safetensors';
  readonly metadata: ReadonlyMap<string, string> = new Map();
  readonly path: string;
  readonly #shapes: Keys;
  /** The table in bf16, times a power of two. */
  readonly #tables = new Map<string, Uint8Array>();

  constructor(path: string, shapes: Keys) {
    this.path = path;
    this.#shapes = shapes;
  }

  keys(): string[] {
    return Object.keys(this.#shapes);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#shapes, key);
  }

  info(key: string): StoredTensor {
    return { dtype: 'bf16', shape: this.#shapes[key]!, file: this.path };
  }

  bytes(key: string, rows?: Rows): Uint8Array {
    const shape = this.#shapes[key]!;
    const [start, end] = checkedRows(key, shape, rows);
    const width = rowLength(shape);
    const isNorm = shape.length === 1 && /norm/.test(key) && key.endsWith('weight');
    const exponent = shape.length === 1 ? -4 : Math.round(Math.log2(Math.sqrt(3 / width)));
    const table = this.#table(exponent, isNorm ? 1 : 0);
    const out = new Uint8Array(2 * (end - start) * width);
    for (let at = 0, from = (2 * (hashOf(key) + start * width)) % table.length; at < out.length; from = 0) {
      const run = table.subarray(from, Math.min(table.length, from + out.length - at));
      out.set(run, at);
      at += run.length;
    }
    return out;
  }

  /** centre + 2^exponent · a uniform value in [-1, 1). */
  #table(exponent: number, centre: number): Uint8Array {
    const key = `${exponent} ${centre}`;
    const known = this.#tables.get(key);
    if (known) return known;
    let state = 1;
    const values = Float32Array.from({ length: PERIOD }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return centre + 2 ** exponent * (state / 2 ** 31 - 1);
    });
    const table = fromF32('bf16', values);
    this.#tables.set(key, table);
    return table;
  }

  [Symbol.dispose](): void {}
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % PERIOD;
}

const PARTS = ['transformer', 'clip', 't5', 'vae'] as const;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'dev' },
    only: { type: 'string' },
    type: { type: 'string', default: 'bf16' },
    double: { type: 'string', default: '19' },
    single: { type: 'string', default: '38' },
  },
});
const [output] = positionals;
const only = PARTS.find((part) => part === flags.only);
const known = (ENCODINGS as readonly string[]).includes(flags.type) && (flags.only === undefined || only !== undefined);
if (output === undefined || positionals.length > 1 || !known || !(flags.model === 'dev' || flags.model === 'schnell')) {
  console.error(
    'node tools/random-checkpoint.ts OUTPUT [--model dev|schnell] [--only transformer|clip|t5|vae] [--type TYPE] [--double N] [--single N]',
  );
  process.exit(2);
}
const kept = (key: string): boolean => {
  const [, kind, n] = /^(transformer|single_transformer)_blocks\.(\d+)\./.exec(key) ?? [];
  return kind === undefined || Number(n) < Number(kind === 'transformer' ? flags.double : flags.single);
};
const transformer = Object.fromEntries(Object.entries(FULL_SIZE[flags.model]).filter(([key]) => kept(key)));
const shapes: Record<(typeof PARTS)[number], Keys> = {
  transformer,
  clip: FULL_SIZE.clip,
  t5: FULL_SIZE.t5,
  vae: FULL_SIZE.vae,
};
const container: ConvertOptions['container'] = output.endsWith('.gguf')
  ? 'gguf'
  : output.endsWith('.safetensors')
    ? 'safetensors'
    : 'folder';
await convert(
  FLUX1,
  PARTS.filter((part) => only === undefined || part === only).map((part) => new RandomStore(part, shapes[part])),
  output,
  {
    encoding: flags.type as Encoding,
    names: container === 'folder' ? 'diffusers' : 'single',
    container,
    base: repositoryPath('models/tiny'),
  },
);
