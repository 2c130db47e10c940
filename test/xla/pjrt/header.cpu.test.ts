/** The generated layouts against the header they come from, and against a C compiler where there is one. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { generate } from '../../../scripts/generate-pjrt-header.ts';
import { FUNCTIONS, STRUCTS } from '../../../src/xla/pjrt/header.gen.ts';
import { findPlugin } from '../../../src/xla/plugins/plugins.ts';

const plugin = findPlugin('cpu');
const header = plugin && join(dirname(plugin.path), 'include', 'pjrt_c_api.h');
const skip = header !== undefined && existsSync(header) ? false : 'the CPU plugin and its header are not installed';

describe('header.gen.ts', () => {
  test('is what the generator makes of the installed header', { skip }, () => {
    const checkedIn = readFileSync(new URL('../../../src/xla/pjrt/header.gen.ts', import.meta.url), 'utf8');
    assert.equal(generate(readFileSync(header!, 'utf8')), checkedIn);
  });

  test('agrees with a C compiler on every offset and size', { skip }, (t) => {
    if (spawnSync('cc', ['--version']).status !== 0) return t.skip('no C compiler');
    const folder = mkdtempSync(join(tmpdir(), 'fluxion-header-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const asserts = [...Object.entries(STRUCTS), ...Object.entries(FUNCTIONS)].flatMap(([name, { stride, fields }]) => {
      // Structs without a typedef of their own are named by the struct tag.
      const type = `struct ${name}${name in FUNCTIONS ? '_Args' : ''}`;
      const offsets = Object.entries(fields).map(
        ([field, [offset, size]]) =>
          `_Static_assert(offsetof(${type}, ${field}) == ${offset} && sizeof(((${type}*)0)->${field}) == ${size}, "${name}.${field}");`,
      );
      return [`_Static_assert(sizeof(${type}) == ${stride}, "${name}");`, ...offsets];
    });
    assert.ok(asserts.length > 500);
    const source = join(folder, 'layout.c');
    writeFileSync(source, `#include "${header}"\n${asserts.join('\n')}\n`);
    execFileSync('cc', ['-std=c11', '-fsyntax-only', source], { stdio: 'pipe' });
  });

  test('a header it cannot read is refused, not guessed at', () => {
    const api = `#define PJRT_API_MAJOR 0\n#define PJRT_API_MINOR 1\n_PJRT_API_STRUCT_FIELD(PJRT_X);\nPJRT_STRUCT_SIZE(PJRT_Api, PJRT_X)`;
    const struct = (body: string, last: string) =>
      `struct PJRT_X_Args {\n${body}\n};\nPJRT_DEFINE_STRUCT_TRAITS(PJRT_X_Args, ${last});\n${api}`;
    assert.match(
      generate(struct('  size_t struct_size;\n  bool a;  // out', 'a')),
      /FUNCTIONS = \{\n {2}PJRT_X: \{ size: 9, stride: 16, fields: \{ a: \[8, 1, 'bool'\] \} \}/,
    );
    assert.throws(() => generate(struct('  size_t struct_size;\n  long double a;', 'a')), /unknown type 'long double'/);
    assert.throws(
      () => generate(struct('  size_t struct_size;\n  bool a;', 'b')),
      /read to end in a, the header says b/,
    );
  });
});
