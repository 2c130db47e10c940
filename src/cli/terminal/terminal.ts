/** The two streams a command writes to: our own control sequences reach them, those inside any other text do not. */

import { randomUUID } from 'node:crypto';
import { printable } from '../../support/quote.ts';

/** Stands for ESC in sequences of ours until they are written: no file and no stranger can know it. */
const ESC: string = randomUUID();

type Colour = 'red' | 'yellow' | 'cyan' | 'green' | 'dim' | 'bold';

const CODES: Record<Colour, number> = { red: 31, yellow: 33, cyan: 36, green: 32, dim: 2, bold: 1 };

/** Goes back to the start of the terminal's line and empties it. */
export const EMPTY_LINE: string = `${ESC}E`;

/** Colours text that goes to `stream`, where that is a terminal and NO_COLOR (https://no-color.org) is not set. */
export function paint(colour: Colour, text: string, stream: NodeJS.WriteStream = process.stderr): string {
  const plain = !stream.isTTY || process.env['NO_COLOR'] || process.env['TERM'] === 'dumb';
  return plain ? text : `${ESC}[${CODES[colour]}m${text}${ESC}[0m`;
}

const guarded = new WeakSet<NodeJS.WriteStream>();

/**
 * Makes every text that is written to a stream from now on safe, whoever writes it, and lets the sequences of this file through.
 * Bytes, such as those of a picture for the terminal, are written as they are.
 */
export function guard(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  if (guarded.has(stream)) return stream;
  guarded.add(stream);
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  stream.write = (chunk: unknown, ...rest: unknown[]) =>
    write(typeof chunk === 'string' ? shown(chunk) : chunk, ...rest);
  return stream;
}

function shown(text: string): string {
  return printable(text).replaceAll(`${ESC}E`, '\r\x1b[K').replaceAll(ESC, '\x1b');
}
