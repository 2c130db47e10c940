/** Networks beside a model, such as ControlNets: each is opened from a file, from its own folder, or from a pipeline that has one. */

import { FluxionError } from '../../support/errors.ts';
import { kindOf, notThere } from '../files/file-bytes.ts';
import type { WeightOrigin } from './bind.ts';
import type { Component, Family, SizeAgreement } from './family.ts';
import { declaredShapes } from './layout.ts';
import { openGroup, placeOf } from './model-source.ts';
import type { OpenTensorsOptions } from './open.ts';
import { configIn } from './pipeline-folder.ts';

/** A network beside a model; its weights are still on disk. */
export interface ExtraSource<C = unknown> {
  readonly component: Component<C>;
  /** The file, or the folder with its config and weights. */
  readonly path: string;
  readonly config: C;
  /** Opens its weights; the store is the caller's. */
  open(): WeightOrigin;
}

/**
 * Opens a network beside a model. Its config is read, or derived from the shapes in its file with `known` as a hint. Throws `not_found`,
 * `bad_file`, `bad_weights` or `unsupported` naming the file and what it holds instead.
 */
export function openExtra<C>(
  family: Family,
  component: Component<C>,
  given: string,
  options: OpenTensorsOptions = {},
  known?: C,
): ExtraSource<C> {
  const path = placeOf(component, given);
  if (kindOf(path) === 'missing') throw notThere(path);
  const open = () => openGroup(family, component, path, options);
  // The shapes of the weights are more reliable than a config.
  using store = open().store;
  const config = configIn(component, path) ?? component.config.derive(declaredShapes(store, component), known);
  return { component, path, config, open };
}

/** Throws `bad_weights` unless a network's sizes fit the model. */
export function requireExtraFits({ component, path }: ExtraSource, agreements: readonly SizeAgreement[]): void {
  for (const [field, found, expected, from] of agreements) {
    if (expected === found) continue;
    throw new FluxionError('bad_weights', `${path}: ${field} is ${found}, but ${from} gives ${expected}`, {
      hint: `${component.label} was made for another model`,
    });
  }
}
