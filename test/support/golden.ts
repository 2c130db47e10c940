/**
 * Golden texts: what a test prints must equal the files checked in, byte for byte. Small texts are kept whole in a folder;
 * large ones as SHA-256 in one JSON file. `UPDATE_GOLDEN=1` rewrites both; review what `git diff` then shows.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Texts by name, such as a model's programs. */
export type Texts = ReadonlyMap<string, string>;

const REMEDY = 'if the change is meant, run the test again with UPDATE_GOLDEN=1 and commit what changed';

function updating(): boolean {
  return process.env['UPDATE_GOLDEN'] === '1';
}

/** Compares with the files `NAME.mlir` of a folder, of which there may be no others; shows the first lines that differ. */
export function assertGoldenFolder(folder: string, texts: Texts): void {
  if (updating()) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of texts) writeFileSync(join(folder, `${name}.mlir`), text);
  }
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  const expected = [...texts.keys()].map((name) => `${name}.mlir`).sort();
  assert.deepEqual(files, expected, `${folder} holds other files than there are programs; ${REMEDY}`);
  for (const [name, text] of texts) {
    const file = join(folder, `${name}.mlir`);
    const golden = readFileSync(file, 'utf8');
    if (golden !== text) assert.fail(`${file} differs; ${REMEDY}\n${firstDifference(golden, text)}`);
  }
}

/** Compares with the SHA-256 kept under `key` of a JSON file; writes a text that differs to a temporary file to look at. */
export function assertGoldenHashes(file: string, key: string, texts: Texts): void {
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : {};
  const hashes = Object.fromEntries([...texts].map(([name, text]) => [name, sha256(text)]));
  if (updating()) {
    known[key] = hashes;
    const sorted = Object.fromEntries(Object.entries(known).sort(([a], [b]) => (a < b ? -1 : 1)));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`);
  }
  const golden = (known[key] ?? {}) as Record<string, string>;
  const different = [...texts].filter(([name]) => golden[name] !== hashes[name]);
  if (different.length > 0) {
    const folder = mkdtempSync(join(tmpdir(), `${key}-`));
    for (const [name, text] of different) writeFileSync(join(folder, `${name}.mlir`), text);
    const names = different.map(([name]) => name).join(', ');
    assert.fail(`${key}: ${names} differ from ${file}; the new texts are in ${folder}; ${REMEDY}`);
  }
  assert.deepEqual(Object.keys(golden), [...texts.keys()], `${file}: ${key} names other programs; ${REMEDY}`);
}

/** The first lines that differ, in the form of a unified diff with three lines around them. */
export function firstDifference(golden: string, text: string): string {
  const CONTEXT = 3;
  const SHOWN = 8;
  const before = golden.split('\n');
  const after = text.split('\n');
  let start = 0;
  while (start < before.length && before[start] === after[start]) start++;
  let tail = 0;
  const shorter = Math.min(before.length, after.length) - start;
  while (tail < shorter && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const section = (lines: readonly string[], sign: string): string[] => {
    const changed = lines.slice(start, lines.length - tail);
    const shown = changed.slice(0, SHOWN).map((line) => `${sign}${line}`);
    return changed.length > SHOWN ? [...shown, `${sign} … ${changed.length - SHOWN} lines more`] : shown;
  };
  const above = before.slice(Math.max(0, start - CONTEXT), start).map((line) => ` ${line}`);
  const end = before.length - tail;
  const below = before.slice(end, end + CONTEXT).map((line) => ` ${line}`);
  return [`@@ line ${start + 1} @@`, ...above, ...section(before, '-'), ...section(after, '+'), ...below].join('\n');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
