/**
 * The layout of src: who may import whom, what is pure, how files are named and how large they are; and of test, which mirrors it:
 * `x.test.ts` needs no device and no plugin, `x.cpu.test.ts` the CPU's, `x.compilers.test.ts` the compilers for TPUs and GPUs.
 */

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/**
 * Rooms of src, and what each may import besides itself and `support`: rooms, wings (`weights`: all rooms of it) or single files. A single
 * file is an exception, with its reason. A folder that is no row fails, but for the drawers of `cli`.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  support: [],

  'xla/graph': [],
  'xla/lowering': ['xla/graph'],
  'xla/plugins': [],
  // Before a library is loaded, the file is looked at and libtpu's environment completed; a host's devices use its memory in place.
  'xla/pjrt': ['xla/lowering/platform.ts', 'xla/plugins/library-file.ts', 'xla/plugins/tpu.ts'],
  // A process's part of a mesh is a question of placement.
  'xla/cluster': ['xla/pjrt', 'xla/lowering', 'xla/graph', 'xla/runtime/devices.ts', 'xla/runtime/placement.ts'],
  // A runtime holds the recording that is told of what it runs.
  'xla/runtime': ['xla/cluster', 'xla/plugins', 'xla/pjrt', 'xla/lowering', 'xla/graph', 'xla/ahead/recording.ts'],
  'xla/ahead': ['xla/runtime', 'xla/plugins', 'xla/pjrt', 'xla/lowering', 'xla/graph'],

  // GGUF's header speaks of ggml's types, which are encodings.
  'weights/files': ['weights/encodings/dequant.ts'],
  'weights/encodings': ['weights/files'],
  'weights/folders': ['weights/files', 'weights/encodings'],
  // Progress and reports are told as they are.
  'weights/hub': ['weights/files', 'weights/folders', 'api/load.ts'],
  'weights/lora': ['api/events.ts', 'weights/files', 'weights/folders', 'weights/hub', 'xla/graph'],
  // What adapters change a weight by is calculated on the device.
  weights: ['weights/files', 'weights/folders', 'weights/lora/matrix.ts', 'xla/runtime', 'xla/graph'],

  nn: ['xla/graph'],
  // The updates of a step are among a run's programs.
  models: ['nn', 'xla/graph', 'sampling', 'sampling/samplers'],
  sampling: ['xla/graph'],
  'sampling/samplers': ['sampling', 'xla/graph'],
  tokenizers: [],
  // What a model makes of a picture is told as it is.
  'families/flux1': ['models', 'sampling', 'weights/files', 'weights/folders', 'api/picture-use.ts'],

  config: ['api'],
  api: [],
  picture: ['api'],
  engine: ['api', 'models/programs.ts', 'weights', 'xla/runtime', 'xla/graph/count.ts'],
  // Config by its types alone: checked below.
  pipeline: [
    'engine',
    'families',
    'models',
    'sampling',
    'sampling/samplers',
    'tokenizers',
    'weights',
    'picture',
    'api',
    'config',
    'pipeline/conditions',
    'xla/runtime',
    'xla/ahead',
  ],
  'pipeline/conditions': ['pipeline', 'engine', 'families', 'models', 'sampling', 'picture', 'api'],

  server: ['server/openai', 'server/a1111', 'server/queue', 'api', 'config', 'engine', 'pipeline', 'picture'],
  'server/openai': ['server', 'api', 'pipeline', 'picture'],
  'server/a1111': ['server', 'api', 'pipeline', 'picture'],
  'server/queue': ['server', 'api', 'config', 'pipeline', 'picture'],

  'index.ts': ['api', 'models/programs.ts', 'pipeline', 'families', 'picture'],
  'xla.ts': ['xla'],
  'server.ts': ['server'],
  'client.ts': ['api'],
  'models.ts': ['api', 'models', 'families', 'weights', 'xla/graph'],
  // The door of the package for the AI SDK, whose field names are those of requests.
  'ai-sdk': ['index.ts', 'api'],
  'ai-sdk.ts': ['ai-sdk'],
  cli: ['index.ts', 'xla.ts', 'models.ts', 'server.ts', 'config', 'api'],
};

const PURE = ['xla/graph', 'xla/lowering', 'nn', 'models', 'sampling'];

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

/** A file of src by its path there. */
function sourceFile(path: string, text: string): SourceFile {
  const found = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?from\s+)?'(\.[^']+)'|import\('(\.[^']+)'\)/gm);
  const imports = [...found].map(([, typeOnly, from, dynamic]) => ({
    path: join(dirname(path), (from ?? dynamic)!),
    typeOnly: typeOnly !== undefined,
  }));
  return { path, text, lines: text.split('\n').length - 1, imports };
}

