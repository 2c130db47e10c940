/** The layout of src: who may import whom, what is pure, how files are named and how large they are. */

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** Folders of src, and what each may import besides itself and `support`. Public doors are named by file. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  support: [],
  pjrt: [],
  graph: [],
  checkpoint: [],
  tokenizers: [],
  config: [],
  nn: ['graph'],
  kernels: ['graph'],
  parallel: ['graph'],
  sampling: ['graph'],
  models: ['nn', 'graph'],
  lora: ['checkpoint', 'nn/weights.ts'],
  // Traces are what programs are made of; weights are what they are given.
  runtime: ['pjrt', 'graph', 'kernels', 'parallel', 'checkpoint', 'nn/weights.ts', 'nn/trace.ts'],
  // Config by its types alone: checked below.
  pipeline: ['models', 'sampling', 'lora', 'tokenizers', 'runtime', 'checkpoint', 'config'],
  'index.ts': ['pipeline'],
  'xla.ts': ['pjrt', 'graph', 'runtime', 'kernels'],
  'models.ts': ['models', 'nn', 'checkpoint', 'lora'],
  cli: ['index.ts', 'xla.ts', 'models.ts', 'config'],
};

const PURE = ['graph', 'nn', 'models', 'kernels', 'sampling', 'parallel'];
const BANNED_NAMES = /(^|-)(utils?|helpers?|common|managers?|base)\.ts$/;
const IMPURE: readonly (readonly [RegExp, string])[] = [
  [/from 'node:/, 'imports a Node module'],
  [/\bprocess\./, 'reads the process'],
  [/\bDate\b|performance\.now/, 'reads a clock'],
  [/Math\.random|crypto\./, 'draws random numbers'],
];
/** A file is one idea; a longer one gives its reason in its header. */
const MAX_LINES = 500;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  readonly imports: readonly { readonly path: string; readonly typeOnly: boolean }[];
}

const files: readonly SourceFile[] = globSync('src/**/*.ts', { cwd: ROOT })
  .sort()
  .map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    const found = text.matchAll(/^(?:import|export)\s+(type\s)?[^'";]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm);
    const imports = [...found].map(([, typeOnly, from, dynamic]) => ({
      path: relative(join(ROOT, 'src'), join(ROOT, dirname(path), (from ?? dynamic)!)),
      typeOnly: typeOnly !== undefined,
    }));
    return { path: relative('src', path), text, lines: text.split('\n').length - 1, imports };
  });

/** The folder a file of src is in, or its own name at the top. */
function place(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path;
}

test('every folder imports only what the table allows', () => {
  const wrong = files.flatMap(({ path, imports }) => {
    const allowed = MAY_IMPORT[place(path)];
    if (!allowed) return [`${path}: its folder is not in the table`];
    const fits = (target: string) =>
      ['support', place(path), ...allowed].some((rule) => rule === target || rule === place(target));
    return imports.filter((i) => !fits(i.path)).map((i) => `${path} imports ${i.path}`);
  });
  assert.deepEqual(wrong, []);
});

test('the pipeline knows configs by their types alone', () => {
  const wrong = files
    .filter(({ path }) => place(path) === 'pipeline')
    .flatMap(({ path, imports }) =>
      imports.filter((i) => place(i.path) === 'config' && !i.typeOnly).map((i) => `${path} imports ${i.path}`),
    );
  assert.deepEqual(wrong, []);
});

test('only pjrt knows koffi', () => {
  const wrong = files
    .filter(({ path, text }) => place(path) !== 'pjrt' && /from 'koffi'/.test(text))
    .map(({ path }) => path);
  assert.deepEqual(wrong, []);
});

test('no imports go round in a circle', () => {
  const graph = new Map(
    files.map(({ path, imports }) => [path, imports.filter((i) => !i.typeOnly).map((i) => i.path)]),
  );
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) assert.fail(`circle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`);
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) walk(path, []);
});

test('what is pure has no files, clock, environment or randomness', () => {
  const code = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const wrong = files
    .filter(({ path }) => PURE.includes(place(path)))
    .flatMap(({ path, text }) =>
      IMPURE.filter(([pattern]) => pattern.test(code(text))).map(([, why]) => `${path} ${why}`),
    );
  assert.deepEqual(wrong, []);
});

test('files are named for one idea, and say what they are', () => {
  const wrong = files.flatMap(({ path, text, lines }) => [
    ...(/^[a-z0-9-]+(\.gen)?\.ts$/.test(basename(path)) ? [] : [`${path}: not kebab-case`]),
    ...(BANNED_NAMES.test(basename(path)) ? [`${path}: a name that could hold anything`] : []),
    ...(/^(#!.*\n)?\/\*\*|^\/\/ Generated/.test(text) ? [] : [`${path}: does not begin by saying what it is`]),
    ...(lines > MAX_LINES && !path.endsWith('.gen.ts') && !/Long because/.test(text.slice(0, 2000))
      ? [`${path}: ${lines} lines`]
      : []),
  ]);
  assert.deepEqual(wrong, []);
});

test('the story of docs/tour.md is of files that exist', () => {
  const tour = readFileSync(join(ROOT, 'docs/tour.md'), 'utf8');
  const named = [...tour.matchAll(/\]\(\.\.\/(src\/[^)]+)\)/g)].map(([, path]) => relative('src', path!));
  assert.ok(named.length >= 8, `the tour names ${named.length} files`);
  const known = new Set(files.map(({ path }) => path));
  assert.deepEqual(
    named.filter((path) => !known.has(path)),
    [],
  );
});

test('sizes by folder', (t) => {
  const folders = Map.groupBy(
    files.filter(({ path }) => !path.endsWith('.gen.ts')),
    ({ path }) => place(path),
  );
  for (const [folder, list] of folders) {
    t.diagnostic(`${folder}: ${list.length} files, ${list.reduce((sum, { lines }) => sum + lines, 0)} lines`);
  }
  assert.ok(folders.size > 10);
});
