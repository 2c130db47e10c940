/** Reading streams of bytes whose length is not known. */

/**
 * Reads all bytes of a stream. Once there are more than `limit`, throws the error that `tooMany` makes of the bytes so far, and lets go of
 * the rest. `onChunk` is told the length of each chunk before it is kept, and may throw.
 */
export async function readUpTo(
  limit: number,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  tooMany: (bytes: number) => Error,
  onChunk?: (bytes: number) => void,
): Promise<Buffer<ArrayBuffer>> {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > limit) throw tooMany(bytes);
    onChunk?.(chunk.length);
    kept.push(chunk);
  }
  return Buffer.concat(kept, bytes);
}
