/** Every dialect of LoRA files, written from one set of factors: each must come to the same differences of weights. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FLUX_MODULES } from '../../../src/families/flux1/modules.ts';
import { loadAdapter } from '../../../src/weights/lora/adapter.ts';
import { dialectOf } from '../../../src/weights/lora/dialects.ts';
import { assertClose } from '../../support/close.ts';
import {
  diagonal,
  differences,
  drawer,
  exchanged,
  loraFile,
  product,
  SMALL_MODEL,
  SMALL_WEIGHTS,
  scalar,
  stack,
  type Values,
} from '../../support/lora.ts';

/** One module in both spellings, with the factors of each of its diffusers parts. */
interface Row {
  readonly bfl: string;
  readonly swapped: boolean;
  readonly parts: readonly { readonly name: string; readonly a: Values; readonly b: Values }[];
}

const RANK = 3;
const ALPHA = 2;
const rows: readonly Row[] = drawRows();

function drawRows(): Row[] {
  const draw = drawer(1);
  return FLUX_MODULES.flatMap(({ bfl, diffusers, swapped }): Row[] =>
    [0, 1].flatMap((block) => {
      if (!bfl.includes('#') && block > 0) return [];
      const module = bfl.replace('#', `${block}`);
      const specs = SMALL_WEIGHTS.filter(({ name }) => name === `${module}.weight`);
      const inputs = specs[0]?.shape[1];
      if (inputs === undefined) return [];
      const total = specs.reduce((n, { shape }) => n + shape[0]!, 0);
      const parts = diffusers.map((name, i) => {
        const out = diffusers.length === 1 ? total : specs[i]!.shape[0]!;
        return { name: name.replace('#', `${block}`), a: draw(RANK, inputs), b: draw(out, RANK) };
      });
      return [{ bfl: module, swapped: swapped ?? false, parts }];
    }),
  );
}

/** A row's factors as one fused layer in BFL's order of rows (formats R4, R6). */
function fused({ parts, swapped }: Row): { a: Values; b: Values } {
  const b = diagonal(parts.map((part) => part.b));
  return { a: stack(parts.map((part) => part.a)), b: swapped ? exchanged(b) : b };
}

/** What all must come to. */
function expected(scale: number, within: readonly Row[] = rows): Map<string, Float32Array> {
  return new Map(
    within.map((row) => {
      const { a, b } = fused(row);
      return [`${row.bfl}.weight`, product(b, a).data.map((value) => value * scale)];
    }),
  );
}

type Writer = (row: Row) => Record<string, Values>;

/** Keys for each diffusers module. */
function split(key: (name: string) => readonly [down: string, up: string, alpha?: string]): Writer {
  return ({ parts }) =>
    Object.assign(
      {},
      ...parts.map(({ name, a, b }) => {
        const [down, up, alpha] = key(name);
        return { [down]: a, [up]: b, ...(alpha !== undefined && { [alpha]: scalar(ALPHA) }) };
      }),
    );
}

/** Keys for each BFL module; alpha grows with the number of parts, as the rank does. */
function whole(key: (name: string) => readonly [down: string, up: string, alpha?: string]): Writer {
  return (row) => {
    const [down, up, alpha] = key(row.bfl);
    const { a, b } = fused(row);
    return { [down]: a, [up]: b, ...(alpha !== undefined && { [alpha]: scalar(ALPHA * row.parts.length) }) };
  };
}

const flat = (name: string) => name.replaceAll('.', '_');
const peft = (stem: string) => [`${stem}.lora_A.weight`, `${stem}.lora_B.weight`] as const;
const kohya = (stem: string) => [`${stem}.lora_down.weight`, `${stem}.lora_up.weight`, `${stem}.alpha`] as const;

