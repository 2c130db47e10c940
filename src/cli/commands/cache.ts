/** `fluxion cache`: lists what is kept between runs, with sizes, and removes what can be rebuilt or downloaded again. */

import { lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cachedRepos, FLUX1 } from '../../models.ts';
import { cacheFolder } from '../../support/cache-folder.ts';
import { didYouMean } from '../../support/errors.ts';
import { processesUsing, processState } from '../../support/process-mark.ts';
import { reasonOf } from '../../support/system-error.ts';
import { PARTIAL_NAME } from '../../support/write-file.ts';
import { PACKAGES } from '../../xla.ts';
import { fileCommand } from '../args.ts';
import { answer, FAILURE, OK, UsageError } from '../command.ts';
import { JSON_FLAG, optionLines } from '../flags.ts';
import { readableEntries, sizeOf } from '../folder.ts';
import { bytes } from '../terminal/render.ts';

/** A kind of cached file, in its own subfolder of the cache. */
interface Kind {
  readonly about: string;
  readonly folder: string;
  /** Matches the names that Fluxion writes; other entries are never touched. */
  readonly names: RegExp;
  /** Whether a plain 'cache clean' removes it: it is made again automatically, in seconds or minutes. */
  readonly byDefault: boolean;
}

const KINDS: Readonly<Record<string, Kind>> = {
  plugins: {
    about: 'XLA for each kind of device; downloaded again at the next use',
    folder: 'plugins',
    names: new RegExp(`^\\.?(${PACKAGES.map((name) => name.replaceAll('.', '\\.')).join('|')})-\\d`),
    byDefault: false,
  },
  executables: {
    about: 'compiled programs',
    folder: 'executables',
    names: /^([0-9a-f]{64}\.pjrt|autotune)$/,
    byDefault: true,
  },
  answers: {
    about: "reports of 'fluxion compile' about programs for other devices",
    folder: 'ahead',
    names: /^[0-9a-f]{64}\.json$/,
    byDefault: true,
  },
  code: {
    about: "Fluxion's own JavaScript, compiled",
    folder: 'code',
    names: /^v\d+\.\d+\.\d+-[\w-]+$/,
    byDefault: true,
  },
};

const FLAGS = {
  'dry-run': { help: 'lists what would be removed' },
  json: { help: `${JSON_FLAG.json.help}, sizes in bytes` },
};

const HELP = `fluxion cache | cache clean [KIND …]

Shows how much disk space the files take that Fluxion keeps between runs:
${Object.entries(KINDS)
  .map(([name, { about }]) => `  ${name.padEnd(13)}${about}`)
  .join('\n')}
  models       models from the Hugging Face hub, in the cache that its tools share: see 'fluxion models'

'cache clean' removes the named kinds, or everything except plugins and models. It removes only files that Fluxion wrote, follows no
links, and leaves files that a running process uses.

Examples
  fluxion cache
  fluxion cache clean --dry-run
  fluxion cache clean executables plugins

Options
${optionLines(FLAGS)}
`;

export default fileCommand({
  flags: FLAGS,
  choices: { words: ['clean', ...Object.keys(KINDS)] },
  help: HELP,

  async run({ flags, words }) {
    const [action, ...kinds] = words;
    if (action === undefined) {
      const rows = sizes();
      answer(flags.json, { folder: cacheFolder(), kinds: rows }, rows.map(textOf));
      return OK;
    }
    if (action !== 'clean') {
      throw new UsageError('bad_config', `there is no 'cache ${action}'`, {
        hint: Object.hasOwn(KINDS, action) ? `fluxion cache clean ${action}` : 'there is: fluxion cache clean',
      });
    }
    const named = kinds.map(kindNamed);
    const chosen = named.length > 0 ? named : Object.values(KINDS).filter(({ byDefault }) => byDefault);
    const dry = flags['dry-run'] !== undefined;
    const { removed, kept } = clean(chosen, dry);
    const total = removed.reduce((sum, entry) => sum + entry.bytes, 0);
    answer(flags.json, { dry_run: dry, bytes: total, removed, kept }, [
      ...kept.map(({ path, why }) => `kept ${path}: ${why}`),
      ...(dry ? removed.map((entry) => `${bytes(entry.bytes).padStart(10)}  ${entry.path}`) : []),
      `${dry ? 'would remove' : 'removed'} ${bytes(total)}`,
    ]);
    return kept.some(({ failed }) => failed) ? FAILURE : OK;
  },
});

