/** A short hash of a model's files: all of its configs and tokenizers, and samples of its weights, so that 24 GB take milliseconds. */

import { createHash, type Hash } from 'node:crypto';
import { readdirSync, readSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { openRegular } from '../../support/regular-file.ts';

/** In bytes. Files up to this size are read whole; of larger ones, the start (with a safetensors header) and evenly spaced pieces. */
const WHOLE = 1 << 20;
const PIECE = 4096;
const PIECES = 64;
const READ = /\.(safetensors|json|txt|model)$/;

/**
 * Returns 12 hexadecimal digits that differ between models, including fine-tunes, and do not depend on the path. `paths` are files and
 * folders by their role in the model; a whole model folder has an empty role.
 */
export function fingerprint(paths: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  const seen = new Set<string>();
  for (const [role, path] of paths) {
    if (seen.has(path)) continue;
    seen.add(path);
    // An index's files are beside it.
    const root = path.endsWith('.json') ? dirname(path) : path;
    if (!statSync(root).isDirectory()) addFile(hash, role, root);
    else for (const file of filesIn(root)) addFile(hash, join(role, relative(root, file)).split(sep).join('/'), file);
  }
  return hash.digest('hex').slice(0, 12);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => READ.test(entry.name) && !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function addFile(hash: Hash, name: string, file: string): void {
  using opened = openRegular(file);
  const { descriptor, size } = opened;
  hash.update(`${name}\0${size}\0`);
  const piece = (start: number, length: number) => {
    const bytes = Buffer.alloc(Math.min(length, size - start));
    hash.update(bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, start)));
  };
  piece(0, WHOLE);
  if (size <= WHOLE) return;
  const step = (size - PIECE - WHOLE) / PIECES;
  for (let i = 1; i <= PIECES; i++) piece(Math.max(WHOLE, Math.floor(WHOLE + i * step)), PIECE);
}
