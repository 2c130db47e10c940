/** Sizes that must agree between the parts of a model. */

import type { Agreement } from '../../weights/folders/family.ts';

/** A config field that must have the size that another part, `from`, has. */
export function agree(field: string, found: number, expected: number, from: string): Agreement {
  return { field, expected, from, found };
}
