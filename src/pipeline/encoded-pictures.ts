/** Encoded pictures. The last ones are cached: a picture often goes into several requests. */

/** Bytes of the cache; the latents of a picture of 1024 × 1024 take 2 MiB, its tokens for the prompt 12 MiB. */
const KEPT = 128 << 20;

/** Pictures of equal keys are equal. */
export class EncodedPictures<P extends { readonly key: string }> {
  readonly #encode: (picture: P, signal: AbortSignal | undefined) => Promise<Float32Array>;
  /** In order of use. */
  readonly #known = new Map<string, Float32Array>();

  /** `encode` runs the network on one picture. */
  constructor(encode: (picture: P, signal: AbortSignal | undefined) => Promise<Float32Array>) {
    this.#encode = encode;
  }

  /** Tells whether all of these pictures are known. */
  knows(pictures: readonly P[]): boolean {
    return pictures.every(({ key }) => this.#known.has(key));
  }

  /** Encodes the pictures that are not in the cache, one at a time, and returns all by key. */
  async encode(pictures: readonly P[], signal?: AbortSignal): Promise<ReadonlyMap<string, Float32Array>> {
    const all = new Map<string, Float32Array>();
    for (const picture of pictures) {
      const { key } = picture;
      const made = all.get(key) ?? this.#known.get(key) ?? (await this.#encode(picture, signal));
      all.set(key, made);
      this.#known.delete(key);
      this.#known.set(key, made);
      this.#forget();
    }
    return all;
  }

  #forget(): void {
    let bytes = this.#known.values().reduce((sum, { byteLength }) => sum + byteLength, 0);
    for (const [key, { byteLength }] of this.#known) {
      if (bytes <= KEPT) break;
      this.#known.delete(key);
      bytes -= byteLength;
    }
  }
}
