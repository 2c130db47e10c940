/** Text out of bytes: byte order marks, and errors that name the encoding and the place. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FluxionError } from '../../src/support/errors.ts';
import { decodeText } from '../../src/support/text.ts';

const LATIN1 = Buffer.from('seed: 1\nprompt: caf\xe9\n', 'latin1');

function refused(bytes: Uint8Array, message: RegExp, hint = /UTF-8/): void {
  assert.throws(
    () => decodeText(bytes, 'my.yml'),
    (error) => {
      assert.ok(error instanceof FluxionError, String(error));
      assert.match(error.message, message);
      assert.match(error.hint ?? '', hint);
      return true;
    },
  );
}

test('UTF-8 and UTF-16 are read, with their byte order marks', () => {
  const text = 'café 🌅\n';
  const utf16 = Buffer.from(text, 'utf16le');
  assert.equal(decodeText(Buffer.from(text), 'x'), text);
  assert.equal(decodeText(Buffer.from(`\ufeff${text}`), 'x'), text);
  assert.equal(decodeText(Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]), 'x'), text);
  assert.equal(decodeText(Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(utf16).swap16()]), 'x'), text);
  assert.equal(decodeText(new Uint8Array(0), 'x'), '');
});

test('other encodings are refused with their name, the place, and how to convert', () => {
  refused(LATIN1, /my\.yml: expected UTF-8 text, found byte 0xE9 at line 2, byte 12 of it, which is 'é' in Latin-1/, /iconv -f ISO-8859-1 -t UTF-8 my\.yml/); // biome-ignore format: one case a line
  refused(Buffer.from('“smart”', 'utf8').subarray(1), /found byte 0x80 at line 1, byte 1 of it$/);
  refused(Buffer.from([0x93, 0x61, 0x94]), /found byte 0x93/, /WINDOWS-1252/);
  refused(Buffer.from('prompt: x\n', 'utf16le'), /a zero byte at line 1, byte 2 of it, as of UTF-16LE/, /-f UTF-16LE/);
  refused(Buffer.from('prompt: x\n', 'utf16le').swap16(), /as of UTF-16BE/);
  refused(Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), /UTF-32LE/);
  refused(Buffer.from([0xff, 0xfe, 0x00, 0xd8]), /expected UTF-16LE text, found a broken sequence/);
  refused(Buffer.concat([Buffer.from('\ufffd ok\n\ufffd'), LATIN1.subarray(-2)]), /0xE9 at line 2, byte 4 of it/);
});
