/** Token ids against transformers', recorded by tools/reference/record_tokenizers.py; and what the loaders say of broken folders. */

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { FluxionError } from '../../src/support/errors.ts';
import { loadClipTokenizer } from '../../src/tokenizers/clip.ts';
import { loadT5Tokenizer } from '../../src/tokenizers/t5.ts';
import type { TokenizedPrompt, Tokenizer } from '../../src/tokenizers/tokenizer.ts';
import { mutations } from '../support/mutate.ts';

interface Recorded {
  readonly strings: readonly string[];
  readonly t5Lengths: readonly number[];
  /** Ids of each string, ended but not padded. */
  readonly ids: Readonly<Record<'clip' | 't5' | 'tinyClip' | 'tinyT5', readonly (readonly number[])[]>>;
  /** Indices of the strings that variants were recorded for. */
  readonly variantStrings: readonly number[];
  readonly variants: readonly Variant[];
}

interface Variant {
  readonly name: string;
  readonly kind: 'clip' | 't5';
  readonly files: Readonly<Record<string, unknown>>;
  readonly without: readonly string[];
  readonly padId: number;
  readonly ids: readonly (readonly number[])[];
}

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const TINY_CLIP = path('models/tiny/tokenizer');
const TINY_T5 = path('models/tiny/tokenizer_2');
const SHARED = fileURLToPath(new URL('../../../shared/tokenizers/', import.meta.url));
const noShared = existsSync(SHARED) ? false : '../shared/tokenizers is not there';
const recorded = JSON.parse(
  gunzipSync(readFileSync(path('test/fixtures/tokenizers/ids.json.gz'))).toString(),
) as Recorded;
const CLIP_LENGTHS = recorded.strings.map(() => 77);

function used({ ids, length }: TokenizedPrompt): number[] {
  return [...ids.subarray(0, length)];
}

/** Every string must give exactly the recorded ids; the first difference is reported with its string. */
function assertIds(
  tokenizer: Tokenizer,
  lengths: readonly number[],
  ids: Recorded['ids']['clip'],
  padId: number,
): void {
  assert.ok(ids.length >= 2000);
  for (const [i, text] of recorded.strings.entries()) {
    const encoding = tokenizer.encode(text, lengths[i]!);
    assert.deepEqual(used(encoding), ids[i], `string ${i}: ${JSON.stringify(text)}`);
    assert.equal(encoding.ids.length, lengths[i]);
    assert.ok(encoding.ids.subarray(encoding.length).every((id) => id === padId));
  }
}

test('CLIP ids equal transformers on the bundled vocabulary', () => {
  assertIds(loadClipTokenizer(TINY_CLIP), CLIP_LENGTHS, recorded.ids.tinyClip, 891);
});

test('T5 ids equal transformers on the bundled vocabulary', () => {
  assertIds(loadT5Tokenizer(TINY_T5), recorded.t5Lengths, recorded.ids.tinyT5, 0);
});

test('CLIP ids equal transformers on the published vocabulary', { skip: noShared }, (t) => {
  const start = performance.now();
  const tokenizer = loadClipTokenizer(join(SHARED, 'clip'));
  t.diagnostic(`loaded in ${Math.round(performance.now() - start)} ms`);
  assert.equal(tokenizer.maxLength, 77);
  assertIds(tokenizer, CLIP_LENGTHS, recorded.ids.clip, 49_407);
});

test('T5 ids equal transformers on the published vocabulary', { skip: noShared }, (t) => {
  const start = performance.now();
  const tokenizer = loadT5Tokenizer(join(SHARED, 't5'));
  t.diagnostic(`loaded in ${Math.round(performance.now() - start)} ms`);
  assert.equal(tokenizer.maxLength, 512);
  assertIds(tokenizer, recorded.t5Lengths, recorded.ids.t5, 0);
});

test('the recorded strings cover what prompts are made of', () => {
  const all = recorded.strings.join('');
  for (let plane = 0; plane <= 16; plane++) {
    assert.ok(
      Array.from(all).some((char) => char.codePointAt(0)! >> 16 === plane),
      `plane ${plane}`,
    );
  }
  const kinds = [
    /\u200d/u,
    /\p{M}/u,
    /\p{Cc}/u,
    /\u0085/u,
    /\ufeff/u,
    /<\|endoftext\|>/u,
    /<extra_id_0>/u,
    /&amp;/u,
    /’/u,
  ];
  const scripts = ['Han', 'Hiragana', 'Hangul', 'Arabic', 'Hebrew', 'Thai', 'Devanagari', 'Greek', 'Cyrillic'];
  for (const kind of [...kinds, ...scripts.map((script) => new RegExp(`\\p{Script=${script}}`, 'u'))])
    assert.match(all, kind);
  assert.ok(recorded.strings.includes(''));
  assert.ok(recorded.ids.clip.filter((ids) => ids.length === 77).length >= 25);
  assert.ok(recorded.ids.t5.some((ids) => ids.length === 512));
});

