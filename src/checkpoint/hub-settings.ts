/**
 * What the environment says about the Hugging Face hub: the variables, defaults and files of Python's huggingface_hub, so that a
 * login, a mirror or a cache folder set up for one program serves the other.
 */

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { FluxionError } from '../support/errors.ts';

/** A secret, and where it was found: for messages, which name the place and never the secret. */
export interface HubToken {
  readonly value: string;
  readonly source: string;
}

/** Where the hub is, where its files are kept and who asks. */
export interface HubSettings {
  /** Address of the hub or of a mirror, without a slash at the end. */
  readonly endpoint: string;
  /** Folder of the cache, with one `models--ORG--NAME` in it for each model. */
  readonly cache: string;
  readonly token: HubToken | undefined;
  readonly network: 'allowed' | 'forbidden';
  /** Milliseconds without a byte after which a connection counts as dead. */
  readonly stallTime: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The public hub. */
export const PUBLIC_HUB = 'https://huggingface.co';
const STALL_SECONDS = 20;

/** Reads the settings; throws `bad_config` naming a variable that cannot be honoured. */
export function hubSettings(env: Environment = process.env): HubSettings {
  const home =
    folder(env['HF_HOME']) ?? join(folder(env['XDG_CACHE_HOME']) ?? join(homedir(), '.cache'), 'huggingface');
  return {
    endpoint: endpointOf(env['HF_ENDPOINT'] || PUBLIC_HUB),
    cache: folder(env['HF_HUB_CACHE']) ?? folder(env['HUGGINGFACE_HUB_CACHE']) ?? join(home, 'hub'),
    token: isTrue(env['HF_HUB_DISABLE_IMPLICIT_TOKEN']) ? undefined : findToken(env, home),
    network: isTrue(env['HF_HUB_OFFLINE'] || env['TRANSFORMERS_OFFLINE']) ? 'forbidden' : 'allowed',
    stallTime: 1000 * secondsOf(env['HF_HUB_DOWNLOAD_TIMEOUT']),
  };
}

function endpointOf(text: string): string {
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '')
    return url.href.replace(/\/+$/, '');
  throw new FluxionError('bad_config', `HF_ENDPOINT: expected an address such as ${PUBLIC_HUB}, found '${text}'`);
}

/** A folder as the variables spell it: `~` is the user's own; empty counts as not set. */
function folder(text: string | undefined): string | undefined {
  return text ? text.replace(/^~(?=$|[/\\])/, homedir()) : undefined;
}

function isTrue(text: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(text ?? '');
}

function secondsOf(text: string | undefined): number {
  if (!text) return STALL_SECONDS;
  const value = Number(text);
  // Timers hold at most 2³¹ milliseconds.
  if (value > 0 && value <= 1e6) return value;
  throw new FluxionError('bad_config', `HF_HUB_DOWNLOAD_TIMEOUT: expected seconds, found '${text}'`);
}

function findToken(env: Environment, home: string): HubToken | undefined {
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    const value = env[name]?.trim();
    if (value) return checkedToken(value, name);
  }
  const file = folder(env['HF_TOKEN_PATH']) ?? join(home, 'token');
  try {
    const value = readFileSync(file, 'utf8').trim();
    return value === '' ? undefined : checkedToken(value, file);
  } catch (error) {
    if (error instanceof FluxionError) throw error;
    return undefined; // not logged in
  }
}

function checkedToken(value: string, source: string): HubToken {
  if (/^[\x21-\x7e]{1,4096}$/.test(value)) return { value, source };
  throw new FluxionError('bad_config', `the token in ${source} has spaces or other characters that no token has`, {
    hint: 'a token is one word that begins with hf_',
  });
}