function kindNamed(name: string): Kind {
  if (Object.hasOwn(KINDS, name)) return KINDS[name]!;
  if (name === 'models') {
    const message = 'models of the hub are shared with other tools, so Fluxion does not remove them';
    throw new UsageError('bad_config', message, {
      hint: "'fluxion models --json' tells their paths; remove a model's folder, or run: hf cache delete",
    });
  }
  throw new UsageError('bad_config', `nothing in the cache is called '${name}'`, {
    hint: didYouMean(name, Object.keys(KINDS), `there are ${Object.keys(KINDS).join(', ')}`),
  });
}

interface Row {
  readonly kind: string;
  readonly path: string;
  readonly bytes: number;
  readonly entries: number;
}

function sizes(): Row[] {
  const own = Object.entries(KINDS).map(([kind, { folder, names }]) => {
    const path = join(cacheFolder(), folder);
    const entries = ownEntries(path, names);
    const total = entries.reduce((sum, entry) => sum + sizeOf(join(path, entry.name)), 0);
    return { kind, path, bytes: total, entries: entries.length };
  });
  const repos = cachedRepos(FLUX1);
  const models = repos.reduce((sum, repo) => sum + repo.bytes, 0);
  return [...own, { kind: 'models', path: '', bytes: models, entries: repos.length }];
}

/** The entries of a folder that Fluxion wrote, whole or in part. */
function ownEntries(folder: string, names: RegExp) {
  return readableEntries(folder).filter(({ name }) => names.test(name) || PARTIAL_NAME.test(name));
}

function textOf({ kind, path, bytes: size, entries }: Row): string {
  const where = kind === 'models' ? "the hub's own cache: 'fluxion models' lists them" : path;
  return `${kind.padEnd(13)}${bytes(size).padStart(10)}  ${String(entries).padStart(5)}  ${where}`;
}

interface Cleaned {
  readonly removed: readonly { readonly path: string; readonly bytes: number }[];
  readonly kept: readonly { readonly path: string; readonly why: string; readonly failed: boolean }[];
}

/** Removes the entries of the given kinds, or lists them in a dry run. A link is removed, never its target. */
function clean(kinds: readonly Kind[], dry: boolean): Cleaned {
  const removed: { path: string; bytes: number }[] = [];
  const kept: { path: string; why: string; failed: boolean }[] = [];
  for (const { folder, names } of kinds) {
    const parent = join(cacheFolder(), folder);
    const info = lstatSync(parent, { throwIfNoEntry: false });
    if (info?.isSymbolicLink()) kept.push({ path: parent, why: 'it is a link to another folder', failed: false });
    if (!info?.isDirectory()) continue;
    for (const { name } of ownEntries(parent, names)) {
      const path = join(parent, name);
      const why = inUse(path, name);
      if (why !== undefined) {
        kept.push({ path, why, failed: false });
        continue;
      }
      const size = sizeOf(path);
      try {
        if (!dry) rmSync(path, { recursive: true });
        removed.push({ path, bytes: size });
      } catch (error) {
        kept.push({ path, why: reasonOf(error), failed: true });
      }
    }
  }
  return { removed, kept };
}

/** Milliseconds without a write after which another process's unfinished file counts as abandoned. */
const UNFINISHED = 24 * 3_600_000;

/** The reason to leave an entry: a running process uses or writes it. Undefined if it may be removed. */
function inUse(path: string, name: string): string | undefined {
  const [user] = processesUsing(path);
  if (user !== undefined) return `process ${user} uses it`;
  const unfinished = name.startsWith('.');
  const mark = name.match(/\.(\d+-\d+-[0-9a-f]{12})\.[0-9a-f]{8,12}(\.partial)?$/)?.[1];
  if (mark !== undefined && processState(mark) === 'running') return 'it is being written';
  if (!unfinished || (mark !== undefined && processState(mark) === 'ended')) return undefined;
  const touched = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Date.now() - touched < UNFINISHED ? 'another process may be writing it' : undefined;
}
