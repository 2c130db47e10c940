/**
 * Reads a LoRA file into modules: which tensors belong to which module of the model, with what alpha, and which keys are unknown.
 * Needs no model. A file from the internet may be hostile: counts, ranks and element types are checked before a byte is read, and values are
 * read once the shapes are known to fit.
 */

import { byteSize, elementCount } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { toF32 } from '../../support/floats.ts';
import { type OpenFile, readingFile } from '../files/file-bytes.ts';
import { WeightStore } from '../files/store.ts';
import { describeContents, fileContents } from '../folders/detect.ts';
import type { Family } from '../folders/family.ts';
import { LORA } from '../folders/recognise.ts';
import { dialectOf, foreignModel } from './dialects.ts';
import { adaptedComponents, isSideCar, KeyParser, type ModuleRef, type TensorRole } from './keys.ts';
import { allFinite, type Matrix } from './matrix.ts';
import { readSettings, type Setting } from './settings.ts';

/** One tensor of a module, with its key for messages. */
export interface LoraTensor extends Matrix {
  readonly key: string;
  readonly shape: readonly number[];
  /** Read on first use; throws `bad_file` for values that are not finite. */
  readonly bytes: Uint8Array;
  /** The same values as a matrix of another shape. */
  as(rows: number, columns: number): LoraTensor;
}

function lazyTensor(
  tensor: Pick<LoraTensor, 'key' | 'shape' | 'dtype' | 'rows' | 'columns'>,
  read: () => Uint8Array,
): LoraTensor {
  let known: Uint8Array | undefined;
  return {
    ...tensor,
    get bytes() {
      known ??= read();
      return known;
    },
    as(rows, columns) {
      return lazyTensor({ ...tensor, rows, columns }, () => this.bytes);
    },
  };
}

/** Everything a file says about one module. */
export interface LoraModule extends Setting {
  readonly ref: ModuleRef;
  readonly tensors: ReadonlyMap<TensorRole, LoraTensor>;
}

