/** What tests do with single components of FLUX.1: bind files to them, derive their configs, spell their names. */

import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import type { TensorStore } from '../../src/weights/files/tensors.ts';
import { bindWeights, type DeclaredWeight, type WeightSource } from '../../src/weights/folders/bind.ts';
import { fileContents, groupOf } from '../../src/weights/folders/detect.ts';
import { type Component, componentNamed } from '../../src/weights/folders/family.ts';
import { declaredShapes } from '../../src/weights/folders/layout.ts';

/** Binds weights to a component's tensors in a file. */
export function bindTo<W extends DeclaredWeight>(
  declared: readonly W[],
  store: TensorStore,
  name: string,
): Map<W, WeightSource> {
  const group = groupOf(fileContents(store, FLUX1), componentNamed(FLUX1, name));
  return bindWeights(declared, store, group);
}

/** The config that a file's shapes tell. */
export function derived<C>(component: Component<C>, store: TensorStore, known?: C): C {
  return component.config.derive(declaredShapes(store, component), known);
}

/** A declared name as a layout has it; the decoder of an autoencoder has `levels`. */
export function spelt(component: Component, layout: string, name: string, levels = 4): string {
  const { parts } = component.layouts.find((candidate) => candidate.name === layout)!;
  const isDeclared = (key: string): boolean => Number(/^decoder\.up_blocks\.(\d+)\./.exec(key)?.[1]) < levels;
  return parts(name, isDeclared)[0]!.key;
}
