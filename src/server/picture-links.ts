/** Addresses of pictures that open without a key, for an hour: programs fetch the `url` of OpenAI's API as it is, and so does an `<img>`. */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Seconds that an address is good for, as OpenAI's are. */
const GOOD_FOR = 3600;
const PICTURE = /^\/v1\/pictures\/[^/]+$/;

/** Signs addresses, and knows its own. They are good until the server is stopped. */
export class PictureLinks {
  readonly #secret = randomBytes(32);

  /** The path of a picture, with the query that opens it. */
  signed(path: string, now: number = Date.now()): string {
    const expires = String(Math.floor(now / 1000) + GOOD_FOR);
    return `${path}?expires=${expires}&signature=${this.#signature(path, expires).toString('base64url')}`;
  }

  /** Whether a request for this path has an address that was signed, and that is still good. */
  opens(path: string, { expires = '', signature = '' }: Readonly<Record<string, string>>, now = Date.now()): boolean {
    if (!PICTURE.test(path) || !/^\d{1,12}$/.test(expires) || Number(expires) * 1000 < now) return false;
    const given = Buffer.from(signature, 'base64url');
    const known = this.#signature(path, expires);
    return given.length === known.length && timingSafeEqual(given, known);
  }

  #signature(path: string, expires: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${expires} ${path}`).digest();
  }
}
