/** Downloads a picture from an address: http and https alone, bounded in bytes, time and redirects. */

import { FluxionError } from '../support/errors.ts';
import { readUpTo } from '../support/read-stream.ts';
import { failureText, innermost } from '../support/shown-url.ts';

/** Milliseconds for the whole download. */
const TIME = 60_000;
const REDIRECTS = 5;

/** Limits of a download. */
export interface DownloadOptions {
  /** Most bytes. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole of it. */
  readonly time?: number;
}

/**
 * Returns the bytes at an address; `where` names it in messages. Throws `bad_request` for another scheme, `bad_file` for too many bytes,
 * `io` or `not_found` for an address that does not answer with success, and the signal's reason.
 */
export async function download(address: URL, where: string, options: DownloadOptions): Promise<Uint8Array> {
  const { limit, signal, time = TIME } = options;
  const late = AbortSignal.timeout(time);
  const both = signal ? AbortSignal.any([late, signal]) : late;
  const failed = (reason: string, cause?: unknown) =>
    new FluxionError('io', `${where}: ${reason}`, { cause, hint: 'download it first, and pass the path of the file' });
  const tooLarge = (found: string) =>
    new FluxionError('bad_file', `${where}: expected at most ${limit} bytes, found ${found}`);
  try {
    const response = await follow(address, where, both);
    if (!response.ok) {
      await response.body?.cancel();
      if (response.status !== 404 && response.status !== 410)
        throw failed(`it answered with status ${response.status}`);
      throw new FluxionError('not_found', `${where}: there is nothing at this address (status ${response.status})`);
    }
    const declared = Number(response.headers.get('content-length') ?? 0);
    if (declared > limit) {
      await response.body?.cancel();
      throw tooLarge(String(declared));
    }
    return await readUpTo(limit, response.body ?? [], () => tooLarge('more'));
  } catch (error) {
    signal?.throwIfAborted();
    if (late.aborted) throw failed(`it did not arrive within ${time / 1000} s`, error);
    if (error instanceof FluxionError) throw error;
    throw failed(failureText(innermost(error)), error);
  }
}

/** Requests an address, and those it redirects to. */
async function follow(address: URL, where: string, signal: AbortSignal): Promise<Response> {
  let url = address;
  for (let redirects = 0; redirects <= REDIRECTS; redirects++) {
    if (url.protocol !== 'https:' && url.protocol !== 'http:') {
      throw new FluxionError('bad_request', `${where}: expected an https or http address, found ${url.protocol}`);
    }
    const response = await fetch(url, { redirect: 'manual', signal, headers: { 'user-agent': 'fluxion' } });
    const next = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || next === null) return response;
    await response.body?.cancel();
    if (!URL.canParse(next, url.href)) throw new FluxionError('io', `${where}: it redirects to an invalid address`);
    url = new URL(next, url);
  }
  throw new FluxionError('io', `${where}: it redirects more than ${REDIRECTS} times`);
}
