/**
 * Fits a LoRA file to a model: what it adds to every declared weight or part of its rows, and a report of matched and unmatched keys. A file
 * that matches nothing is an error; unmatched keys are never dropped silently.
 */

import { createHash } from 'node:crypto';
import type { LoraReport } from '../../api/events.ts';
import { byteSize } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { updateFrom } from '../../support/hash-file.ts';
import { oneLine, someOf } from '../../support/quote.ts';
import { resizeRows } from '../../support/rows.ts';
import { type WeightSpec, weightKey } from '../../xla/graph/weights.ts';
import type { OpenFile } from '../files/file-bytes.ts';
import type { Family } from '../folders/family.ts';
import { foreignModel, unsupportedAlgorithm } from './dialects.ts';
import { adaptedComponents, type ModuleRef, type TensorRole } from './keys.ts';
import { type Located, locateLora } from './locate.ts';
import { type Base, rowsOf } from './matrix.ts';
import { type LoraFile, type LoraModule, outlineOf, parseLora } from './parse.ts';
import { type FittedModule, fitModule, type LowRank, type Term } from './terms.ts';

/** What a file adds to one declared weight; columns that the file lacks stay unchanged. */
export type Addition =
  | LowRank
  /** A difference at strength 1 (or, if it `replaces`, at any strength but 0); `base` is the whole declared weight. */
  | {
      readonly kind: 'difference';
      readonly strength: 'scales' | 'replaces';
      /** Width of its rows: the weight's, except in the first layer. */
      readonly columns: number;
      values(base: Base): Promise<Float32Array>;
    };

/** The weights a model declares, arranged for fitting LoRA files to them. */
export class LoraModel {
  /** Parts of each whole weight, in row order, by name. */
  readonly #parts: ReadonlyMap<string, readonly WeightSpec[]>;

  readonly family: Family;

  constructor(family: Family, declared: Iterable<WeightSpec>) {
    this.family = family;
    const parts = Map.groupBy(declared, (spec) => spec.name);
    for (const specs of parts.values()) specs.sort((a, b) => (a.rows?.start ?? 0) - (b.rows?.start ?? 0));
    this.#parts = parts;
  }

  /** The parts of a module's weight, under whichever name the model has it; empty if the model has no such module. */
  weight(module: string): readonly WeightSpec[] {
    return this.#parts.get(`${module}.weight`) ?? this.#parts.get(`${module}.scale`) ?? [];
  }

  bias(module: string): readonly WeightSpec[] {
    return this.#parts.get(`${module}.bias`) ?? [];
  }

  get latentChannels(): number {
    return this.weight('final_layer.linear')[0]?.shape[0] ?? LATENT_CHANNELS;
  }
}

/** A LoRA file to load. */
export interface LoraSource {
  /** A file, a folder, or a repository of the Hugging Face hub: `ORG/NAME`, or `ORG/NAME@REVISION`. */
  readonly path: string;
  /** Which file of a folder or repository. */
  readonly weightName?: string | undefined;
  /** What recipes and reports call it; the file's name by default. */
  readonly name?: string | undefined;
}

export interface LoadLoraOptions {
  readonly openFile?: OpenFile;
  /** Whether keys that match nothing are an error. */
  readonly strict?: boolean;
}

/** A loaded file, fitted to one model. */
export interface Adapter {
  readonly report: LoraReport;
  /** SHA-256 of the file and of the settings beside it, the first 12 hexadecimal digits. */
  readonly hash: string;
  /** What it adds, by weight (`weightKey`). */
  readonly additions: ReadonlyMap<string, readonly Addition[]>;
}

/**
 * Loads a LoRA file for a model. Throws `not_found`, `bad_file` for damage, `bad_weights` where shapes do not fit or nothing (or,
 * if strict, not everything) matches, `unsupported` for a LoRA of another model.
 */
