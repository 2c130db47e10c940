/** Settings beside a LoRA's weights: by what PEFT multiplies each module under them, what is told of them, and that none costs the file or hangs. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { FLUX1 } from '../../../src/families/flux1/flux1.ts';
import { loadAdapter } from '../../../src/weights/lora/adapter.ts';
import { parseLora } from '../../../src/weights/lora/parse.ts';
import { Budget, ModulePattern } from '../../../src/weights/lora/pattern.ts';
import { fitModule } from '../../../src/weights/lora/terms.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { drawer, loraFile, SMALL_MODEL, scalar, type Values } from '../../support/lora.ts';

interface Case {
  readonly name: string;
  readonly in: 'header' | 'config';
  readonly prefix: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly ranks: Readonly<Record<string, number>>;
  readonly scaling: Readonly<Record<string, number>>;
}
const { cases } = JSON.parse(readFileSync(repositoryPath('test/fixtures/lora/settings.json'), 'utf8')) as {
  cases: Case[];
};

const draw = drawer(21);
const module = 'transformer_blocks.0.attn.to_q';
const pair = (name = `transformer.${module}`, rank = 2): Record<string, Values> => ({
  [`${name}.lora_A.weight`]: draw(rank, 16),
  [`${name}.lora_B.weight`]: draw(16, rank),
});
const withHeader = (settings: unknown, tensors = pair()) => {
  const text = typeof settings === 'string' ? settings : JSON.stringify(settings);
  return loraFile(tensors, { metadata: { lora_adapter_metadata: text } });
};
const withConfig = (settings: unknown, tensors = pair(), name = 'test') => {
  const path = loraFile(tensors, { name });
  const text = typeof settings === 'string' ? settings : JSON.stringify(settings);
  writeFileSync(join(dirname(path), 'adapter_config.json'), text);
  return path;
};

/** What each module of a file is multiplied by, by the name its keys begin with. */
function scales(path: string, config?: string): Record<string, number> {
  using file = parseLora(FLUX1, path, { config });
  return Object.fromEntries(
    file.modules.map((found) => {
      const [a, b] = [found.tensors.get('A')!, found.tensors.get('B')!];
      const [term] = fitModule(found, { rows: b.rows, columns: a.columns }, path)!.terms().weight;
      assert.ok(term?.kind === 'low-rank');
      return [a.key.replace(/\.lora_A.*/, ''), term.scale];
    }),
  );
}
const scaleOf = async (path: string) => {
  const { additions, report } = await loadAdapter({ path }, SMALL_MODEL);
  const [addition] = [...additions.values()][0]!;
  assert.ok(addition?.kind === 'low-rank');
  return { scale: Number(addition.scale.toPrecision(6)), warnings: report.warnings };
};

describe('PEFT multiplies by the same', () => {
  for (const given of cases) {
    test(`${given.in}: ${given.name}`, () => {
      const tensors = Object.assign(
        {},
        ...Object.entries(given.ranks).map(([name, rank]) => pair(`${given.prefix}${name}`, rank)),
      );
      const keys = Object.entries(given.settings).map(([key, value]) => [given.prefix + key, value]);
      const path =
        given.in === 'header' ? withHeader(Object.fromEntries(keys), tensors) : withConfig(given.settings, tensors);
      const found = scales(path, given.in === 'header' ? undefined : join(dirname(path), 'adapter_config.json'));
      for (const [name, wanted] of Object.entries(given.scaling))
        assert.ok(
          Math.abs(found[given.prefix + name]! - wanted) < 1e-6,
          `${name}: ${found[given.prefix + name]}, PEFT has ${wanted}`,
        );
      assert.equal(Object.keys(found).length, Object.keys(given.scaling).length);
    });
  }
});

describe('an alpha of a plain header', () => {
  for (const [metadata, scale] of [
    [{ lora_alpha: '6' }, 3],
    [{ alpha: '1' }, 0.5],
    [{ ss_network_alpha: '8.0', ss_network_dim: '2' }, 4],
    [{ ss_network_alpha: 'None' }, 1],
    [{ ss_network_alpha: 'Dynamic' }, 1],
    [{ ss_network_alpha: '0' }, 1],
  ] as const) {
    test(JSON.stringify(metadata), async () => {
      assert.deepEqual(await scaleOf(loraFile(pair(), { metadata })), { scale, warnings: [] });
    });
  }
  test('gives way to that of a tensor, and to PEFT’s settings', async () => {
    const own = { ...pair(), [`transformer.${module}.alpha`]: scalar(1) };
    assert.equal((await scaleOf(loraFile(own, { metadata: { ss_network_alpha: '8' } }))).scale, 0.5);
    const both = { lora_alpha: '6', lora_adapter_metadata: '{"transformer.r":2,"transformer.lora_alpha":2}' };
    assert.equal((await scaleOf(loraFile(pair(), { metadata: both }))).scale, 1);
  });
  test('that is no number is told', async () => {
    const { scale, warnings } = await scaleOf(loraFile(pair(), { metadata: { lora_alpha: 'sixteen' } }));
    assert.equal(scale, 1);
    assert.match(warnings.join(), /lora_alpha: expected a number, found "sixteen"/);
  });
});

