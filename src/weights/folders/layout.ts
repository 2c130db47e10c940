/** The spelling and the prefix of a component's tensors in a file. */

import { FluxionError } from '../../support/errors.ts';
import type { TensorStore } from '../files/tensors.ts';
import type { Component, DeclaredShapes, Layout, SourcePart } from './family.ts';

/** Words, joined by dots, that wrappers and trainers put before a model's names; adapters have them too. */
export const WRAPPING_WORDS = ['base_model', 'model', 'module', 'diffusion_model', 'transformer', 'unet'] as const;
/** Words that torch inserts into names when it compiles, shards or checkpoints a module. */
export const WRAPPERS: RegExp = /(^|\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)(?=\.)/g;
/** More than any file has before a name. */
export const MOST_WORDS = 8;

/** The spelling of declared names themselves. */
export const itself = (declared: string): readonly SourcePart[] => [{ key: declared }];

type Rule = readonly [from: RegExp, to: string];
/** Rules that respell names, tried in order, each at most once. */
export type Rules = readonly Rule[];

/** Applies rules to a name. */
export function respelled(name: string, rules: Rules): string {
  return rules.reduce((text, [from, to]) => text.replace(from, to), name);
}

/** Names the two tensors of a module with a bias. */
export const affine = (module: string): string[] => [`${module}.weight`, `${module}.bias`];

/** Counts numbers from 0 on for which something holds, up to the first for which it does not. */
export function countBlocks(present: (i: number) => boolean): number {
  let count = 0;
  while (present(count)) count++;
  return count;
}

/** Finds the spelling and the prefix of a file's keys; undefined when no known one fits. */
export function layoutOf(
  component: Component,
  store: { keys(): readonly string[]; has(key: string): boolean },
): { layout: Layout; prefix: string } | undefined {
  const words = new Set<string>([...WRAPPING_WORDS, ...component.words]);
  const isPrefix = (text: string): boolean => {
    const parts = text.split('.');
    return parts.length <= MOST_WORDS + 1 && parts.slice(0, -1).every((word) => words.has(word));
  };
  const keys = store.keys();
  for (const layout of component.layouts) {
    if (store.has(layout.marker)) return { layout, prefix: '' };
    const ending = `.${layout.marker}`;
    const prefixes = keys
      .filter((key) => key.endsWith(ending))
      .map((key) => key.slice(0, -layout.marker.length))
      .filter(isPrefix);
    const prefix = prefixes.sort((a, b) => a.length - b.length)[0];
    if (prefix !== undefined) return { layout, prefix };
  }
  return undefined;
}

/** The shapes of a component's tensors in a file; throws `bad_weights` if no known spelling fits. */
export function declaredShapes(store: TensorStore, component: Component): DeclaredShapes {
  const found = layoutOf(component, store);
  if (!found) throw new FluxionError('bad_weights', `${store.path}: no ${component.name} weights in a known spelling`);
  const { layout, prefix } = found;
  const stored = (key: string): boolean => store.has(prefix + key);
  const partsOf = (name: string): SourcePart[] =>
    layout.parts(name, stored).map((part) => {
      const alias = layout.aliases?.get(part.key);
      return { ...part, key: prefix + (alias !== undefined && !stored(part.key) ? alias : part.key) };
    });
  return {
    path: store.path,
    has: (name) => partsOf(name).every(({ key }) => store.has(key)),
    size(name, dimension) {
      const sizes = partsOf(name).map(({ key, run: [, of] = [0, 1] }) => {
        const size = store.has(key) ? store.info(key).shape[dimension] : undefined;
        if (size === undefined || size === 0)
          throw new FluxionError('bad_weights', `${store.path}: the ${component.name} weights lack ${key}`);
        return dimension === 0 ? size / of : size;
      });
      return dimension === 0 ? sizes.reduce((sum, size) => sum + size, 0) : sizes[0]!;
    },
  };
}
