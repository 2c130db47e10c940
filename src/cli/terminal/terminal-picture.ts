/**
 * Pictures in the terminal itself, where it can show them: by kitty's graphics protocol, iTerm2's, or as sixels. What can be known
 * from the environment is; else the terminal is asked, briefly, and only where this process may speak with it.
 */

import { readFileSync } from 'node:fs';
import type { Config } from '../../config/schema.ts';

/** How a terminal takes pictures. */
export type Protocol = 'kitty' | 'iterm2' | 'sixel';

type Environment = Readonly<Record<string, string | undefined>>;

/** Columns and pixels that a picture takes at most. */
const COLUMNS = 40;
const PIXELS = 512;
/** Milliseconds a terminal has to answer; one that is asked over a slow line shows no pictures. */
const PATIENCE = 300;
/** Base64 characters of one of kitty's pieces. */
const PIECE = 4096;

/** Returns how pictures are shown on standard output; undefined where they are not: no terminal, not wanted, or not possible. */
export async function protocolFor(wish: Config['show'], env: Environment = process.env): Promise<Protocol | undefined> {
  const { stdout } = process;
  if (wish === 'off' || !stdout.isTTY || env['TERM'] === 'dumb') return undefined;
  if (wish !== 'auto') return wish;
  if (env['NO_COLOR'] || env['CI']) return undefined;
  // A multiplexer passes its own environment on, and what it can show is another matter.
  const within = env['TMUX'] || env['STY'] || /^(screen|tmux)/.test(env['TERM'] ?? '');
  return (within ? undefined : fromEnvironment(env)) ?? ((await answersSixel()) ? 'sixel' : undefined);
}

/** What terminals say of themselves. */
export function fromEnvironment(env: Environment): Protocol | undefined {
  const { TERM = '', TERM_PROGRAM: program = '', LC_TERMINAL: remote } = env;
  if (env['KITTY_WINDOW_ID'] || /kitty|ghostty/.test(TERM) || program === 'ghostty') return 'kitty';
  if (['iTerm.app', 'WezTerm', 'mintty', 'rio'].includes(program) || remote === 'iTerm2') return 'iterm2';
  return /^(foot|mlterm|yaft|contour)/.test(TERM) || /sixel/.test(TERM) ? 'sixel' : undefined;
}

/** Asks the terminal for its attributes (DA1), of which 4 stands for sixels. Never waits longer than `PATIENCE`. */
async function answersSixel(): Promise<boolean> {
  const { stdin, stdout } = process;
  // In the background a question would stop this process, and its answer would go to the shell.
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

/** Whether this process is the one that the terminal's keys go to; on other systems than Linux it is not known. */
function isInForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    // After the name in brackets: state, parent, process group, session, terminal, the terminal's foreground group.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return false;
  }
}

/** Encodes a picture file as the bytes that make a terminal of `columns` columns show it, followed by a line feed. */
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
      // Few colours first, by sharp's own palette; then their pixels.
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

/** DEC's sixels: for each band of six rows and each colour in it, a row of six-pixel columns. RGB pixels of at most 256 colours. */
export function sixels(data: Uint8Array, width: number, height: number): string {
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

/** Columns of six pixels, as characters; four equal ones and more as a count. */
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