for (const variant of recorded.variants) {
  test(`special tokens as transformers reads them: ${variant.name}`, () => {
    withFolder(variant.kind === 'clip' ? TINY_CLIP : TINY_T5, (folder) => {
      for (const file of variant.without) rmSync(join(folder, file));
      for (const [file, body] of Object.entries(variant.files)) writeFileSync(join(folder, file), JSON.stringify(body));
      const tokenizer = variant.kind === 'clip' ? loadClipTokenizer(folder) : loadT5Tokenizer(folder);
      for (const [i, index] of recorded.variantStrings.entries()) {
        const text = recorded.strings[index]!;
        const encoding = tokenizer.encode(text, 77);
        assert.deepEqual(used(encoding), variant.ids[i], JSON.stringify(text));
        if (encoding.length < 77) assert.equal(encoding.ids[76], variant.padId);
      }
    });
  });
}

test('a prompt that does not fit is cut, ended, and what was cut is told', () => {
  const clip = loadClipTokenizer(TINY_CLIP);
  const long = clip.encode(`${'a red house '.repeat(25)}at night`);
  assert.equal(long.ids.length, 77);
  assert.equal(long.length, 77);
  assert.deepEqual([long.ids[0], long.ids[76]], [890, 891]);
  assert.equal(long.truncated, 'at night');
  assert.equal(clip.encode('a red house').truncated, undefined);

  const t5 = loadT5Tokenizer(TINY_T5);
  const cut = t5.encode('a red house at night', 4);
  assert.equal(cut.length, 4);
  assert.equal(cut.ids[3], 1);
  assert.equal(cut.truncated, 'at night');
  assert.equal(t5.encode('').length, 1);
  for (const length of [0, -1, 1.5, Number.NaN, 1e9]) {
    assert.throws(
      () => t5.encode('a', length),
      (error) => error instanceof FluxionError && error.code === 'bad_request',
    );
  }
});

test('a lone surrogate reads as U+FFFD, and a text of more tokens than a call takes arguments is encoded', () => {
  const clip = loadClipTokenizer(TINY_CLIP);
  const t5 = loadT5Tokenizer(TINY_T5);
  for (const tokenizer of [clip, t5]) {
    assert.deepEqual(tokenizer.encode('a \ud800 b').ids, tokenizer.encode('a \ufffd b').ids);
    assert.equal(tokenizer.encode('lighthouse '.repeat(30_000)).ids.length, tokenizer.maxLength);
  }
});

test('folders that cannot be loaded say what is missing or broken', () => {
  const fails = (load: () => unknown, code: string, message: RegExp): void => {
    assert.throws(load, (error) => {
      assert.ok(error instanceof FluxionError);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  };
  withFolder(TINY_CLIP, (folder) => {
    rmSync(join(folder, 'tokenizer.json'));
    rmSync(join(folder, 'merges.txt'));
    fails(() => loadClipTokenizer(folder), 'not_found', /looked for tokenizer\.json, or vocab\.json and merges\.txt/);
    writeFileSync(join(folder, 'merges.txt'), '#version: 0.2\na b c\n');
    fails(() => loadClipTokenizer(folder), 'bad_file', /merges\[0\]: expected two tokens/);
    writeFileSync(join(folder, 'merges.txt'), '#version: 0.2\n');
    writeFileSync(join(folder, 'vocab.json'), '{"a": 0, "b": -1}');
    fails(() => loadClipTokenizer(folder), 'bad_file', /vocab: 'b': expected an id/);
    writeFileSync(join(folder, 'vocab.json'), '{"a": 0');
    fails(() => loadClipTokenizer(folder), 'bad_file', /vocab\.json: not valid JSON/);
    writeFileSync(join(folder, 'vocab.json'), '{"a": 0}');
    fails(() => loadClipTokenizer(folder), 'bad_file', /'<\|endoftext\|>' is not in the vocabulary/);
  });
  withFolder(TINY_T5, (folder) => {
    rmSync(join(folder, 'tokenizer.json'));
    fails(() => loadT5Tokenizer(folder), 'not_found', /tokenizer\.json: no T5 tokenizer/);
    writeFileSync(join(folder, 'spiece.model'), '');
    fails(() => loadT5Tokenizer(folder), 'unsupported', /has only spiece\.model/);
    const model = {
      type: 'Unigram',
      vocab: [
        ['<pad>', 0],
        ['</s>', 0],
        ['<unk>', 0],
      ],
    };
    const normalizer = { type: 'Precompiled', precompiled_charsmap: 'AAAAAAAA' };
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ model, normalizer }));
    fails(() => loadT5Tokenizer(folder), 'bad_file', /precompiled_charsmap: a trie of 0 bytes/);
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ model: { vocab: [['a', 0], ['b']] } }));
    fails(() => loadT5Tokenizer(folder), 'bad_file', /vocab\[1\]: expected a \[token, score\] pair/);
  });
});

