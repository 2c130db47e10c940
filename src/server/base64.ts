/** Base64, for pictures that are sent as text. */

export function base64Text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** The bytes of base64, with or without `data:…,` before it; undefined for anything else, such as an address. */
export function base64Bytes(text: string): Uint8Array | undefined {
  const base64 = text.replace(/^data:[^,]{0,200};base64,/, '');
  // Looks for one wrong character: a pattern of the whole text could take time quadratic in its length.
  return base64 === '' || /[^A-Za-z0-9+/=\s]/.test(base64) ? undefined : Buffer.from(base64, 'base64');
}