export async function loadAdapter(
  source: LoraSource,
  model: LoraModel,
  options: LoadLoraOptions = {},
): Promise<Adapter> {
  const located = locateLora(source);
  using file = parseLora(model.family, located.path, { ...options, config: located.config });
  const { fitted, left } = fit(file, model);
  const matched = fitted.map(({ module }) => module);
  const report = reportOf(model.family, file, matched, left, nameOf(source, located), model.latentChannels);
  if (matched.length === 0) throw nothingMatched(model.family, file, left);
  if (options.strict && left.length > 0) {
    throw new FluxionError('bad_weights', `${file.path}: ${unmatchedText(report)}`, {
      hint: 'lora_strict=False uses what matches',
    });
  }
  const additions = additionsOf(fitted);
  // Reads values that are needed later while the file is open.
  for (const { tensors } of matched) for (const entry of tensors.values()) entry.bytes;
  return { report, hash: await hashOf(file.path, located.config), additions };
}

/** Describes a LoRA file without a model: what its keys say. */
export function describeLora(family: Family, source: LoraSource): LoraReport {
  const located = locateLora(source);
  using file = parseLora(family, located.path, { config: located.config });
  return reportOf(family, file, file.modules, file.unmatched, nameOf(source, located));
}

/** Signs that a name is a path: a root, a home, a step up, an ending, or several folders. */
const PATH_SIGNS = /^(?:[/\\~]|[a-z]:[/\\])|(?:^|[/\\])\.{1,2}(?:[/\\]|$)|\.safetensors$|[/\\].*[/\\]/i;

/** The name of a LoRA in recipes and reports: never a path, which would reveal something about this machine. */
function nameOf({ name = '', path }: LoraSource, located: Located): string {
  if (name !== path && !PATH_SIGNS.test(name)) return name || located.name;
  const last = name.split(/[/\\]/).findLast((part) => /[^.~]/.test(part)) ?? '';
  return last.replace(/^~.*|\.safetensors$/g, '') || located.name;
}

/** Says how many keys matched nothing, and which. */
export function unmatchedText({ name, unmatched: { count, first } }: LoraReport): string {
  const more = count > first.length ? `, … and ${count - first.length} more` : '';
  return `${count} keys of the LoRA '${name}' match nothing in this model: ${first.join(', ')}${more}`;
}

/** A module that belongs to the model, with the rows of its weight and of its bias. */
interface Fitted {
  readonly module: LoraModule;
  readonly ranges: { readonly weight: Range; readonly bias: Range | undefined };
  readonly terms: FittedModule['terms'];
}

/** Finds the weight of every module, and checks its shapes. */
function fit(
  file: LoraFile,
  model: LoraModel,
): { readonly fitted: readonly Fitted[]; readonly left: readonly string[] } {
  const fitted: Fitted[] = [];
  const left = [...file.unmatched];
  for (const module of file.modules) {
    const whole = rangeOf(module.ref, model.weight(module.ref.module));
    const weight = whole && { ...whole, columns: columnsOf(module, whole.columns, model.latentChannels) };
    const bias = rangeOf(module.ref, model.bias(module.ref.module));
    const found = weight && fitModule(module, weight, file.path);
    if (!found || (found.bias && !bias)) {
      left.push(...[...module.tensors.values()].map(({ key }) => key));
      continue;
    }
    left.push(...found.left);
    fitted.push({ module, ranges: { weight, bias }, terms: found.terms });
  }
  return { fitted, left };
}

/** Reads what modules add, by weight. */
function additionsOf(fitted: readonly Fitted[]): ReadonlyMap<string, readonly Addition[]> {
  const additions = new Map<string, Addition[]>();
  for (const { module, ranges, terms: make } of fitted) {
    const terms = make();
    const swapped = module.ref.swapped ?? false;
    for (const part of ['weight', 'bias'] as const) {
      const range = ranges[part];
      for (const spec of range?.parts ?? []) {
        const added = terms[part]
          .map((term) => additionTo(spec, range!, swapped, term))
          .filter((addition) => addition !== undefined);
        if (added.length > 0) additions.set(weightKey(spec), [...(additions.get(weightKey(spec)) ?? []), ...added]);
      }
    }
  }
  return additions;
}