test('mutated tokenizer files load or are refused by name', () => {
  const cases = [
    [TINY_CLIP, loadClipTokenizer, ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json']],
    [TINY_T5, loadT5Tokenizer, ['tokenizer.json', 'tokenizer_config.json']],
  ] as const;
  let refused = 0;
  for (const [base, load, names] of cases) {
    withFolder(base, (folder) => {
      for (const name of names) {
        const original = readFileSync(join(folder, name));
        for (const mutated of mutations(original, 40, 7)) {
          writeFileSync(join(folder, name), mutated);
          try {
            load(folder).encode('a red house <|endoftext|> </s> at night', 20);
          } catch (error) {
            assert.ok(error instanceof FluxionError, String(error));
            assert.ok(error.message.startsWith(folder), error.message);
            refused++;
          }
        }
        writeFileSync(join(folder, name), original);
      }
    });
  }
  assert.ok(refused > 50, `${refused} refused`);
});

describe('time and memory do not grow with a lie', () => {
  const quickly = (what: string, call: () => unknown): void => {
    const start = performance.now();
    call();
    assert.ok(performance.now() - start < 15_000, `${what} took ${((performance.now() - start) / 1000).toFixed(1)} s`);
  };
  /** As many characters as a prompt may have: those that expand, that compose, that are one word or none. */
  const prompts = {
    corporation: '㍿'.repeat(30_000),
    kilometre: '㌖'.repeat(30_000),
    'one word': 'a'.repeat(100_000),
    marks: `a${'\u0301\u0323'.repeat(49_999)}`,
    spaces: ' '.repeat(100_000),
    'word marks': '▁'.repeat(100_000),
    hangul: '\u1100\u1161'.repeat(50_000),
  };
  for (const [name, text] of Object.entries(prompts)) {
    test(`a prompt of ${name}`, () => {
      for (const tokenizer of [loadClipTokenizer(TINY_CLIP), loadT5Tokenizer(TINY_T5)]) {
        quickly(name, () => tokenizer.encode(text, 77));
      }
    });
  }

  const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
  const t5 = json(join(TINY_T5, 'tokenizer.json'));
  const withPieces = (pieces: readonly (readonly [string, number])[], rest = {}) => ({
    'tokenizer.json': JSON.stringify({ ...t5, ...rest, model: { ...t5.model, vocab: [...t5.model.vocab, ...pieces] } }),
  });
  const added = Array.from({ length: 10_000 }, (_, i) => ({
    content: `<aaaaaaaaaaaa${i}>`,
    lstrip: true,
    rstrip: true,
    single_word: true,
  }));
  const listed = withPieces(
    added.map(({ content }) => [content, -1] as const),
    { added_tokens: added },
  );

  const nested = Array.from({ length: 127 }, (_, i) => ['a'.repeat(i + 2), -1] as const);
  const accepted = [
    ['pieces inside pieces', withPieces(nested), 'a'.repeat(100_000)],
    ['ten thousand added tokens', listed, '<aaaaaaaaaaaa'.repeat(7_000)],
    ['spaces before an added token', listed, `${' '.repeat(90_000)}<aaaaaaaaaaaa1>`],
  ] as const;
  for (const [name, files, text] of accepted) {
    test(name, () => {
      withFolder(TINY_T5, (folder) => {
        writeFileSync(join(folder, 'tokenizer_config.json'), '{}');
        for (const [file, body] of Object.entries(files)) writeFileSync(join(folder, file), body);
        quickly(name, () => loadT5Tokenizer(folder).encode(text, 77));
      });
    });
  }

  const clip = json(join(TINY_CLIP, 'tokenizer.json'));
  const chain = Array.from({ length: 4000 }, (_, i) => ['a'.repeat(i + 1), 'a']);
  const refused = [
    [
      'a piece of a megabyte',
      TINY_T5,
      withPieces([['a'.repeat(1 << 20), -1]]),
      /vocab\[\d+\]: expected at most 128 characters/,
    ],
    [
      'added tokens of a megabyte',
      TINY_T5,
      { 'tokenizer_config.json': JSON.stringify({ added_tokens_decoder: { 1: { content: 'a'.repeat(1 << 20) } } }) },
      /at most 262144 characters/,
    ],
    [
      'a token that is a deep list',
      TINY_T5,
      { 'tokenizer_config.json': `{"added_tokens_decoder": {"1": {"content": ${'['.repeat(1e6)}${']'.repeat(1e6)}}}}` },
      /expected text, found object/,
    ],
    [
      'merges of long tokens',
      TINY_CLIP,
      {
        'tokenizer.json': JSON.stringify({
          ...clip,
          model: { ...clip.model, merges: [...clip.model.merges, ...chain] },
        }),
      },
      /merges\[\d+\]: expected at most 128/,
    ],
  ] as const;
  for (const [name, base, files, message] of refused) {
    test(`${name} is refused`, () => {
      withFolder(base, (folder) => {
        for (const [file, body] of Object.entries(files)) writeFileSync(join(folder, file), body);
        const load = base === TINY_CLIP ? loadClipTokenizer : loadT5Tokenizer;
        quickly(name, () =>
          assert.throws(
            () => load(folder),
            (error) => error instanceof FluxionError && message.test(error.message),
          ),
        );
      });
    });
  }
});

/** Runs a test on a copy of a folder. */
function withFolder(base: string, body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'fluxion-tokenizer-'));
  try {
    cpSync(base, folder, { recursive: true });
    body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
