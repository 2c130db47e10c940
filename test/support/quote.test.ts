/** Text of strangers as it is printed: escapes, one line, a bound. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FluxionError } from '../../src/support/errors.ts';
import { oneLine, printable, printableJson } from '../../src/support/quote.ts';

/** Everything that steers a terminal, hides or reorders text, or breaks a line. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

test('escapes what steers a terminal, hides, reorders or breaks a line, and nothing else', () => {
  assert.equal(oneLine('a\x1b]52;c;QQ==\x07\x7f\x9b2J'), 'a\\u{1b}]52;c;QQ==\\u{7}\\u{7f}\\u{9b}2J');
  assert.equal(
    oneLine('a\u202e\u2066\u061cb\u200b\ufeff\u2060c\u2028\u2029d\u{e0041}'),
    'a\\u{202e}\\u{2066}\\u{61c}b\\u{200b}\\u{feff}\\u{2060}c\\u{2028}\\u{2029}d\\u{e0041}',
  );
  assert.equal(oneLine('one\r\n\ttwo'), 'one\\r\\n\\ttwo');
  assert.equal(printable('one\n\ttwo\r'), 'one\n\ttwo\\u{d}');
  assert.equal(oneLine('lone \ud800'), 'lone \\u{d800}');
  const fine = 'café 雪景色 ㍿ ‘…’ 👩‍🚀 👩🏽‍🚀 ❤️‍🔥 Ελλάδα שלום سلام';
  assert.equal(oneLine(fine), fine);
  assert.equal(oneLine('a\u200db'), 'a\\u{200d}b');
  assert.equal(oneLine(oneLine('\x1b')), oneLine('\x1b'));
});

test('cuts the middle out of long text, in time that does not grow with it', () => {
  const text = oneLine(`start${'\x1b'.repeat(1 << 20)}end`);
  assert.match(text, /^start.* … \(1048584 characters\) … .*end$/);
  assert.ok(text.length < 20_000);
});

test('JSON keeps its value and has no unsafe character', () => {
  const value = { '\u202e\x9b': ['\x7f\u2028 \u{e0041} 👩‍🚀', 'plain'], n: 1 };
  const text = printableJson(JSON.stringify(value, null, 2));
  assert.deepEqual(JSON.parse(text), value);
  assert.doesNotMatch(text.replaceAll(/\n|\u200d/g, ''), UNSAFE);
});

test('an error is safe to print whatever it quotes; only an array has lines', () => {
  const error = new FluxionError('bad_file', 'k\x1b[31m\nhint: run me', { hint: 'not \x9b2J' });
  assert.equal(error.message, 'k\\u{1b}[31m\\nhint: run me');
  assert.equal(error.hint, 'not \\u{9b}2J');
  assert.equal(new FluxionError('bad_file', ['a\x07', 'b\nc']).message, 'a\\u{7}\nb\\nc');
  const many = new FluxionError(
    'bad_file',
    Array.from({ length: 1000 }, (_, i) => `line ${i} ${'x'.repeat(10_000)}`),
  );
  assert.match(many.message, /\n… and 940 more lines$/);
  assert.ok(many.message.length < 150_000);
});