interface Range {
  /** First row of the whole weight. */
  readonly start: number;
  readonly rows: number;
  readonly columns: number;
  readonly parts: readonly WeightSpec[];
}

/** The declared rows that a module covers; undefined if the model does not have them. */
function rangeOf({ parts }: ModuleRef, declared: readonly WeightSpec[]): Range | undefined {
  if (declared.length === 0 || (parts && declared.length !== parts.of)) return undefined;
  const specs = parts ? declared.slice(parts.first, parts.end) : declared;
  const rows = specs.reduce((sum, { shape }) => sum + (shape[0] ?? 1), 0);
  return { start: specs[0]!.rows?.start ?? 0, rows, columns: specs[0]!.shape[1] ?? 1, parts: specs };
}

/** The part of a term that applies to one declared weight. */
function additionTo(spec: WeightSpec, range: Range, swapped: boolean, term: Term): Addition | undefined {
  const count = spec.shape[0] ?? 1;
  const declared = (spec.rows?.start ?? 0) - range.start;
  const half = range.rows / 2;
  /** Maps rows between the file and the declared weight; they differ only if halves are swapped. */
  const exchange = (row: number): number => (swapped ? (row + half) % range.rows : row);
  if (swapped && declared % half !== 0) {
    throw new FluxionError(
      'bad_shape',
      `${weightKey(spec)}: LoRA files swap the halves of this weight, and this part is not a half`,
    );
  }
  const start = exchange(declared);
  if (term.kind === 'low-rank') {
    const b = rowsOf(term.b, start, start + count);
    return b.rows === term.b.rows ? term : withoutZeros({ ...term, b });
  }
  return {
    kind: 'difference',
    strength: term.strength,
    columns: range.columns,
    values(base) {
      const inFileOrder = (from: number, to: number): Float32Array => {
        if (!swapped)
          return resizeRows(base.rows(range.start + from, range.start + to), spec.shape[1] ?? 1, range.columns);
        const pieces = [
          [from, Math.min(to, half)],
          [Math.max(from, half), to],
        ].filter(([a, b]) => a! < b!);
        const width = range.columns;
        const values = new Float32Array((to - from) * width);
        for (const [a, b] of pieces) {
          const start = range.start + exchange(a!);
          values.set(base.rows(start, start + b! - a!), (a! - from) * width);
        }
        return values;
      };
      return term.rows(start, start + count, { ...base, rows: inFileOrder });
    },
  };
}

/** Drops ranks that add nothing to these rows: two thirds of them in files fused from separate q, k and v. `undefined` if none is left. */
function withoutZeros({ a, b, scale }: LowRank): LowRank | undefined {
  const size = byteSize(b.dtype);
  const used = new Set<number>();
  for (let i = 0; i < b.bytes.length && used.size < b.columns; i++)
    if (b.bytes[i] !== 0) used.add(Math.floor(i / size) % b.columns);
  if (used.size === 0) return undefined;
  if (used.size === b.columns) return { kind: 'low-rank', a, b, scale };
  const kept = [...used].sort((x, y) => x - y);
  const rows = new Uint8Array(kept.length * a.columns * byteSize(a.dtype));
  const columns = new Uint8Array(b.rows * kept.length * size);
  for (const [i, rank] of kept.entries()) {
    const row = rowsOf(a, rank, rank + 1).bytes;
    rows.set(row, i * row.length);
    for (let n = 0; n < b.rows; n++)
      for (let byte = 0; byte < size; byte++)
        columns[(n * kept.length + i) * size + byte] = b.bytes[(n * b.columns + rank) * size + byte]!;
  }
  return {
    kind: 'low-rank',
    scale,
    a: { rows: kept.length, columns: a.columns, dtype: a.dtype, bytes: rows },
    b: { rows: b.rows, columns: kept.length, dtype: b.dtype, bytes: columns },
  };
}