/** The algorithm of a module's tensors, and the rank of its factors if it has any. */
export function outlineOf({ tensors }: Pick<LoraModule, 'tensors'>): {
  readonly algorithm: string;
  readonly rank: number | undefined;
} {
  const rows = (role: TensorRole) => tensors.get(role)?.rows;
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

const ALGORITHMS: readonly (readonly [name: string, ...roles: TensorRole[]])[] = [
  ['LoRA', 'A', 'B'],
  ['LoHa', 'hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b'],
  ['LoKr', 'lokr_w1', 'lokr_w1_a', 'lokr_w2', 'lokr_w2_a'],
  ['GLoRA', 'a1', 'a2', 'b1', 'b2'],
  ['difference', 'diff', 'diff_b'],
  ['replacement', 'set'],
];

/** A LoRA file whose header and settings have been read; values can be read while it is open. */
export interface LoraFile extends Disposable {
  readonly path: string;
  readonly dialect: string;
  readonly modules: readonly LoraModule[];
  /** Keys of no known module or algorithm. */
  readonly unmatched: readonly string[];
  /** How many tensors the file has. */
  readonly keys: number;
  /** Settings that are not applied, or are uncertain. */
  readonly warnings: readonly string[];
}

/** Several times what the largest algorithm needs for all modules. */
const MAX_KEYS = 20_000;
const MAX_BYTES = 16 * 2 ** 30;

export interface ParseOptions {
  readonly openFile?: OpenFile;
  /** PEFT's adapter_config.json beside the file. */
  readonly config?: string | undefined;
}

/**
 * Opens a LoRA file and reads its header and its settings. Throws `bad_file` for damage, naming the key, and `unsupported` for a file that
 * is not a LoRA, saying what it is.
 */
export function parseLora(
  family: Family,
  path: string,
  { openFile = readingFile, config }: ParseOptions = {},
): LoraFile {
  const components = adaptedComponents(family);
  const parser = new KeyParser(components);
  using opened = new DisposableStack();
  const store = opened.use(WeightStore.open(path, { openFile }));
  const keys = store.keys();
  if (keys.length > MAX_KEYS) throw bad(path, `${keys.length} tensors are more than the ${MAX_KEYS} allowed`);
  const groups = new Map<string, { ref: ModuleRef; names: readonly string[]; tensors: Map<TensorRole, LoraTensor> }>();
  const unmatched: string[] = [];
  let bytes = 0;
  // Other models share names with this one, especially CLIP's. All keys of another model's file count as foreign.
  const foreign = foreignModel(keys) !== undefined;
  for (const key of keys) {
    if (isSideCar(key) || elementCount(store.info(key).shape) === 0) continue;
    const parsed = foreign ? undefined : parser.parse(key);
    // Extracted LoRAs carry all-zero differences for parts that did not change.
    if (/\.diff(?:_b)?$/.test(key) && !foreign && store.bytes(key).every((byte) => byte === 0)) continue;
    if (!parsed) {
      unmatched.push(key);
      continue;
    }
    const { ref, role, names } = parsed;
    const entry = tensorOf(store, key, role);
    bytes += elementCount(entry.shape) * byteSize(entry.dtype);
    if (bytes > MAX_BYTES) throw bad(path, `more than ${MAX_BYTES} bytes of adapters`);
    const id = `${ref.module}/${ref.parts?.first ?? ''}/${ref.swapped ?? ''}`;
    const group = groups.get(id) ?? { ref, names, tensors: new Map() };
    groups.set(id, group);
    const other = group.tensors.get(role);
    if (other) throw bad(path, `${key} and ${other.key} are the same part of ${ref.module}`);
    group.tensors.set(role, entry);
  }
  const found = [...groups.values()];
  requireAdapter(family, found, unmatched, store);
  const subjects = found.map(({ ref, names, tensors }) => ({
    component: ref.component,
    names,
    rank: outlineOf({ tensors }).rank,
    decomposed: tensors.has('magnitude'),
  }));
  const { of, warnings } = readSettings(components, { path, metadata: store.metadata, config, openFile }, subjects);
  const modules = found.map(({ ref, tensors }, i): LoraModule => {
    const stored = tensors.get('alpha');
    if (!stored) return { ref, tensors, ...of[i]! };
    const alpha = numberOf(stored);
    // Trainers write 0 for no alpha.
    return { ref, tensors, alpha: alpha === 0 ? undefined : alpha, rank: undefined, rankStabilized: false };
  });
  const closing = opened.move();
  return {
    path,
    dialect: dialectOf(keys),
    modules,
    unmatched,
    keys: keys.length,
    warnings,
    [Symbol.dispose]: () => closing.dispose(),
  };
}

/** Refuses other files, such as a checkpoint, of which only the norms would match. Throws `unsupported` saying what the file is. */
function requireAdapter(
  family: Family,
  modules: readonly Pick<LoraModule, 'tensors'>[],
  left: readonly string[],
  store: WeightStore,
): void {
  const contents = fileContents(store, family);
  const { groups, foreign } = contents;
  const adapter = foreign.some(({ what }) => what === LORA);
  const other = foreign.some(({ instead, what }) => instead === 'file' && what !== LORA);
  const adapts = adapter || modules.some(({ tensors }) => [...tensors.keys()].some((role) => role !== 'set'));
  const known = groups.length + foreign.length + modules.length > 0;
  if (!other && (adapts || left.length === 0 || !known)) return;
  throw new FluxionError('unsupported', `${store.path}: expected a LoRA, found ${describeContents(contents)}`, {
    hint: `a model is opened by its folder, and a file with a part of one as ${family.components.map(({ name }) => `${name}=FILE`).join(', ')}`,
  });
}

/** The number in an alpha, which some trainers store as an integer. It may be infinite if f16 could not hold it; using it then throws. */
function numberOf({ dtype, bytes }: LoraTensor): number {
  if (!dtype.startsWith('i')) return toF32(dtype, bytes, 1)[0]!;
  return Buffer.from(bytes).readIntLE(0, Math.min(bytes.length, 6));
}

/** One tensor as a matrix, without the trailing dimensions of 1 that convolutions leave. */
function tensorOf(store: WeightStore, key: string, role: TensorRole): LoraTensor {
  const { dtype, shape } = store.info(key);
  const integer = (role === 'reshape' || role === 'alpha') && /^i\d/.test(dtype);
  if (!integer && !/^(f|bf)\d/.test(dtype)) throw bad(store.path, `${key}: expected floating point, found ${dtype}`);
  const squeezed = [...shape];
  while (squeezed.length > 2 && squeezed.at(-1) === 1) squeezed.pop();
  const count = elementCount(squeezed);
  if (squeezed.length > 2) throw bad(store.path, `${key}: expected a matrix or a vector, found [${shape.join(', ')}]`);
  if (role === 'alpha' && count !== 1)
    throw bad(store.path, `${key}: expected one number, found [${shape.join(', ')}]`);
  const [rows = 1, columns = 1] = squeezed;
  return lazyTensor({ key, shape, dtype, rows, columns }, () => {
    // Copied, because the file is closed after reading.
    const bytes = Uint8Array.prototype.slice.call(store.bytes(key));
    if (!integer && role !== 'alpha' && !allFinite({ dtype, bytes }, count))
      throw bad(store.path, `${key}: holds NaN or infinity`);
    return bytes;
  });
}

function bad(path: string, message: string): FluxionError {
  return new FluxionError('bad_file', `${path}: ${message}`);
}
