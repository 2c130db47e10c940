/** A picture that a job made: its file, and the facts that are known without reading the file. */

import { readFile } from 'node:fs/promises';
import type { JobPicture } from '../api/jobs.ts';
import { decodeFile } from '../picture/decode-file.ts';
import { Image } from '../picture/image.ts';
import { explained } from '../support/system-error.ts';

/** A picture in a store. */
export class StoredPicture {
  readonly info: JobPicture;
  readonly #path: string;

  constructor(info: JobPicture, path: string) {
    this.info = info;
    this.#path = path;
  }

  /** The PNG with the picture's recipe inside: the same file that the command line writes. Throws `not_found`, `io`. */
  async png(): Promise<Uint8Array> {
    return readFile(this.#path).catch((error) => {
      throw explained(error, this.info.name);
    });
  }

  /** The picture's pixels and recipe, to be encoded in another format. Throws as `png` does. */
  async image(): Promise<Image> {
    const { pixels } = await decodeFile(await this.png(), this.info.name);
    return new Image(pixels, this.info.recipe);
  }

  toJSON(): JobPicture {
    return this.info;
  }
}
