/**
 * From a LoRA file to modules: which tensors belong to which module of the model, with what alpha; and what nothing is known of.
 * Needs no model. A file from the internet is hostile: counts, ranks and element types are checked before a byte is read.
 */

import { type OpenFile, readingFile } from '../checkpoint/file-bytes.ts';
import { type Json, type JsonObject, parseJsonObject, readJsonObject } from '../checkpoint/json.ts';
import { WeightStore } from '../checkpoint/store.ts';
import { elementCount } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import { toF32 } from '../support/floats.ts';
import { dialectOf, foreignModel } from './dialects.ts';
import { isSideCar, parseKey, type Role } from './keys.ts';
import { allFinite, type Matrix } from './matrix.ts';
import type { ModuleRef } from './names.ts';

/** One tensor of a module, with its key for messages. */
export interface Entry extends Matrix {
  readonly key: string;
  readonly shape: readonly number[];
}

/** Everything a file says of one module. */
export interface LoraModule {
  readonly ref: ModuleRef;
  readonly tensors: ReadonlyMap<Role, Entry>;
  /** What `alpha` is, where the file or its metadata tell. */
  readonly alpha: number | undefined;
  /** Whether alpha is divided by √rank instead of rank. */
  readonly rankStabilized: boolean;
}

/** The algorithm a module's tensors belong to, and the rank of its factors where it has any. */
export function outlineOf({ tensors }: LoraModule): { readonly algorithm: string; readonly rank: number | undefined } {
  const rows = (role: Role) => tensors.get(role)?.rows;
  const found = ALGORITHMS.find(([, ...roles]) => roles.some((role) => tensors.has(role)));
  const algorithm = found?.[0] ?? 'unknown';
  const down = tensors.get('b1');
  const rank =
    rows('A') ??
    rows('hada_w1_b') ??
    rows('lokr_w2_b') ??
    rows('lokr_w1_b') ??
    (down && Math.min(down.rows, down.columns));
  return { algorithm: tensors.has('magnitude') ? `${algorithm} with DoRA` : algorithm, rank };
}

const ALGORITHMS: readonly (readonly [name: string, ...roles: Role[]])[] = [
  ['LoRA', 'A', 'B'],
  ['LoHa', 'hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b'],
  ['LoKr', 'lokr_w1', 'lokr_w1_a', 'lokr_w2', 'lokr_w2_a'],
  ['GLoRA', 'a1', 'a2', 'b1', 'b2'],
  ['difference', 'diff', 'diff_b'],
  ['replacement', 'set'],
];

/** A LoRA file, read. */
export interface LoraFile {
  readonly path: string;
  readonly dialect: string;
  readonly modules: readonly LoraModule[];
  /** Keys that no known module or algorithm has. */
  readonly unmatched: readonly string[];
  /** How many tensors the file has. */
  readonly keys: number;
}

const MAX_KEYS = 100_000;
const MAX_BYTES = 16 * 2 ** 30;

/** What a file's header or a neighbouring adapter_config.json say about alphas. */
interface AlphaRules {
  of(family: ModuleRef['family'], spelling: string): { alpha: number | undefined; rankStabilized: boolean };
}

export interface ParseOptions {
  readonly openFile?: OpenFile;
  /** PEFT's adapter_config.json beside the file. */
  readonly config?: string | undefined;
}

