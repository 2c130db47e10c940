/** Removes the words that torch puts into names of compiled, sharded or checkpointed modules, such as `_orig_mod.`. */

import { shownAs, type TensorStore } from '../files/tensors.ts';
import { unwrappedName } from './layout.ts';

/** Wraps a store, which it takes over, so that its keys are the modules' own names. */
export function unwrapped(store: TensorStore): TensorStore {
  const keys = store.keys();
  const names = new Map(keys.map((key) => [unwrappedName(key), key]));
  // If two keys would get the same name, neither is renamed, so that a message can name them.
  return names.size < keys.length || keys.every((key) => names.has(key)) ? store : shownAs(store, names);
}
