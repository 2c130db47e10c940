/** The spelling and the prefix of a component's tensors in a file. */

import { FluxionError } from '../../support/errors.ts';
import type { TensorStore } from '../files/tensors.ts';
import type { Component, DeclaredShapes, Layout, SourcePart } from './family.ts';

/** Words, joined by dots, that wrappers and trainers put before a model's names; adapters have them too. */
export const WRAPPING_WORDS = ['base_model', 'model', 'module', 'diffusion_model', 'transformer', 'unet'] as const;
/** Words that torch inserts into names when it compiles, shards or checkpoints a module. */
const WRAPPERS = /(^|\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)(?=\.)/g;

/** A name without torch's words, and without the dots that they leave. */
export function unwrappedName(name: string): string {
  return name.replaceAll(WRAPPERS, '$1').replace(/^\.|(?<=\.)\.+/g, '');
}

/** More prefix words than any file has before a name. */
export const MOST_WORDS = 8;

/** The spelling whose keys are the declared names. */
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

/** Counts blocks from 0 on, up to the first that is missing. */
export function countBlocks(present: (i: number) => boolean): number {
  let count = 0;
  while (present(count)) count++;
  return count;
}

/** Finds the spelling and the prefix of a file's keys; undefined when no known one fits. */
export function layoutOf(component: Component, store: Pick<TensorStore, 'keys' | 'has'>): Spelling | undefined {
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

/** The part of a store that finding tensors needs. */
type Keys = Pick<TensorStore, 'has'>;
/** A spelling and a prefix, which together turn a declared name into keys. */
interface Spelling {
  readonly layout: Layout;
  readonly prefix: string;
}

/** The stored tensors that make up a declared one: their keys, with the prefix; an alias stands in for a key that the file lacks. */
export function storedParts({ layout, prefix }: Spelling, declared: string, store: Keys): SourcePart[] {
  const has = (key: string): boolean => store.has(prefix + key);
  return layout.parts(declared, has).map((part) => {
    const alias = layout.aliases?.get(part.key);
    return { ...part, key: prefix + (alias !== undefined && !has(part.key) && has(alias) ? alias : part.key) };
  });
}

/** A run of rows of a stored tensor. */
export interface RowRun {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/** The rows of a stored part. */
export function runOf({ key, run: [index, of] = [0, 1] }: SourcePart, store: TensorStore): RowRun {
  const rows = store.info(key).shape[0] ?? 1;
  return { key, start: Math.floor((rows * index) / of), end: Math.floor((rows * (index + 1)) / of) };
}

/** Maps rows of the concatenation of runs to stored rows. */
export function cut<R extends RowRun>(runs: readonly R[], from: number, to: number): R[] {
  let at = 0;
  return runs.flatMap((run) => {
    const offset = run.start - at;
    const first = Math.max(from, at);
    at += run.end - run.start;
    const last = Math.min(to, at);
    return first < last ? [{ ...run, start: first + offset, end: last + offset }] : [];
  });
}

/** Keys of a group that nothing used, except duplicates and keys that the layout lists as unused. */
export function unusedKeys(
  { layout, prefix, keys }: Spelling & { readonly keys: readonly string[] },
  store: Keys,
  used: { has(key: string): boolean },
): string[] {
  const duplicates = new Set(
    [...(layout.aliases ?? [])].flatMap(([key, alias]) => (store.has(prefix + key) ? alias : [])),
  );
  return keys.filter((key) => {
    const name = key.slice(prefix.length);
    return !used.has(key) && !duplicates.has(name) && !layout.unused?.some((pattern) => pattern.test(name));
  });
}

/** The shapes of a component's tensors in a file; throws `bad_weights` if no known spelling fits. */
export function declaredShapes(store: TensorStore, component: Component): DeclaredShapes {
  const found = layoutOf(component, store);
  if (!found) throw new FluxionError('bad_weights', `${store.path}: no ${component.name} weights in a known spelling`);
  const partsOf = (name: string): SourcePart[] => storedParts(found, name, store);
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
