/**
 * Every spelling of every module an adapter can change, in one dictionary: dots and underscores are the same in it, so that a name
 * is looked up whichever of BFL's, diffusers', kohya's, XLabs' or OneTrainer's spelling it is in, and mixed files work by construction.
 */

import { FLUX1 } from '../../families/flux1/flux1.ts';
import type { AdaptedModule } from '../folders/family.ts';

/** A declared module, or some of its parts, and the component that it is of. */
export interface ModuleRef extends AdaptedModule {
  /** The component's name. */
  readonly component: string;
}

/** The components that adapters change. */
export const ADAPTED = FLUX1.components.filter(({ adapted }) => adapted);

const DICTIONARY: ReadonlyMap<string, ModuleRef> = new Map(
  ADAPTED.flatMap(({ name: component, adapted = [] }) =>
    adapted.map(([name, module]) => [flat(name), { ...module, component }] as const),
  ),
);

function flat(name: string): string {
  return name.replaceAll('.', '_');
}

/** Finds the module a name stands for, dotted or underscored, without prefix; undefined for one that is in no spelling. */
export function findModule(name: string): ModuleRef | undefined {
  let block = '';
  const key = flat(name)
    // A trailing underscore before the suffix is a known slip of one trainer.
    .replace(/_$/, '')
    .replace(/(^|_)(blocks|layers|block)_(0|[1-9]\d{0,3})(?=_)/, (_, before: string, stem: string, n: string) => {
      block = n;
      return `${before}${stem}_#`;
    });
  const found = DICTIONARY.get(key);
  return found && { ...found, module: found.module.replace('#', block) };
}
