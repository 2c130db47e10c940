/** Opens weights of any format, recognised by content: safetensors or GGUF, with encoded tensors. */

import { decodeBitsAndBytes } from '../encodings/bitsandbytes.ts';
import { decodeComfyQuant } from '../encodings/comfy-quant.ts';
import { decodeFp8 } from '../encodings/fp8.ts';
import { kindOf, type OpenFile, readingFile } from '../files/file-bytes.ts';
import { isGguf } from '../files/gguf.ts';
import { ggufStore } from '../files/gguf-store.ts';
import { WeightStore } from '../files/store.ts';
import { type Decoded, shownAs, type TensorStore } from '../files/tensors.ts';
import { unwrappedName } from './layout.ts';

/** How weights are found in a file or folder, and how quantised ones are decoded. */
export interface OpenTensorsOptions {
  /** How files are opened; by positional reads by default. */
  readonly openFile?: OpenFile;
  /** Infix of the file name to prefer in a folder, such as `fp16`. */
  readonly variant?: string | undefined;
  /** The type that quantised tensors are decoded to, bf16 by default; other tensors keep their type. */
  readonly decoded?: Decoded;
}

/** Opens a safetensors or GGUF file, an index of shards, or the weights found in a component's folder; quantised tensors are decoded when read. */
export function openTensors(path: string, options: OpenTensorsOptions = {}): TensorStore {
  const { openFile = readingFile, decoded = 'bf16' } = options;
  using opened = new DisposableStack();
  const gguf = kindOf(path) === 'folder' ? undefined : openGguf(path, openFile, decoded);
  const raw = unwrapped(opened.use(gguf ?? WeightStore.open(path, options)));
  const store = decodeBitsAndBytes(decodeFp8(decodeComfyQuant(raw, decoded), decoded), decoded);
  opened.move();
  return store;
}

function openGguf(path: string, openFile: OpenFile, decoded: Decoded): TensorStore | undefined {
  using opened = new DisposableStack();
  const file = opened.use(openFile(path));
  if (!isGguf(file)) return undefined;
  const store = ggufStore(file, decoded);
  opened.move();
  return store;
}

/** Shows a store, which it takes over, without the words that torch puts into names of compiled, sharded or checkpointed modules. */
function unwrapped(store: TensorStore): TensorStore {
  const keys = store.keys();
  const names = new Map(keys.map((key) => [unwrappedName(key), key]));
  // If two keys would get the same name, neither is renamed, so that a message can name them.
  return names.size < keys.length || keys.every((key) => names.has(key)) ? store : shownAs(store, names);
}