const DIALECTS: readonly { name: string; dialect: string; write: Writer; scaled?: true }[] = [
  { name: 'diffusers', dialect: 'diffusers', write: split((m) => peft(`transformer.${m}`)) },
  { name: 'diffusers without prefix', dialect: 'diffusers', write: split(peft) },
  {
    name: 'diffusers, kohya suffixes',
    dialect: 'diffusers',
    write: split((m) => kohya(`transformer.${m}`)),
    scaled: true,
  },
  {
    name: 'PEFT with the adapter’s name',
    dialect: 'PEFT',
    write: split((m) => [`base_model.model.${m}.lora_A.default.weight`, `base_model.model.${m}.lora_B.default.weight`]),
  },
  { name: 'early SimpleTuner', dialect: 'PEFT', write: split((m) => peft(`transformer.base_model.model.${m}`)) },
  {
    name: 'no .weight',
    dialect: 'diffusers',
    write: split((m) => [`transformer.${m}.lora_A`, `transformer.${m}.lora_B`]),
  },
  {
    name: 'older diffusers',
    dialect: 'diffusers',
    write: split((m) => [`transformer.${m}.lora.down.weight`, `transformer.${m}.lora.up.weight`]),
  },
  {
    name: 'older diffusers, linear layers',
    dialect: 'diffusers',
    write: split((m) => [
      `transformer.${m}.lora_linear_layer.down.weight`,
      `transformer.${m}.lora_linear_layer.up.weight`,
    ]),
  },
  { name: 'kohya', dialect: 'kohya sd-scripts', write: whole((m) => kohya(`lora_unet_${flat(m)}`)), scaled: true },
  {
    name: 'kohya, a trailing underscore',
    dialect: 'kohya sd-scripts',
    write: whole((m) => kohya(`lora_unet_${flat(m)}_`)),
    scaled: true,
  },
  {
    name: 'kohya, diffusers names',
    dialect: 'kohya sd-scripts, diffusers names',
    write: split((m) => kohya(`lora_unet_${flat(m)}`)),
    scaled: true,
  },
  { name: 'ComfyUI', dialect: 'ComfyUI, BFL names', write: whole((m) => kohya(`diffusion_model.${m}`)), scaled: true },
  { name: 'ComfyUI, lora_A', dialect: 'ComfyUI, BFL names', write: whole((m) => peft(`model.diffusion_model.${m}`)) },
  {
    name: 'SimpleTuner for ComfyUI',
    dialect: 'ComfyUI, diffusers names',
    write: split((m) => [...peft(`diffusion_model.${m}`), `diffusion_model.${m}.lora_alpha`]),
    scaled: true,
  },
  { name: 'fal', dialect: 'fal, BFL names through PEFT', write: whole((m) => peft(`base_model.model.${m}`)) },
  { name: 'BFL names', dialect: 'BFL names', write: whole(peft) },
  {
    name: 'OneTrainer',
    dialect: 'OneTrainer',
    write: split((m) => kohya(`lora_transformer_${flat(m)}`)),
    scaled: true,
  },
  {
    name: 'OneTrainer, BFL names in parts',
    dialect: 'OneTrainer, BFL names in parts',
    write: ({ bfl, swapped, parts }) =>
      Object.assign(
        {},
        ...parts.map(({ a, b }, i) => {
          const [down, up, alpha] = kohya(`transformer.${bfl}${parts.length > 1 ? `.${i}` : ''}`);
          return { [down]: a, [up]: swapped ? exchanged(b) : b, [alpha]: scalar(ALPHA) };
        }),
      ),
    scaled: true,
  },
  { name: 'LyCORIS', dialect: 'LyCORIS', write: split((m) => kohya(`lycoris_${flat(m)}`)), scaled: true },
];

function assertSame(actual: Map<string, Float32Array>, wanted: Map<string, Float32Array>): void {
  assert.deepEqual([...actual.keys()].sort(), [...wanted.keys()].sort());
  for (const [name, values] of wanted) assertClose(name, actual.get(name)!, values, { maxRelative: 1e-5 });
}

