/** Damaged files fed to the program: each is read to its last tensor, or refused by an error of ours that begins with its path. */

import assert from 'node:assert/strict';
import { FluxionError } from '../../src/support/errors.ts';
import { type OpenTensorsOptions, openTensors } from '../../src/weights/folders/open.ts';
import { memoryFile } from './memory-file.ts';

/** Opens each and reads all of it; returns how many were accepted and refused. */
export function feed(name: string, files: Iterable<Uint8Array>, decoded?: OpenTensorsOptions['decoded']) {
  const outcomes = { accepted: 0, refused: 0 };
  for (const bytes of files) {
    try {
      using store = openTensors('mutated.safetensors', {
        openFile: (path) => memoryFile(path, bytes),
        ...(decoded && { decoded }),
      });
      for (const key of store.keys()) store.bytes(key);
      outcomes.accepted++;
    } catch (error) {
      assert.ok(error instanceof FluxionError, `${name}: ${(error as Error).stack}`);
      assert.ok(error.message.startsWith('mutated.safetensors: '), error.message);
      outcomes.refused++;
    }
  }
  return outcomes;
}
