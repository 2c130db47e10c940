/** A short hash of a model folder: of everything in its configs and tokenizers, and of samples of its weights, so that 24 GB take milliseconds. */

import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** Bytes read of a file: all of one up to this size, else the start (with a safetensors header) and evenly spaced pieces. */
const WHOLE = 1 << 20;
const PIECE = 4096;
const PIECES = 64;
const READ = /\.(safetensors|json|txt|model)$/;

/** Returns 12 hexadecimal digits that differ between models, fine-tunes included, and do not depend on where the folder lies. */
export function fingerprintFolder(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => READ.test(entry.name) && !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash('sha256');
  for (const file of files) {
    const descriptor = openSync(file, 'r');
    try {
      const { size } = fstatSync(descriptor);
      hash.update(`${relative(folder, file).split(sep).join('/')}\0${size}\0`);
      const piece = (start: number, length: number) => {
        const bytes = Buffer.alloc(Math.min(length, size - start));
        hash.update(bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, start)));
      };
      piece(0, WHOLE);
      if (size > WHOLE) {
        const step = (size - PIECE - WHOLE) / PIECES;
        for (let i = 1; i <= PIECES; i++) piece(Math.max(WHOLE, Math.floor(WHOLE + i * step)), PIECE);
      }
    } finally {
      closeSync(descriptor);
    }
  }
  return hash.digest('hex').slice(0, 12);
}
