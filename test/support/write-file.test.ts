/** Files that appear whole or not at all. */

import assert from 'node:assert/strict';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { processMark } from '../../src/support/process-mark.ts';
import { PARTIAL_NAME, PartialFile, partialName, writeWhole } from '../../src/support/write-file.ts';

const root = mkdtempSync(join(tmpdir(), 'fluxion-write-'));
after(() => rmSync(root, { recursive: true }));
const folder = (name: string): string => {
  const path = join(root, name);
  mkdirSync(path);
  return path;
};

test('a file is written whole, with its folders, in place of a link rather than through it', () => {
  const place = folder('whole');
  const path = join(place, 'a/b/c.txt');
  writeWhole(path, 'one');
  const victim = join(place, 'victim');
  writeFileSync(victim, 'precious');
  rmSync(path);
  symlinkSync(victim, path);
  writeWhole(path, new Uint8Array([116, 119, 111]));
  assert.deepEqual([readFileSync(path, 'utf8'), readFileSync(victim, 'utf8')], ['two', 'precious']);
  assert.deepEqual(readdirSync(join(place, 'a/b')), ['c.txt']);
});

test('what is not finished or cannot be moved leaves nothing behind', async () => {
  const place = folder('unfinished');
  {
    using file = new PartialFile(join(place, 'x'));
    await file.append(Buffer.from('half'));
    assert.match(readdirSync(place).join(), PARTIAL_NAME);
  }
  mkdirSync(join(place, 'taken'));
  assert.throws(() => writeWhole(join(place, 'taken'), 'x'), { code: /EISDIR|ENOTEMPTY|EEXIST/ });
  assert.deepEqual(readdirSync(place), ['taken']);
});

test('a name is claimed by one writer alone', () => {
  const place = folder('claimed');
  const path = join(place, 'x');
  using first = new PartialFile(path);
  using second = new PartialFile(path);
  first.write(Buffer.from('first'));
  second.write(Buffer.from('second'));
  assert.deepEqual([first.claim(), second.claim(), second.claim(join(place, 'y'))], [true, false, true]);
  assert.deepEqual([readFileSync(path, 'utf8'), readFileSync(join(place, 'y'), 'utf8')], ['first', 'second']);
});

test('the next writer removes what ended processes left, and nothing of others', () => {
  const place = folder('left');
  const name = (mark: string) => `.fluxion.${mark}.0123456789ab.partial`;
  const [, , here] = processMark().split('-');
  const ended = name(`4194305-1-${here}`);
  const others = [name(processMark()), name('1-1-ffffffffffff'), '.fluxion.partial', 'x.partial'];
  for (const file of [ended, ...others]) writeFileSync(join(place, file), '');
  linkSync(join(place, ended), join(place, 'kept'));
  partialName(join(place, 'x'));
  assert.deepEqual(readdirSync(place).sort(), [...others, 'kept'].sort());
});