describe('what is told', () => {
  for (const [what, path, pattern] of [
    ['a pattern that matches nothing', () => withHeader({ 'transformer.r': 2, 'transformer.lora_alpha': 2, 'transformer.alpha_pattern': { 'attn.to_z': 4 } }), /alpha_pattern: matches nothing in the file: "attn\.to_z"/],
    ['one of ranks', () => withConfig({ r: 2, lora_alpha: 2, rank_pattern: { '^to_q': 4 } }), /rank_pattern: matches nothing/],
    ['one that is none', () => withHeader({ 'transformer.r': 2, 'transformer.lora_alpha': 2, 'transformer.alpha_pattern': { '(to_q': 4 } }), /"\(to_q" is not a valid pattern .* without end/],
    ['one that refers to groups', () => withHeader({ 'transformer.r': 2, 'transformer.lora_alpha': 2, 'transformer.alpha_pattern': { '(to)_q\\1': 4 } }), /is not a valid pattern/],
    ['an alpha that is none', () => withHeader({ 'transformer.r': 2, 'transformer.lora_alpha': [3] }), /lora_alpha: expected a number, found \[3\]/],
    ['a rank that is another', () => withHeader({ 'transformer.r': 8, 'transformer.lora_alpha': 8 }), /1 module of other ranks than are set, such as transformer_blocks\.0\.attn\.to_q: expected 8, found 2/],
    ['no JSON', () => withHeader('{"transformer.lora_alpha": NaN}'), /not valid JSON .*left out/],
    ['no JSON beside', () => withConfig('lora_alpha: 8'), /adapter_config\.json: not valid JSON .*left out/],
    ['no object', () => withHeader('[1, 2]'), /expected a JSON object/],
    ['settings of another file', () => withConfig({ r: 64, lora_alpha: 128 }), /these settings are ignored: their ranks/],
    ['magnitudes that are missing', () => withConfig({ r: 2, lora_alpha: 2, use_dora: true }), /use_dora is set/],
    ['a start that changed the weights', () => withConfig({ r: 2, lora_alpha: 2, init_lora_weights: 'pissa' }), /init_lora_weights is "pissa"/],
    ['another way of adapting', () => withConfig({ r: 2, lora_alpha: 2, use_qalora: true }), /use_qalora is set/],
  ] as const) {
    test(what, async () => {
      const { scale, warnings } = await scaleOf(path());
      assert.match(warnings.join('\n'), pattern);
      assert.ok(what === 'a rank that is another' ? scale === 4 : scale === 1, `${scale}`);
    });
  } // biome-ignore format: one case a line
  test('settings of PEFT’s own file are not another’s beside it', async () => {
    const path = withConfig({ r: 2, lora_alpha: 8 }, pair(), 'adapter_model');
    assert.equal((await scaleOf(path)).scale, 4);
    const other = join(dirname(path), 'other.safetensors');
    writeFileSync(other, readFileSync(path));
    assert.deepEqual(await scaleOf(other), { scale: 1, warnings: [] });
  });
  test('a hash of a file counts the settings beside it', async () => {
    const tensors = pair();
    const hash = async (path: string) => (await loadAdapter({ path }, SMALL_MODEL)).hash;
    const [plain, four, eight] = [
      loraFile(tensors),
      ...[4, 8].map((lora_alpha) => withConfig({ r: 2, lora_alpha }, tensors)),
    ];
    assert.equal(new Set([await hash(plain!), await hash(four!), await hash(eight!)]).size, 3);
  });
});

describe('patterns that take long elsewhere', () => {
  for (const evil of [
    '(a*)*'.repeat(50),
    '((((((((.*)*)*)*)*)*)*)*)*x',
    '(.*){1,9999}x',
    `${'(?:'.repeat(39)}.*${'|.*)*'.repeat(39)}x`,
    '.*'.repeat(480),
    '(?<=.*.*.*)'.repeat(40),
    `${'(|||||||||||||||||)'.repeat(40)}{0,9999}`,
    '(a|a|aa)+$'.repeat(20),
  ]) {
    test(evil.slice(0, 40), () => {
      const budget = new Budget('file');
      const began = performance.now();
      try {
        const pattern = new ModulePattern(`${evil}\\?`, budget);
        for (let i = 0; i < 100_000; i++) pattern.matches(`transformer_blocks.0.attn.${'a'.repeat(60)}`, budget);
      } catch (error) {
        assert.match((error as Error).message, /take too long|character/);
      }
      assert.ok(performance.now() - began < 20_000);
    });
  }
  test('of which there are many', async () => {
    const patterns = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`(.*.*)*${i}`, 1]));
    const path = withHeader({ 'transformer.r': 2, 'transformer.lora_alpha': 2, 'transformer.alpha_pattern': patterns });
    await assert.rejects(loadAdapter({ path }, SMALL_MODEL), {
      code: 'bad_file',
      message: /test\.safetensors: .* too long/,
    });
  });
});
