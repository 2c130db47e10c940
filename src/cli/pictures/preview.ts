/** The preview file: the predicted clean picture, rewritten during the run for viewers that reload, and removed after it. */

import { rm } from 'node:fs/promises';
import { type Pixels, writeAtomically } from '../../index.ts';
import { removeAtExit } from '../../support/write-file.ts';

/** Enlarges a preview to the size of the picture. */
const ENLARGE = 8;

/** Writes previews to one path, each complete. If previews arrive faster than they can be written, only the latest is written next. */
export class LivePreview {
  readonly path: string;
  #next: Pixels | undefined;
  #writing: Promise<void> = Promise.resolve();
  #busy = false;

  constructor(path: string) {
    this.path = path;
  }

  /** Takes a preview and returns at once. */
  show(pixels: Pixels): void {
    removeAtExit(this.path);
    this.#next = pixels;
    if (this.#busy) return;
    this.#busy = true;
    this.#writing = this.#drain().finally(() => {
      this.#busy = false;
    });
    // `finished` reports it.
    this.#writing.catch(() => {});
  }

  /** Removes the file; rejects with the error of a preview that could not be written. */
  async finished(): Promise<void> {
    this.#next = undefined;
    try {
      await this.#writing;
    } finally {
      await rm(this.path, { force: true });
    }
  }

  async #drain(): Promise<void> {
    while (this.#next) {
      const pixels = this.#next;
      this.#next = undefined;
      await writeAtomically(this.path, await enlarged(pixels));
    }
  }
}

async function enlarged({ width, height, data }: Pixels): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize(width * ENLARGE, height * ENLARGE, { kernel: 'cubic' })
    .png({ compressionLevel: 2 })
    .toBuffer();
}
