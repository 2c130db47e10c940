/** What the list of keys means: TypeScript types, validation, wording for messages and `--help`, flag names and JSON Schema. */

import { z } from 'zod';
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

/** Validators by key name, and without defaults: what a value that is given must look like. */
const VALIDATORS = Object.fromEntries(
  KEY_NAMES.map((name) => {
    const { name: kind, type, step = 1 } = keyRow(name).kind;
    return [name, kind === 'path' ? userPaths : step > 1 ? (type as z.ZodNumber).multipleOf(step) : type];
  }),
) as Record<KeyName, z.ZodType>;

/** Says what a key's value must be: `a whole number from 16 to 8192, divisible by 16`. */
export function expected(name: KeyName): string {
  return keyRow(name).kind.expected;
}

/** Validates one value and returns it as programs see it (`bfloat16` becomes `bf16`, `~/x` a path), or says what is wrong with which part of it. */
export function validate(name: KeyName, value: unknown): { value: unknown } | { problem: string } {
  const result = VALIDATORS[name].safeParse(value);
  if (result.success) return { value: result.data };
  const issue = result.error.issues[0]!;
  // Zod's own wording is kept only where it names a part of a structure; the whole is described by `expected`.
  return { problem: issue.path.length === 0 ? '' : `${issue.path.join('.')}: ${issue.message.toLowerCase()}` };
}

/** Returns the value a key has when nobody sets it; undefined where the model decides. */
export function defaultOf(name: KeyName): unknown {
  const row = keyRow(name);
  return row.default === undefined ? undefined : VALIDATORS[name].parse(row.default);
}

/** Tells whether a key's values are plain text, to be taken letter by letter and not as YAML. */
export function isText(name: KeyName): boolean {
  return ['word', 'text', 'path', 'prompts', 'float'].includes(keyRow(name).kind.name);
}

/** Spells a key as a flag: `num_inference_steps` → `num-inference-steps`. */
export function flagName(name: KeyName): string {
  return name.replaceAll('_', '-');
}

/** Spells a key's other names as flags: `--steps`, `-n`. */
function otherFlags(name: KeyName): string[] {
  return (keyRow(name).also ?? []).map((alias) =>
    alias.length === 1 ? `-${alias}` : `--${alias.replaceAll('_', '-')}`,
  );
}

/** Formats the keys for `--help`: grouped, one flag with its sentence, what of it has no effect yet, its default and its other names each. */
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

/** Explains one name of a key for `fluxion help NAME`: the key it stands for, or why there is none; undefined for a name that nothing is known of. */
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

/** Formats MaxDiffusion's other keys: each reason, and the keys that have no effect for it. */
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

/** Builds the JSON Schema of a configuration file, for completion in editors; MaxDiffusion's other keys are in it too. */
export function configJsonSchema(): Record<string, unknown> {
  const shape = Object.fromEntries(
    KEY_NAMES.map((name) => {
      const row = keyRow(name);
      const described = VALIDATORS[name].nullish().describe(row.help);
      return [name, row.default === undefined ? described : described.meta({ default: row.default })];
    }),
  );
  const schema = z.toJSONSchema(z.strictObject(shape), {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'bigint') jsonSchema.type = 'integer';
    },
  });
  const others = Object.entries(acceptedKeys).map(([name, reason]) => [name, { description: `No effect: ${reason}` }]);
  return { ...schema, properties: { ...schema.properties, ...Object.fromEntries(others) } };
}