const files: readonly SourceFile[] = globSync('**/*.ts', { cwd: join(ROOT, 'src') })
  .sort()
  .map((path) => sourceFile(path, readFileSync(join(ROOT, 'src', path), 'utf8')));

/** The room a file of src is in, or its own name at the top. */
function place(path: string): string {
  const folder = dirname(path);
  if (folder === '.') return path;
  return folder.startsWith('cli/') ? 'cli' : folder;
}

/** The text without its comments. */
const code = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');

test('every room imports only what the table allows', () => {
  const wrong = files.flatMap(({ path, imports }) => {
    const allowed = MAY_IMPORT[place(path)];
    if (!allowed) return [`${path}: its folder is not in the table`];
    const fits = (target: string) =>
      place(target) === place(path) ||
      ['support', ...allowed].some((rule) => rule === target || target.startsWith(`${rule}/`));
    return imports.filter((i) => !fits(i.path)).map((i) => `${path} imports ${i.path}`);
  });
  assert.deepEqual(wrong, []);
});

test('the table has nothing that is not needed', () => {
  const unused = Object.entries(MAY_IMPORT).flatMap(([room, rules]) => {
    const targets = files.filter(({ path }) => place(path) === room).flatMap(({ imports }) => imports);
    if (!files.some(({ path }) => place(path) === room)) return [`${room} has no files`];
    return rules
      .filter((rule) => !targets.some((i) => i.path === rule || i.path.startsWith(`${rule}/`)))
      .map((rule) => `${room} imports nothing of ${rule}`);
  });
  assert.deepEqual(unused, []);
});

test('what a browser may import leads to nothing of Node and nothing native', () => {
  const known = new Map(files.map((file) => [file.path, file]));
  const reached = new Set(files.filter(({ path }) => place(path) === 'api').map(({ path }) => path));
  for (const path of reached) for (const i of known.get(path)?.imports ?? []) reached.add(i.path);
  const wrong = [...reached].filter((path) =>
    /from 'node:|from 'koffi'|\bprocess\.|\bBuffer\b/.test(code(known.get(path)!.text)),
  );
  assert.deepEqual(wrong, []);
});

/** Where FLUX.1's parts may be listed by name, beside its family and its models: keys that people write, and the signs of adapters' files. */
const LISTS_PARTS = [
  /^families\//,
  /^models\//,
  /^api\//,
  /^config\//,
  /^pipeline\/schema\.ts$/,
  /^weights\/lora\/dialects\.ts$/,
];

