/**
 * Settings beside a LoRA's weights: PEFT's, which diffusers writes into the header and PEFT into adapter_config.json, and the alpha that
 * trainers write into a plain header. A tensor's own alpha overrides them all. Sources: PEFT `tuners/lora/model.py`, `utils/other.py`
 * (`get_pattern_key`); diffusers `utils/peft_utils.py`, `loaders/lora_base.py`.
 */

import { FluxionError } from '../../support/errors.ts';
import type { OpenFile } from '../files/file-bytes.ts';
import { describeJson, type Json, type JsonObject, parseJsonObject, quote, readJsonObject } from '../files/json.ts';
import type { Component } from '../folders/family.ts';
import { Budget, ModulePattern } from './pattern.ts';

/** What the settings of a module are looked up by. */
export interface ModuleSubject {
  /** The component's name. */
  readonly component: string;
  /** Names that patterns may be written for, the likeliest first. */
  readonly names: readonly string[];
  /** Rank of its factors; `undefined` without factors. */
  readonly rank: number | undefined;
  /** Whether it has the magnitudes of DoRA. */
  readonly decomposed: boolean;
}

/** The settings of a module. */
export interface Setting {
  /** If neither the file nor its settings state it, `undefined`: the rank takes its place. */
  readonly alpha: number | undefined;
  /** The rank that PEFT divides by if the module has no factors. */
  readonly rank: number | undefined;
  /** Whether alpha is divided by √rank instead of rank. */
  readonly rankStabilized: boolean;
}

/** The settings of modules, in their order, and warnings for the user. */
export interface Settings {
  readonly of: readonly Setting[];
  readonly warnings: readonly string[];
}

export interface SettingsFiles {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** PEFT's adapter_config.json beside the file. */
  readonly config: string | undefined;
  readonly openFile: OpenFile;
}

const UNSET: Setting = { alpha: undefined, rank: undefined, rankStabilized: false };
/** An object with any of these keys counts as settings. */
const SIGNS = ['r', 'lora_alpha', 'alpha', 'alpha_pattern', 'rank_pattern', 'use_rslora'];
/** Names of an alpha in a plain header, the most deliberate first. */
const PLAIN = ['lora_alpha', 'alpha', 'ss_network_alpha'];
/** The alpha that PEFT assumes if its settings leave it out. */
const PEFT_ALPHA = 8;
/** Settings with which PEFT changes a weight in ways that the factors alone do not show. */
const FOREIGN_WAYS = [
  'use_qalora',
  'layer_replication',
  'arrow_config',
  'kasa_config',
  'monteclora_config',
  'use_bdlora',
];
/** Initialisations that change the base weights before training. */
const CHANGES_WEIGHTS = /^(?:pissa|olora|corda|loftq|lora_ga)/;
const MAX_PATTERNS = 20_000;

/** Looks up the settings of a file's modules. Throws `bad_file` only for patterns that would take too long. */
export function readSettings(
  components: readonly Pick<Component, 'name' | 'folder'>[],
  files: SettingsFiles,
  subjects: readonly ModuleSubject[],
): Settings {
  const warnings: string[] = [];
  const attempt = (read: () => JsonObject): JsonObject | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof FluxionError)) throw error;
      warnings.push(`${error.message}; these settings are left out, and alphas with them`);
      return undefined;
    }
  };
  const { path, metadata, config, openFile } = files;
  const text = metadata.get('lora_adapter_metadata');
  const where = `${path}: lora_adapter_metadata`;
  const header = text === undefined ? undefined : attempt(() => parseJsonObject(text, where));
  const beside = config === undefined ? undefined : attempt(() => readJsonObject(config, openFile));
  const budget = new Budget(path);
  const plain = plainAlpha(files);

  const of: Setting[] = subjects.map(() => UNSET);
  let plainNeeded = false;
  for (const { name, folder } of components) {
    const own = [...subjects.entries()].filter(([, subject]) => subject.component === name);
    if (own.length === 0) continue;
    const among = own.map(([, subject]) => subject);
    const found =
      peftSettings(withoutPrefix(header, `${folder}.`), where, among, budget) ??
      // A model saved by itself has no prefix.
      peftSettings(header, where, among, budget) ??
      peftSettings(beside, config ?? '', among, budget);
    warnings.push(...(found?.warnings ?? []));
    const foreign =
      found !== undefined && found.where === config && among.length > 0 && found.strangers === among.length;
    if (foreign) warnings.push(`${config}: these settings are ignored: their ranks do not match this file`);
    const used = foreign ? undefined : found;
    plainNeeded ||= used === undefined;
    for (const [i, [at]] of own.entries()) of[at] = used?.of[i] ?? { ...UNSET, alpha: plain.alpha };
  }
  if (plainNeeded && plain.warning !== undefined) warnings.push(plain.warning);
  return { of, warnings: [...new Set(warnings)] };
}

function withoutPrefix(settings: JsonObject | undefined, prefix: string): JsonObject | undefined {
  if (!settings) return undefined;
  return new Map([...settings].flatMap(([key, v]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), v]] : [])));
}

interface PeftSettings extends Settings {
  readonly where: string;
  /** How many modules have a rank that differs from the settings. */
  readonly strangers: number;
}

