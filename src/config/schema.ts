/** Derives from the list of keys: TypeScript types, validation, texts of messages and `--help`, and flag names. */

import { z } from 'zod';
import { list, PATH } from '../api/kinds.ts';
import { GROUPS, type Immutable } from '../api/knobs.ts';
import { acceptedKeys } from './accepted.ts';
import { KEY_NAMES, type KEYS, type Key, type KeyName, keyRow } from './keys.ts';
import { type loras, userPaths } from './kinds.ts';
import { meaningOf } from './names.ts';

/** LoRA files to apply, as five lists of one length (MaxDiffusion's form). */
export type LoraConfig = Immutable<z.output<typeof loras.type>>;

/** A complete configuration; keys left open for the model to decide are undefined. */
export type Config = {
  readonly [Name in KeyName]:
    | Immutable<z.output<(typeof KEYS)[Name]['kind']['type']>>
    | ((typeof KEYS)[Name] extends { readonly default: unknown } ? never : undefined);
};

/** Kinds whose values are paths in configurations. */
const PATHS: Readonly<Record<string, z.ZodType>> = {
  path: userPaths,
  paths: z.union([userPaths, list(userPaths, 'paths').min(1)]),
  picture: PATH,
  pictures: z.union([PATH, list(PATH, 'pictures').min(1)]),
};

/** Validators by key name, without defaults. */
const VALIDATORS = Object.fromEntries(
  KEY_NAMES.map((name) => {
    const { name: kind, type, step = 1 } = keyRow(name).kind;
    return [name, PATHS[kind] ?? (step > 1 ? (type as z.ZodNumber).multipleOf(step) : type)];
  }),
) as Record<KeyName, z.ZodType>;

/** Describes the values a key accepts: `a whole number from 16 to 8192, divisible by 16`. */
export function expected(name: KeyName): string {
  return keyRow(name).kind.expected;
}

/** Validates one value and returns it in canonical form (`bfloat16` becomes `bf16`, `~/x` a path), or describes the invalid part. */
export function validate(name: KeyName, value: unknown): { value: unknown } | { problem: string } {
  const result = VALIDATORS[name].safeParse(value);
  if (result.success) return { value: result.data };
  const issue = result.error.issues[0]!;
  // Zod's message is used only for a part of a structure; `expected` describes the whole.
  const isWhole = issue.path.length === 0 || issue.message === expected(name);
  return { problem: isWhole ? '' : `${issue.path.join('.')}: ${issue.message.toLowerCase()}` };
}

/** Returns the default value of a key; undefined if the model decides. */
export function defaultOf(name: KeyName): unknown {
  const row = keyRow(name);
  return row.default === undefined ? undefined : VALIDATORS[name].parse(row.default);
}

/** Tells whether a key's values are plain text, which is not parsed as YAML. */
export function isText(name: KeyName): boolean {
  return ['word', 'text', 'path', 'picture', 'pictures', 'prompts', 'float', 'duration'].includes(
    keyRow(name).kind.name,
  );
}

/** Spells a key as a flag: `num_inference_steps` → `num-inference-steps`. */
export function flagName(name: KeyName): string {
  return name.replaceAll('_', '-');
}

/** Spells a key's other names as flags: `--steps`, `-n`; but `-h` is help. */
function otherFlags(name: KeyName): string[] {
  return (keyRow(name).also ?? [])
    .map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias.replaceAll('_', '-')}`))
    .filter((flag) => flag !== '-h');
}

/** Formats the keys for `--help`, by group: each flag with its sentence, its default, its other names and values without effect. */
export function configHelp(): string {
  const lines: string[] = [];
  for (const group of GROUPS) {
    lines.push(`${group}:`);
    for (const name of KEY_NAMES) {
      const row = keyRow(name);
      if (row.group !== group) continue;
      const flag = `--${flagName(name)}${row.kind.name === 'boolean' ? '' : ` ${row.kind.placeholder}`}`;
      const later = row.because === undefined ? '' : ` Note: ${row.because}.`;
      const others = otherFlags(name);
      const also = others.length === 0 ? '' : `; also ${others.join(', ')}`;
      lines.push(`  ${flag}`, `      ${row.help}${later} (default: ${defaultText(row)}${also})`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

/** Explains one name for `fluxion help NAME`: its key, or advice if there is none; undefined for an unknown name. */
export function keyHelp(written: string): string | undefined {
  const meaning = meaningOf(written.replace(/^-+/, ''));
  if (meaning.kind === 'unknown') return undefined;
  if (meaning.kind === 'advice') return `There is no key '${written}': ${meaning.advice}.\n`;
  if (meaning.kind === 'accepted')
    return `${meaning.name}: a key of MaxDiffusion, accepted without effect: ${acceptedKeys[meaning.name]}.\n`;
  const { name } = meaning;
  const row = keyRow(name);
  const value = row.example ?? exampleOf(row);
  const others = otherFlags(name).map((flag) => (flag.startsWith('--') ? flag.slice(2).replaceAll('-', '_') : flag));
  const flag = `--${flagName(name)}${row.kind.name === 'boolean' ? '' : ` ${value}`}`;
  return [
    `${name}: ${row.help}`,
    '',
    `  takes     ${expected(name)}`,
    `  default   ${defaultText(row)}`,
    ...(others.length === 0 ? [] : [`  also      ${others.join(', ')}`]),
    ...(row.because === undefined ? [] : [`  note      ${row.because}`]),
    `  example   fluxion generate ${name}=${value}`,
    `            fluxion generate ${flag}`,
    '',
  ].join('\n');
}

function exampleOf(row: Key): string {
  const last = row.kind.words?.at(-1);
  if (last !== undefined) return last;
  if (row.kind.name === 'boolean') return row.default === true ? 'False' : 'True';
  return typeof row.default === 'number' || row.kind.name === 'float'
    ? String(row.default)
    : `'${row.kind.placeholder}'`;
}

/** Formats MaxDiffusion's keys without effect, by reason. */
export function acceptedHelp(): string {
  const byReason = Object.groupBy(Object.keys(acceptedKeys), (key) => acceptedKeys[key]!);
  return Object.entries(byReason)
    .map(([reason, keys]) => `Accepted without effect: ${reason}\n  ${keys?.join('\n  ')}\n`)
    .join('\n');
}

function defaultText(row: Key): string {
  if (row.default === undefined) return row.unset ?? 'none';
  if (row.kind.name === 'boolean') return row.default ? 'True' : 'False';
  if (row.default === '') return 'empty';
  return typeof row.default === 'object' ? JSON.stringify(row.default) : String(row.default);
}