test('only a family lists its parts', () => {
  const part = '(?:transformer|clip|t5|vae)';
  const list = new RegExp(`(?:\\b${part}\\b\\W{1,4}){3,}|(?:\\b${part}\\s*:[^,;{}]*[,{}\\s]+){3,}`);
  const wrong = files
    .filter(({ path }) => !LISTS_PARTS.some((allowed) => allowed.test(path)))
    .flatMap(({ path, text }) => {
      const found = /\b(?:text_encoder|tokenizer_2)/.exec(code(text)) ?? list.exec(code(text));
      return found ? [`${path}: ${found[0]}`] : [];
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
    .filter(({ path, text }) => place(path) !== 'xla/pjrt' && /from 'koffi'/.test(text))
    .map(({ path }) => path);
  assert.deepEqual(wrong, []);
});

/** Files that name platforms: the record of each, plugins, and what users choose devices with. */
const NAMES_PLATFORMS =
  /^(xla\/(lowering\/platform\.ts|plugins\/)|config\/|api\/|pipeline\/schema\.ts|cli\/commands\/)/;

test('only its record knows what is special about a platform', () => {
  const wrong = files
    .filter(({ path, text }) => !NAMES_PLATFORMS.test(path) && /['"`](cpu|cuda|rocm|tpu|metal)['"`]/.test(code(text)))
    .map(({ path }) => path);
  assert.deepEqual(wrong, []);
});

test('one file writes under a temporary name and renames; besides it, folders, links and downloads are moved', () => {
  const movers = [
    'support/write-file.ts',
    'weights/folders/write-folder.ts',
    'weights/hub/cache.ts',
    'weights/hub/transfer.ts',
  ];
  const others = ['weights/hub/lock-file.ts', 'xla/plugins/install.ts'];
  const found = files.filter(({ text }) => /\brename(Sync)?\(/.test(code(text))).map(({ path }) => path);
  assert.deepEqual(found, [...movers, ...others].sort());
});

/** The first circle of imports, those of types included; undefined for none. */
function circleIn(sources: readonly SourceFile[]): string | undefined {
  const edges = new Map(sources.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): string | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path].join(' → ');
    if (done.has(path)) return undefined;
    for (const next of edges.get(path) ?? []) {
      const circle = walk(next.path, [...trail, path]);
      if (circle !== undefined) return circle;
    }
    done.add(path);
    return undefined;
  };
  return sources.map(({ path }) => walk(path, [])).find((circle) => circle !== undefined);
}

test('a circle is seen, whether of values, of types, of re-exports or of types in place', () => {
  const closing = [
    "import { c } from '../c.ts';",
    "import type { C } from '../c.ts';",
    "import {\n  type C,\n} from '../c.ts';",
    "export type { C } from '../c.ts';",
    "export * from '../c.ts';",
    "import '../c.ts';",
    "let c: import('../c.ts').C;",
  ];
  const others = [sourceFile('c.ts', "import type { B } from './a/b.ts';"), sourceFile('d.ts', "import './c.ts';")];
  for (const text of closing)
    assert.equal(circleIn([...others, sourceFile('a/b.ts', text)]), 'c.ts → a/b.ts → c.ts', text);
  assert.equal(circleIn([...others, sourceFile('a/b.ts', "import { e } from '../e.ts';")]), undefined);
});

test('no imports go round in a circle, types included', () => {
  assert.equal(circleIn(files), undefined);
});

/** What a file exports, by name. */
const exportsOf = (text: string): string[] =>
  [...text.matchAll(/^export (?:async )?(?:function\*?|const|let|class|interface|type) (\w+)/gm)].map(
    ([, name]) => name!,
  );

test('nothing is exported for tests alone', () => {
  const codes = new Map(files.map(({ path, text }) => [path, code(text)]));
  const program = readFileSync(join(ROOT, 'bin/fluxion.js'), 'utf8');
  const unused = files
    .filter(({ path }) => place(path) !== path)
    .flatMap(({ path, text }) => {
      const readers = files.filter(({ imports }) => imports.some((i) => i.path === path)).map((file) => file.path);
      const isUsed = (name: string) => {
        const word = new RegExp(`\\b${name}\\b|export \\* from`, 'g');
        const others = [program, ...readers.map((reader) => codes.get(reader)!)];
        return others.some((text) => text.match(word)) || codes.get(path)!.match(word)!.length > 1;
      };
      return exportsOf(text)
        .filter((name) => !isUsed(name))
        .map((name) => `${path}: ${name}`);
    });
  assert.deepEqual(unused, []);
});

test('a type that is exported has a name of its own', () => {
  const declared = files.flatMap(({ path, text }) =>
    [...text.matchAll(/^export (?:abstract )?(?:class|interface|type) (\w+)/gm)].map(([, name]) => ({
      name: name!,
      path,
    })),
  );
  const shared = [...Map.groupBy(declared, ({ name }) => name)].filter(([, list]) => list.length > 1);
  assert.deepEqual(
    shared.map(([name, list]) => `${name}: ${list.map(({ path }) => path).join(', ')}`),
    [],
  );
});

test('what is pure has no files, clock, environment or randomness', () => {
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

test('tests lie where what they test does, and their names tell what they need', () => {
  const rooms = new Set([...files.map(({ path }) => place(path)), '.', 'golden', 'studio']);
  const wrong = globSync('**/*.test.ts', { cwd: join(ROOT, 'test') })
    .map(String)
    .filter((path) => !rooms.has(dirname(path)) || !/^[a-z0-9-]+(\.cpu|\.compilers)?\.test\.ts$/.test(basename(path)));
  assert.deepEqual(wrong, []);
});

test('sizes by room', (t) => {
  const rooms = Map.groupBy(
    files.filter(({ path }) => !path.endsWith('.gen.ts')),
    ({ path }) => place(path),
  );
  for (const [room, list] of rooms) {
    t.diagnostic(`${room}: ${list.length} files, ${list.reduce((sum, { lines }) => sum + lines, 0)} lines`);
  }
  assert.ok(rooms.size > 10);
});
