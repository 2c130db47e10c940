/**
 * Shows pictures in terminals that can display them, by kitty's graphics protocol, iTerm2's, or as sixels. The environment identifies most
 * terminals; others are queried, briefly, and only if this process may talk to the terminal.
 */

import { readFileSync } from 'node:fs';
import type { Config } from '../../config/schema.ts';
import { attempt } from '../../support/attempt.ts';

/** A protocol for pictures in a terminal. */
export type Protocol = 'kitty' | 'iterm2' | 'sixel';

type Environment = Readonly<Record<string, string | undefined>>;

/** Most columns and pixels of a picture. */
const COLUMNS = 40;
const PIXELS = 512;
/** Milliseconds in which a terminal must answer; over a slower line no pictures are shown. */
const PATIENCE = 300;
/** Most base64 characters in one piece of kitty's protocol. */
const PIECE = 4096;

/** Returns the protocol for pictures on standard output; undefined without a terminal, with show=off, or if the terminal cannot show any. */
export async function protocolFor(wish: Config['show'], env: Environment = process.env): Promise<Protocol | undefined> {
  const { stdout } = process;
  if (wish === 'off' || !stdout.isTTY || env['TERM'] === 'dumb') return undefined;
  if (wish !== 'auto') return wish;
  if (env['NO_COLOR'] || env['CI']) return undefined;
  // Inside a multiplexer the environment still names the outer terminal, whose abilities do not count.
  const within = env['TMUX'] || env['STY'] || /^(screen|tmux)/.test(env['TERM'] ?? '');
  return (within ? undefined : fromEnvironment(env)) ?? ((await answersSixel()) ? 'sixel' : undefined);
}

function fromEnvironment(env: Environment): Protocol | undefined {
  const { TERM = '', TERM_PROGRAM: program = '', LC_TERMINAL: remote } = env;
  if (env['KITTY_WINDOW_ID'] || /kitty|ghostty/.test(TERM) || program === 'ghostty') return 'kitty';
  if (['iTerm.app', 'WezTerm', 'mintty', 'rio'].includes(program) || remote === 'iTerm2') return 'iterm2';
  return /^(foot|mlterm|yaft|contour)/.test(TERM) || /sixel/.test(TERM) ? 'sixel' : undefined;
}

/** Queries the terminal's attributes (DA1), where 4 stands for sixels. Never waits longer than `PATIENCE`. */
async function answersSixel(): Promise<boolean> {
  const { stdin, stdout } = process;
  // From the background, a query would suspend this process, and the shell would get the answer.
  if (!stdin.isTTY || stdin.readableEnded || !isInForeground()) return false;
  const wasRaw = stdin.isRaw;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let answer = '';
  const read = (chunk: Buffer): void => {
    answer += chunk.toString('latin1');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the answer starts with ESC
    const attributes = /\x1b\[\?([\d;]*)c/.exec(answer)?.[1];
    if (attributes !== undefined) resolve(attributes.split(';').includes('4'));
  };
  const timer = setTimeout(() => resolve(false), PATIENCE);
  try {
    stdin.setRawMode(true);
    stdin.on('data', read);
    stdout.write(Buffer.from('\x1b[c'));
    return await promise;
  } catch {
    return false; // the terminal has gone
  } finally {
    clearTimeout(timer);
    stdin.off('data', read);
    stdin.pause();
    if (!wasRaw) stdin.setRawMode(false);
  }
}

/** Whether this process is in the terminal's foreground; unknown on systems other than Linux. */
function isInForeground(): boolean {
  const stat = attempt(() => readFileSync('/proc/self/stat', 'latin1'), '');
  // The fields after the name in parentheses: state, parent, process group, session, terminal, foreground group of the terminal.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat !== '' && group === foreground;
}

/** Encodes a picture file for a terminal of `columns` columns, with a line feed at the end. */
export async function pictureBytes(protocol: Protocol, path: string, columns: number): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  const picture = sharp(path).flatten().resize(PIXELS, PIXELS, { fit: 'inside', kernel: 'cubic' });
  const width = Math.max(1, Math.min(COLUMNS, columns - 1));
  switch (protocol) {
    case 'kitty':
      return Buffer.from(kitty(await picture.png().toBuffer(), width), 'latin1');
    case 'iterm2': {
      const png = await picture.png().toBuffer();
      const head = `inline=1;size=${png.length};width=${width};preserveAspectRatio=1`;
      return Buffer.from(`\x1b]1337;File=${head}:${png.toString('base64')}\x07\n`, 'latin1');
    }
    case 'sixel': {
      // sharp reduces the colours to a palette first.
      const few = await picture.png({ palette: true, colours: 128 }).toBuffer();
      const { data, info } = await sharp(few)
        .removeAlpha()
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      return Buffer.from(sixels(data, info.width, info.height), 'latin1');
    }
    default:
      return protocol satisfies never;
  }
}

/** https://sw.kovidgoyal.net/kitty/graphics-protocol: a PNG in pieces; q=2 keeps the terminal from answering. */
function kitty(png: Buffer, columns: number): string {
  const text = png.toString('base64');
  const pieces = text.match(new RegExp(`.{1,${PIECE}}`, 'g')) ?? [];
  return `${pieces
    .map((piece, i) => {
      const head = i === 0 ? `a=T,f=100,q=2,c=${columns},` : '';
      return `\x1b_G${head}m=${i < pieces.length - 1 ? 1 : 0};${piece}\x1b\\`;
    })
    .join('')}\n`;
}

/** Encodes RGB pixels of at most 256 colours as DEC sixels: for each band of six rows and each of its colours, a row of six-pixel columns. */
function sixels(data: Uint8Array, width: number, height: number): string {
  const colours = new Map<number, number>();
  const indices = Uint8Array.from({ length: width * height }, (_, i) => {
    const colour = (data[3 * i]! << 16) | (data[3 * i + 1]! << 8) | data[3 * i + 2]!;
    const known = colours.get(colour) ?? colours.size;
    colours.set(colour, known);
    return known;
  });
  const percent = (value: number): number => Math.round((value * 100) / 255);
  const palette = [...colours].map(([rgb, i]) =>
    [`#${i}`, 2, percent(rgb >> 16), percent((rgb >> 8) & 255), percent(rgb & 255)].join(';'),
  );
  const bands: string[] = [];
  for (let top = 0; top < height; top += 6) {
    const rows = Math.min(6, height - top);
    const masks = new Map<number, Uint8Array>();
    for (let row = 0; row < rows; row++) {
      for (let x = 0; x < width; x++) {
        const colour = indices[(top + row) * width + x]!;
        const mask = masks.get(colour) ?? new Uint8Array(width);
        masks.set(colour, mask);
        mask[x]! |= 1 << row;
      }
    }
    bands.push([...masks].map(([colour, mask]) => `#${colour}${runs(mask)}`).join('$'));
  }
  return `\x1bPq"1;1;${width};${height}${palette.join('')}${bands.join('-')}\x1b\\\n`;
}

/** Encodes six-pixel columns as characters, and runs of four or more as a count. */
function runs(mask: Uint8Array): string {
  let text = '';
  for (let x = 0; x < mask.length; ) {
    let end = x + 1;
    while (end < mask.length && mask[end] === mask[x]) end++;
    const character = String.fromCharCode(63 + mask[x]!);
    text += end - x > 3 ? `!${end - x}${character}` : character.repeat(end - x);
    x = end;
  }
  return text;
}