/** Lists how many modules a LoRA changes in each component, such as `304 of the transformer`; unchanged components are omitted. */
export function modulesText(family: Family, { modules }: LoraReport): string[] {
  return adaptedComponents(family).flatMap(({ name, label }) =>
    modules[name] ? [`${modules[name]} of ${label}`] : [],
  );
}

/** FLUX.1's. */
const LATENT_CHANNELS = 64;

/** Tensors of the first layer that have a column for each of its inputs. */
const WIDE: readonly TensorRole[] = ['A', 'hada_w1_b', 'diff', 'set'];

/** How many inputs the first layer has in a file; undefined for other layers. */
function inputsOf({ ref, tensors }: LoraModule): number | undefined {
  if (ref.module !== 'img_in') return undefined;
  return WIDE.map((role) => tensors.get(role)).find((tensor) => tensor !== undefined)?.columns;
}

/**
 * Columns of a module's weight in its file. Control LoRAs widen the first layer for a picture beside the latents; LoRAs for latents
 * alone leave that picture's columns unchanged (diffusers `_maybe_expand_lora_state_dict`).
 */
function columnsOf(module: LoraModule, declared: number, latentChannels: number): number {
  const inputs = inputsOf(module);
  const widens = inputs === 2 * latentChannels && declared === latentChannels;
  return widens || inputs === latentChannels ? inputs : declared;
}

function reportOf(
  family: Family,
  file: LoraFile,
  matched: readonly LoraModule[],
  left: readonly string[],
  name: string,
  latentChannels: number = LATENT_CHANNELS,
): LoraReport {
  const outlines = matched.map(outlineOf);
  const count = (component: string) =>
    new Set(
      matched.filter(({ ref }) => ref.component === component).map(({ ref }) => ref.module + (ref.parts?.first ?? '')),
    ).size;
  const distinct = <T>(values: readonly (T | undefined)[]): T[] =>
    [...new Set(values.filter((v) => v !== undefined))] as T[];
  const ascending = (values: readonly (number | undefined)[]) => distinct(values).sort((a, b) => a - b);
  return {
    name,
    path: file.path,
    dialect: file.dialect,
    algorithms: distinct(outlines.map(({ algorithm }) => algorithm)),
    modules: Object.fromEntries(adaptedComponents(family).map(({ name: part }) => [part, count(part)])),
    ranks: ascending(outlines.map(({ rank }) => rank)),
    alphas: ascending(matched.map(({ alpha }) => alpha)),
    control: matched.some((module) => inputsOf(module) === 2 * latentChannels),
    unmatched: { count: left.length, first: left.slice(0, 10).map((key) => oneLine(key, 200)) },
    warnings: file.warnings,
  };
}

function nothingMatched({ title }: Family, file: LoraFile, left: readonly string[]): FluxionError {
  const algorithm = unsupportedAlgorithm(left);
  if (algorithm) {
    return new FluxionError('unsupported', `${file.path}: Fluxion does not apply its method, ${algorithm}`, {
      hint: 'LoRA, LoHa, LoKr, GLoRA, DoRA and plain differences work; some trainers can export one of these',
    });
  }
  const foreign = foreignModel(left);
  const shown = someOf(left, 3);
  return new FluxionError(
    foreign ? 'unsupported' : 'bad_weights',
    foreign
      ? `${file.path}: this is ${foreign}, not one for ${title}`
      : `${file.path}: none of its ${file.keys} tensors belongs to this model${shown === '' ? '' : `; its keys begin ${shown}`}`,
    { hint: 'a LoRA works with the kind of model it was trained on' },
  );
}

/** The short hash of a LoRA in recipes, over its file and the settings beside it. */
export function loraHash(source: LoraSource): Promise<string> {
  const { path, config } = locateLora(source);
  return hashOf(path, config);
}

/** Settings beside a file count because they change the result. */
async function hashOf(path: string, config: string | undefined): Promise<string> {
  const hash = createHash('sha256');
  await updateFrom(hash, path);
  if (config !== undefined) await updateFrom(hash, config);
  return hash.digest('hex').slice(0, 12);
}
