/** Picture addresses that need no key for an hour: programs, and an `<img>`, fetch the `url` of OpenAI's API without sending one. */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Seconds for which an address is valid, as with OpenAI. */
const GOOD_FOR = 3600;
const PICTURE = /^\/v1\/pictures\/[^/]+$/;

/** Signs addresses and recognises its own. They end with the server. */
export class PictureLinks {
  readonly #secret = randomBytes(32);

  /** The path of a picture, with the query that opens it. */
  signed(path: string, now: number = Date.now()): string {
    const expires = String(Math.floor(now / 1000) + GOOD_FOR);
    return `${path}?expires=${expires}&signature=${this.#signature(path, expires).toString('base64url')}`;
  }

  /** Whether this path and query are a signed address that is still valid. */
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