/** Reads a LoRA file. Throws `bad_file` for damage, and for values that are not finite, naming the key. */
export function parseLora(path: string, { openFile = readingFile, config }: ParseOptions = {}): LoraFile {
  using store = WeightStore.open(path, { openFile });
  const keys = store.keys();
  if (keys.length > MAX_KEYS) throw bad(path, `${keys.length} tensors are more than the ${MAX_KEYS} allowed`);
  const rules = alphaRules(store, config === undefined ? undefined : readJsonObject(config, openFile));
  const groups = new Map<string, { ref: ModuleRef; spelling: string; tensors: Map<Role, Entry> }>();
  const unmatched: string[] = [];
  let bytes = 0;
  // Other models share names with this one, of CLIP most of all: what is theirs is theirs as a whole.
  const foreign = foreignModel(keys) !== undefined;
  for (const key of keys) {
    if (isSideCar(key) || elementCount(store.info(key).shape) === 0) continue;
    const parsed = foreign ? undefined : parseKey(key);
    // Extracted LoRAs carry differences that are zero throughout, for parts that did not change.
    if (/\.diff(?:_b)?$/.test(key) && !foreign && isZero(store, key)) continue;
    if (!parsed) {
      unmatched.push(key);
      continue;
    }
    const { ref, role, spelling } = parsed;
    const entry = readEntry(store, key, role);
    bytes += entry.bytes.byteLength;
    if (bytes > MAX_BYTES) throw bad(path, `more than ${MAX_BYTES} bytes of adapters`);
    const id = `${ref.module}/${ref.parts?.first ?? ''}/${ref.swapped ?? ''}`;
    const group = groups.get(id) ?? { ref, spelling, tensors: new Map() };
    groups.set(id, group);
    const other = group.tensors.get(role);
    if (other) throw bad(path, `${key} and ${other.key} are the same part of ${ref.module}`);
    group.tensors.set(role, entry);
  }
  const modules = [...groups.values()].map(({ ref, spelling, tensors }): LoraModule => {
    const stored = tensors.get('alpha');
    const told = rules.of(ref.family, spelling);
    return stored ? { ref, tensors, alpha: numberOf(stored), rankStabilized: false } : { ref, tensors, ...told };
  });
  return { path: store.path, dialect: dialectOf(keys), modules, unmatched, keys: keys.length };
}

function isZero(store: WeightStore, key: string): boolean {
  return store.bytes(key).every((byte) => byte === 0);
}

/** The one number of an alpha, which some trainers keep as an integer. */
function numberOf({ dtype, bytes }: Entry): number {
  if (!dtype.startsWith('i')) return toF32(dtype, bytes, 1)[0]!;
  return Buffer.from(bytes).readIntLE(0, Math.min(bytes.length, 6));
}

/** Reads one tensor as a matrix: trailing dimensions of 1, which convolutions leave behind, are dropped. */
function readEntry(store: WeightStore, key: string, role: Role): Entry {
  const { dtype, shape } = store.info(key);
  const integer = (role === 'reshape' || role === 'alpha') && /^i\d/.test(dtype);
  if (!integer && !/^(f|bf)\d/.test(dtype)) throw bad(store.path, `${key}: expected floating point, found ${dtype}`);
  const squeezed = [...shape];
  while (squeezed.length > 2 && squeezed.at(-1) === 1) squeezed.pop();
  const count = elementCount(squeezed);
  if (squeezed.length > 2) throw bad(store.path, `${key}: expected a matrix or a vector, found [${shape.join(', ')}]`);
  if (role === 'alpha' && count !== 1)
    throw bad(store.path, `${key}: expected one number, found [${shape.join(', ')}]`);
  // A copy of its own: the file is closed when it has been read.
  const bytes = Uint8Array.prototype.slice.call(store.bytes(key));
  if (!integer && !allFinite({ dtype, bytes }, count)) throw bad(store.path, `${key}: holds NaN or infinity`);
  return { key, shape, rows: squeezed[0] ?? 1, columns: squeezed[1] ?? 1, dtype, bytes };
}

/** diffusers keeps PEFT's settings as JSON in the header; PEFT itself in a file beside the weights. */
function alphaRules(store: WeightStore, beside: JsonObject | undefined): AlphaRules {
  const where = `${store.path}: lora_adapter_metadata`;
  const text = store.metadata.get('lora_adapter_metadata');
  const header = text === undefined ? undefined : parseJsonObject(text, where);
  const prefix = { flux: 'transformer.', clip: 'text_encoder.', t5: 'text_encoder_2.' } as const;
  return {
    of(family, spelling) {
      const at = (name: string): Json | undefined => header?.get(prefix[family] + name) ?? beside?.get(name);
      const pattern = at('alpha_pattern');
      const special = pattern instanceof Map ? patternValue(pattern, spelling) : undefined;
      // LoHa's and LoKr's settings in PEFT call it by its plain name.
      const alpha = special ?? at('lora_alpha') ?? at('alpha');
      return {
        alpha: typeof alpha === 'number' && Number.isFinite(alpha) ? alpha : undefined,
        rankStabilized: at('use_rslora') === true,
      };
    },
  };
}

/** PEFT's rule: a pattern's key is a module's name or the end of it. Regular expressions in it are taken literally. */
function patternValue(pattern: JsonObject, spelling: string): Json | undefined {
  for (const [key, value] of pattern) if (spelling === key || spelling.endsWith(`.${key}`)) return value;
  return undefined;
}

function bad(path: string, message: string): FluxionError {
  return new FluxionError('bad_file', `${path}: ${message}`);
}