/** PEFT's settings for modules; `undefined` if there are none. */
function peftSettings(
  settings: JsonObject | undefined,
  where: string,
  subjects: readonly ModuleSubject[],
  budget: Budget,
): PeftSettings | undefined {
  if (!settings || !SIGNS.some((sign) => settings.has(sign))) return undefined;
  const warnings: string[] = [];
  const number = (value: Json | undefined, name: string): number | undefined => {
    if (value === undefined || value === null) return undefined;
    const found = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof found === 'number' && Number.isFinite(found)) return found;
    warnings.push(`${where}: ${name}: expected a number, found ${describeJson(value)}; it is left out`);
    return undefined;
  };
  const alphas = new Patterns(settings.get('alpha_pattern'), 'alpha_pattern', number, budget);
  const ranks = new Patterns(settings.get('rank_pattern'), 'rank_pattern', number, budget);
  // PEFT's settings for LoHa and LoKr call it `alpha`.
  const name = settings.has('lora_alpha') ? 'lora_alpha' : 'alpha';
  const rank = number(settings.get('r'), 'r');
  const told = number(settings.get(name), name);
  const assumed = told === undefined && rank !== undefined && !settings.has(name);
  if (assumed) warnings.push(`${where}: a rank and no alpha, for which PEFT takes ${PEFT_ALPHA}`);
  const alpha = assumed ? PEFT_ALPHA : told;
  const rankStabilized = settings.get('use_rslora') === true;

  const of = subjects.map(
    ({ names }): Setting => ({
      alpha: alphas.of(names, budget) ?? alpha,
      rank: ranks.of(names, budget) ?? rank,
      rankStabilized,
    }),
  );
  for (const patterns of [alphas, ranks]) warnings.push(...patterns.warnings(where, subjects, budget));
  const strangers = subjects.flatMap((subject, i) => {
    const { rank } = of[i]!;
    return rank === undefined || subject.rank === undefined || rank === subject.rank ? [] : [[subject, rank] as const];
  });
  if (strangers.length > 0) {
    const [{ names, rank: found }, set] = strangers[0]!;
    const many = strangers.length === 1 ? '1 module' : `${strangers.length} modules`;
    warnings.push(
      `${where}: ${many} of other ranks than are set, such as ${names[0]}: expected ${set}, found ${found}`,
    );
  }
  warnings.push(...wayWarnings(settings, subjects).map((text) => `${where}: ${text}`));
  return { where, of, warnings, strangers: strangers.length };
}

/** PEFT's ways of adapting that the weights do not show and that are not supported. */
function wayWarnings(settings: JsonObject, subjects: readonly ModuleSubject[]): string[] {
  const start = settings.get('init_lora_weights');
  const set = (value: Json | undefined) =>
    value instanceof Map ? value.size > 0 : Array.isArray(value) ? value.length > 0 : Boolean(value);
  return [
    ...(settings.get('use_dora') === true && !subjects.some(({ decomposed }) => decomposed)
      ? ['use_dora is set, and the file has no magnitudes: it is applied as plain LoRA']
      : []),
    ...(typeof start === 'string' && CHANGES_WEIGHTS.test(start)
      ? [
          `init_lora_weights is ${quote(start)}: the LoRA was trained on modified weights and gives other pictures on these`,
        ]
      : []),
    ...FOREIGN_WAYS.filter((way) => set(settings.get(way))).map((way) => `${way} is set, which is not done here`),
  ];
}

/** Values by pattern of module names: the first that matches counts. */
class Patterns {
  readonly #rows: { readonly key: string; readonly value: number; readonly pattern: ModulePattern; used: boolean }[] =
    [];
  readonly #name: string;
  readonly #broken: string[] = [];

  constructor(
    given: Json | undefined,
    name: string,
    number: (value: Json, name: string) => number | undefined,
    budget: Budget,
  ) {
    this.#name = name;
    if (given === undefined || given === null) return;
    if (!(given instanceof Map)) {
      this.#broken.push(`expected an object, found ${describeJson(given)}; it is left out`);
      return;
    }
    if (given.size > MAX_PATTERNS) {
      this.#broken.push(`${given.size} patterns are more than the ${MAX_PATTERNS} allowed; they are left out`);
      return;
    }
    for (const [key, value] of given) {
      const found = number(value, `${name}: ${quote(key)}`);
      if (found === undefined) continue;
      try {
        this.#rows.push({ key, value: found, pattern: new ModulePattern(key, budget), used: false });
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        this.#broken.push(`${quote(key)} is not a valid pattern and is ignored: ${error.message}`);
      }
    }
  }

  of(names: readonly string[], budget: Budget): number | undefined {
    for (const name of names) {
      const row = this.#rows.find(({ pattern }) => pattern.matches(name, budget));
      if (!row) continue;
      row.used = true;
      return row.value;
    }
    return undefined;
  }

  warnings(where: string, subjects: readonly ModuleSubject[], budget: Budget): string[] {
    const idle = this.#rows.filter(
      ({ used, pattern }) =>
        !used && !subjects.some(({ names }) => names.some((name) => pattern.matches(name, budget))),
    );
    const some = idle.slice(0, 5).map(({ key }) => quote(key));
    const more = idle.length > some.length ? `, … and ${idle.length - some.length} more` : '';
    const nothing = `matches nothing in the file: ${some.join(', ')}${more}`;
    return [...this.#broken.slice(0, 5), ...(idle.length > 0 ? [nothing] : [])].map(
      (text) => `${where}: ${this.#name}: ${text}`,
    );
  }
}

/** The alpha of a plain header. Trainers write 0 or None if the rank takes its place, and Dynamic if tensors have their own. */
function plainAlpha({ path, metadata }: SettingsFiles): {
  readonly alpha: number | undefined;
  readonly warning?: string;
} {
  for (const name of PLAIN) {
    const text = metadata.get(name)?.trim();
    if (text === undefined || /^(?:none|dynamic|)$/i.test(text)) continue;
    const alpha = Number(text);
    if (Number.isFinite(alpha)) return { alpha: alpha === 0 ? undefined : alpha };
    return { alpha: undefined, warning: `${path}: ${name}: expected a number, found ${quote(text)}; it is left out` };
  }
  return { alpha: undefined };
}
