/** Decodes text strictly: UTF-8, or the encoding that a byte order mark announces. An invalid byte is an error that gives its position. */

import { FluxionError } from './errors.ts';

/** Byte order marks and their encodings; UTF-32 begins with UTF-16's. */
const MARKS = [
  { bytes: [0xff, 0xfe, 0, 0], name: 'UTF-32LE', label: undefined },
  { bytes: [0, 0, 0xfe, 0xff], name: 'UTF-32BE', label: undefined },
  { bytes: [0xef, 0xbb, 0xbf], name: 'UTF-8', label: 'utf-8' },
  { bytes: [0xff, 0xfe], name: 'UTF-16LE', label: 'utf-16le' },
  { bytes: [0xfe, 0xff], name: 'UTF-16BE', label: 'utf-16be' },
] as const;

/**
 * Decodes UTF-8, or UTF-16 with a byte order mark. Throws `bad_file` with the expected and the probable encoding, the place, and a command
 * that converts `where` (a file's path, or the name of another source).
 */
export function decodeText(bytes: Uint8Array, where: string): string {
  const mark = MARKS.find((one) => one.bytes.every((byte, i) => bytes[i] === byte));
  if (mark && mark.label === undefined) throw undecodable(where, 'UTF-8 or UTF-16', mark.name, mark.name);
  const zero = mark && mark.label !== 'utf-8' ? -1 : bytes.indexOf(0);
  if (zero >= 0) {
    // In UTF-16, every second byte of Latin letters is zero.
    const guess = bytes.length % 2 === 1 ? undefined : zero % 2 === 1 ? 'UTF-16LE' : 'UTF-16BE';
    const found = `a zero byte at ${place(bytes, zero)}${guess ? `, as of ${guess} without its byte order mark` : ''}`;
    throw undecodable(where, 'UTF-8', found, guess);
  }
  try {
    return new TextDecoder(mark?.label ?? 'utf-8', { fatal: true }).decode(bytes);
  } catch {
    if (mark && mark.label !== 'utf-8') throw undecodable(where, mark.name, 'a broken sequence', undefined);
    const at = firstInvalid(bytes);
    const byte = bytes[at]!;
    const letter = byte >= 0xa0 ? `, which is '${String.fromCharCode(byte)}' in Latin-1` : '';
    const found = `byte 0x${byte.toString(16).toUpperCase()} at ${place(bytes, at)}${letter}`;
    throw undecodable(where, 'UTF-8', found, byte >= 0xa0 ? 'ISO-8859-1' : 'WINDOWS-1252');
  }
}

function undecodable(where: string, expected: string, found: string, guess: string | undefined): FluxionError {
  const isFile = /[/\\.]/.test(where);
  const convert = isFile
    ? `iconv -f ${guess ?? 'ENCODING'} -t UTF-8 ${where} > utf8.txt`
    : `… | iconv -f ${guess ?? 'ENCODING'} -t UTF-8 | fluxion …`;
  return new FluxionError('bad_file', `${where}: expected ${expected} text, found ${found}`, {
    hint: `save it as UTF-8, or convert it: ${convert}`,
  });
}

function place(bytes: Uint8Array, at: number): string {
  let line = 1;
  let start = 0;
  for (let i = 0; i < at; i++) {
    if (bytes[i] !== 0x0a) continue;
    line++;
    start = i + 1;
  }
  return `line ${line}, byte ${at - start + 1} of it`;
}

/** The offset of the first byte outside a complete UTF-8 sequence. */
function firstInvalid(bytes: Uint8Array): number {
  const text = Buffer.from(bytes).toString('utf8');
  for (let at = 0, i = 0; ; i++) {
    const next = text.indexOf('\ufffd', i);
    at += Buffer.byteLength(text.slice(i, next));
    // The text itself may contain the replacement character.
    if (bytes[at] !== 0xef || bytes[at + 1] !== 0xbf || bytes[at + 2] !== 0xbd) return at;
    at += 3;
    i = next;
  }
}
