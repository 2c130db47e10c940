/** Guards standard output and standard error: only Fluxion's own control sequences reach the terminal. */

import { randomUUID } from 'node:crypto';
import { printable } from '../../support/quote.ts';

/** Stands for ESC in Fluxion's sequences until they are written; random, so that no file can contain it. */
const ESC: string = randomUUID();

export type Colour = 'red' | 'yellow' | 'cyan' | 'green' | 'dim' | 'bold';

const CODES: Record<Colour, number> = { red: 31, yellow: 33, cyan: 36, green: 32, dim: 2, bold: 1 };

/** Returns to the start of the line and clears it. */
export const EMPTY_LINE: string = `${ESC}E`;

/** Colours text for `stream` if that is a terminal and NO_COLOR (https://no-color.org) is not set. */
export function paint(colour: Colour, text: string, stream: NodeJS.WriteStream = process.stderr): string {
  const plain = !stream.isTTY || process.env['NO_COLOR'] || process.env['TERM'] === 'dumb';
  return plain ? text : `${ESC}[${CODES[colour]}m${text}${ESC}[0m`;
}

const guarded = new WeakSet<NodeJS.WriteStream>();

/**
 * Escapes control characters in all text written to a stream from now on, except the sequences of this file. Bytes, such as a picture
 * for the terminal, pass unchanged.
 */
export function guard(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  if (guarded.has(stream)) return stream;
  guarded.add(stream);
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  stream.write = (chunk: unknown, ...rest: unknown[]) =>
    write(
      typeof chunk === 'string' ? printable(chunk).replaceAll(`${ESC}E`, '\r\x1b[K').replaceAll(ESC, '\x1b') : chunk,
      ...rest,
    );
  return stream;
}
