/** Formats quantities, and cleans text from elsewhere. */

/** Seconds as people say them: `8 s`, `2 min`, `1 h 5 min`. */
export function secondsText(seconds: number): string {
  if (seconds < 1) return 'less than 1 s';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes in decimal units, as disks and networks count them. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

/** A model's name without its folder or organisation. */
export function shortModelName(name: string): string {
  return plainText(name.split('/').at(-1)!, 80);
}

/** The text with a capital first letter. */
export function sentence(text: string): string {
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`;
}

/** What went wrong and what to do about it, as sentences on one line. */
export function errorText({ message, hint }: { readonly message: string; readonly hint?: string | undefined }): string {
  return plainText(`${sentence(message)}.${hint ? ` ${sentence(hint)}.` : ''}`, 500);
}

/** Decodes base64. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

/** Control characters, line breaks, and marks that would change the direction of the text after them. */
const UNSHOWN = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/** Makes text from a file or a server safe to show: one line of at most `most` characters. */
export function plainText(text: string, most = 300): string {
  const line = text
    .slice(0, 4 * most)
    .replaceAll(UNSHOWN, ' ')
    .trim();
  const characters = [...line];
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : line;
}
