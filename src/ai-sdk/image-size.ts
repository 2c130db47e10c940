/** The size of a picture as the AI SDK asks for it: `1024x768`, or proportions such as `16:9`. */

import type { SharedV4Warning } from '@ai-sdk/provider';
import { FluxionError } from '../index.ts';

/** Sides in pixels, and how they differ from the request. */
export interface AskedSize {
  readonly sides?: { readonly width: number; readonly height: number };
  readonly warnings: readonly SharedV4Warning[];
}

/** Sides are multiples of this. */
const STEP = 16;

const nearest = (side: number): number => Math.max(STEP, Math.round(side / STEP) * STEP);

/**
 * Sides for the wanted proportions, with about as many pixels as `usual`; `undefined` if no size was requested. Throws `bad_request` naming
 * the field.
 */
export function askedSize(
  size: string | undefined,
  aspectRatio: string | undefined,
  usual: { readonly width: number; readonly height: number },
): AskedSize {
  if (size !== undefined) {
    const [width, height] = pair('size', size, /^(\d{1,5})x(\d{1,5})$/, '1024x768');
    const sides = { width: nearest(width), height: nearest(height) };
    const isExact = sides.width === width && sides.height === height;
    const details = `sides are multiples of ${STEP}: the picture is ${sides.width}x${sides.height}`;
    return {
      sides,
      warnings: [
        ...(isExact ? [] : [{ type: 'compatibility', feature: 'size', details } as const]),
        ...(aspectRatio === undefined
          ? []
          : [{ type: 'unsupported', feature: 'aspectRatio', details: 'size already sets it' } as const]),
      ],
    };
  }
  if (aspectRatio === undefined) return { warnings: [] };
  const [across, down] = pair('aspectRatio', aspectRatio, /^(\d{1,5}(?:\.\d{1,5})?):(\d{1,5}(?:\.\d{1,5})?)$/, '16:9');
  const area = usual.width * usual.height;
  const sides = {
    width: nearest(Math.sqrt((area * across) / down)),
    height: nearest(Math.sqrt((area * down) / across)),
  };
  return { sides, warnings: [] };
}

function pair(field: string, text: string, form: RegExp, example: string): [number, number] {
  const [first, second] = (form.exec(text) ?? []).slice(1).map(Number);
  if (first && second) return [first, second];
  throw new FluxionError('bad_request', `${field}: expected two numbers above 0 such as ${example}, found '${text}'`);
}