describe('dialects', () => {
  for (const { name, dialect, write, scaled } of DIALECTS) {
    test(name, async () => {
      const adapter = await loadAdapter({ path: loraFile(Object.assign({}, ...rows.map(write))) }, SMALL_MODEL, {
        strict: true,
      });
      assert.equal(adapter.report.dialect, dialect);
      assert.deepEqual(adapter.report.unmatched, { count: 0, first: [] });
      assertSame(await differences(adapter), expected(scaled ? ALPHA / RANK : 1));
    });
  }

  test('XLabs: q, k and v of the single blocks, and not their MLP', async () => {
    const draw = drawer(2);
    const tensors: Record<string, Values> = {};
    const wanted = new Map<string, Float32Array>();
    const add = (key: string, weight: string, inputs: number, out: number, rowsInAll: number) => {
      const [a, b] = [draw(RANK, inputs), draw(out, RANK)];
      tensors[`${key}.down.weight`] = a;
      tensors[`${key}.up.weight`] = b;
      const data = new Float32Array(rowsInAll * inputs);
      data.set(product(b, a).data);
      wanted.set(`${weight}.weight`, data);
    };
    for (const i of [0, 1]) {
      for (const [n, stream] of [
        [1, 'img'],
        [2, 'txt'],
      ] as const) {
        add(`double_blocks.${i}.processor.qkv_lora${n}`, `double_blocks.${i}.${stream}_attn.qkv`, 16, 48, 48);
        add(
          `diffusion_model.double_blocks.${i}.processor.proj_lora${n}`,
          `double_blocks.${i}.${stream}_attn.proj`,
          16,
          16,
          16,
        );
      }
      add(`single_blocks.${i}.processor.qkv_lora`, `single_blocks.${i}.linear1`, 16, 48, 112);
      add(`single_blocks.${i}.processor.proj_lora`, `single_blocks.${i}.linear2`, 80, 16, 16);
    }
    const adapter = await loadAdapter({ path: loraFile(tensors) }, SMALL_MODEL, { strict: true });
    assert.equal(adapter.report.dialect, 'XLabs');
    assertSame(await differences(adapter), wanted);
  });

  test('attention processors of older diffusers', async () => {
    const attention = rows.filter(({ bfl }) => /attn\.(qkv|proj)$/.test(bfl));
    const tensors = Object.assign(
      {},
      ...attention.map(
        split((m) => {
          const stem = `transformer.${m.replace('.attn.', '.attn.processor.').replace(/\.0$/, '')}_lora`;
          return [`${stem}.down.weight`, `${stem}.up.weight`];
        }),
      ),
    );
    const adapter = await loadAdapter({ path: loraFile(tensors) }, SMALL_MODEL, { strict: true });
    assert.equal(adapter.report.dialect, 'diffusers, attention processors');
    assertSame(await differences(adapter), expected(1, attention));
  });

  test('a fused layer whose factors are dense is sliced by rows alone', async () => {
    const draw = drawer(3);
    const [a, b] = [draw(4, 16), draw(112, 4)];
    const stem = 'lora_unet_single_blocks_1_linear1';
    const tensors = { [`${stem}.lora_down.weight`]: a, [`${stem}.lora_up.weight`]: b, [`${stem}.alpha`]: scalar(8) };
    const adapter = await loadAdapter({ path: loraFile(tensors) }, SMALL_MODEL);
    assertSame(
      await differences(adapter),
      new Map([['single_blocks.1.linear1.weight', product(b, a).data.map((v) => 2 * v)]]),
    );
  });

  test('ranks that add nothing to a part of a fused layer are dropped there', async () => {
    const write = whole((m) => kohya(`lora_unet_${flat(m)}`));
    const adapter = await loadAdapter({ path: loraFile(Object.assign({}, ...rows.map(write))) }, SMALL_MODEL);
    const [addition] = adapter.additions.get('double_blocks.0.img_attn.qkv.weight[16:32]')!;
    assert.ok(addition?.kind === 'low-rank');
    assert.deepEqual([addition.a.rows, addition.b.columns, addition.b.rows], [RANK, RANK, 16]);
  });

  test('spellings may be mixed in one file', async () => {
    const writers = [DIALECTS[0]!, DIALECTS.find(({ name }) => name === 'ComfyUI, lora_A')!];
    const tensors = Object.assign({}, ...rows.map((row, i) => writers[i % 2]!.write(row)));
    assertSame(
      await differences(await loadAdapter({ path: loraFile(tensors) }, SMALL_MODEL, { strict: true })),
      expected(1),
    );
  });

  test('a name in no spelling has no dialect', () => {
    assert.equal(dialectOf(['foo.lora_A.weight']), 'unknown');
  });
});
