/** Events of a run, with the pictures themselves. */

import type { EventOf } from '../api/events.ts';
import type { Image } from '../picture/image.ts';
import type { Preview } from '../picture/preview.ts';
import { oneLine } from '../support/quote.ts';

/** An event of a run, identified by `type`; `stream` yields events in order. */
export type Event = EventOf<Image, Preview>;

/** Makes a warning, safe to print whatever names it quotes. */
export function warning(message: string): Event & { readonly type: 'warning' } {
  return { type: 'warning', message: oneLine(message) };
}
