/** Every configuration key that is marked `honoured` is read by the program: a key that nothing reads would be a lie in `--help`. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Knob } from '../../src/api/knobs.ts';
import { LOAD_KNOBS } from '../../src/api/load.ts';
import { REQUEST_KNOBS } from '../../src/api/request.ts';
import { KEY_NAMES, keyRow } from '../../src/config/keys.ts';

const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url));

/** The program's own text where a configuration may be read. */
function sources(): string {
  const paths = ['pipeline', 'engine', 'picture', 'xla/runtime', 'config/options.ts', 'server', 'cli', 'index.ts']
    .map((name) => join(SOURCE, name))
    .filter((path) => existsSync(path))
    .flatMap((path) =>
      statSync(path).isDirectory()
        ? readdirSync(path, { recursive: true }).map((name) => join(path, String(name)))
        : [path],
    );
  return paths
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
}

/** Names taken from a configuration: `config.name`, `{ name } = config`, `({ name }: Config)`. */
function readNames(text: string): Set<string> {
  const members = [...text.matchAll(/\bconfig\.(\w+)/g)].map((match) => match[1]!);
  const patterns = [...text.matchAll(/\{([^{}]*)\}\s*(?:=\s*(?:[\w.]+\.)?config\b|:\s*Config\b)/g)];
  const destructured = patterns.flatMap((match) => [...match[1]!.matchAll(/(?:^|,)\s*(\w+)/g)].map((name) => name[1]!));
  return new Set([...members, ...destructured]);
}

test('finds the ways a key is read, and no others', () => {
  const names =
    readNames(`a(config.seed); const { width, height: h = 3 } = loaded.config; function f({ batch }: Config) {}
    const noise = { prompt: 1 }; // 'resolution'`);
  assert.deepEqual([...names].sort(), ['batch', 'height', 'seed', 'width']);
});

test('every honoured key has a reader', () => {
  const read = readNames(sources());
  // Knobs are handed on as they are (config/options.ts), and read by their fields.
  const fields = new Set(Object.values<Knob>({ ...REQUEST_KNOBS, ...LOAD_KNOBS }).map(({ key }) => key));
  const unread = KEY_NAMES.filter((name) => keyRow(name).use !== 'noted' && !fields.has(name) && !read.has(name));
  assert.deepEqual(unread, []);
});
