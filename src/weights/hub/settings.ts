/**
 * Settings of the Hugging Face hub from the environment: the variables, defaults and files of Python's huggingface_hub, so that both share
 * a login, a mirror and a cache folder.
 */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { attempt } from '../../support/attempt.ts';
import { about, FluxionError } from '../../support/errors.ts';
import { readRegular } from '../../support/regular-file.ts';
import { withoutSecrets } from '../../support/shown-url.ts';
import { userPath } from '../../support/user-path.ts';
import { kindOf } from '../files/file-bytes.ts';

/** A secret and its source; messages name only the source. */
export interface HubToken {
  readonly value: string;
  readonly source: string;
}

/** The hub's address, its cache folder and the user's credentials. */
export interface HubSettings {
  /** Address of the hub or of a mirror, without a slash at the end. */
  readonly endpoint: string;
  /** Folder of the cache, with one `models--ORG--NAME` in it for each model. */
  readonly cache: string;
  readonly token: HubToken | undefined;
  /** The `Authorization` header for a login in HF_ENDPOINT, sent to a mirror instead of the token. */
  readonly login?: string | undefined;
  readonly network: 'allowed' | 'forbidden';
  /** Milliseconds with next to no bytes after which a connection counts as dead. */
  readonly stallTime: number;
  /** Milliseconds for the hub's first answer, over all attempts. */
  readonly answerTime: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The public hub. */
export const PUBLIC_HUB = 'https://huggingface.co';
const STALL_SECONDS = 20;
const ANSWER_SECONDS = 8;
/** Most bytes of a token file. */
const MOST_TOKEN = 65_536;

/** Reads the settings; throws `bad_config` with the name of an invalid variable. */
export function hubSettings(env: Environment = process.env): HubSettings {
  const folder = (name: string): string | undefined => folderOf(env, name);
  const home = folder('HF_HOME') ?? join(folder('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface');
  return {
    ...endpointOf(env['HF_ENDPOINT'] || PUBLIC_HUB),
    cache: folder('HF_HUB_CACHE') ?? folder('HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub'),
    token: isTrue(env['HF_HUB_DISABLE_IMPLICIT_TOKEN']) ? undefined : findToken(env, home),
    network: isTrue(env['HF_HUB_OFFLINE'] || env['TRANSFORMERS_OFFLINE']) ? 'forbidden' : 'allowed',
    stallTime: 1000 * secondsOf(env, 'HF_HUB_DOWNLOAD_TIMEOUT', STALL_SECONDS),
    answerTime: 1000 * secondsOf(env, 'HF_HUB_ETAG_TIMEOUT', ANSWER_SECONDS),
  };
}

/** Splits the login from an address: messages must not show it, and `fetch` refuses an address with one. */
function endpointOf(text: string): Pick<HubSettings, 'endpoint' | 'login'> {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new FluxionError(
      'bad_config',
      `HF_ENDPOINT: expected an address such as ${PUBLIC_HUB}, found '${withoutSecrets(text)}'`,
    );
  }
  const { username, password } = url;
  url.username = url.password = '';
  // A stray `%` stays.
  const given = [username, password].map((text) => attempt(() => decodeURIComponent(text), text)).join(':');
  return {
    endpoint: url.href.replace(/\/+$/, ''),
    ...(given !== ':' && { login: `Basic ${Buffer.from(given).toString('base64')}` }),
  };
}

/** The folder or file that a variable names; an empty variable counts as unset. */
function folderOf(env: Environment, name: string): string | undefined {
  const text = env[name];
  return text ? about(name, () => userPath(text, env)) : undefined;
}

function isTrue(text: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(text ?? '');
}

function secondsOf(env: Environment, name: string, otherwise: number): number {
  const text = env[name];
  if (!text) return otherwise;
  const value = Number(text);
  // Timers take at most 2³¹ milliseconds.
  if (value > 0 && value <= 1e6) return value;
  throw new FluxionError('bad_config', `${name}: expected seconds, found '${text}'`);
}

function findToken(env: Environment, home: string): HubToken | undefined {
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    const value = env[name]?.trim();
    if (value) return checkedToken(value, name);
  }
  const file = folderOf(env, 'HF_TOKEN_PATH') ?? join(home, 'token');
  if (kindOf(file) !== 'file') return undefined; // not logged in
  const value = readRegular(file, MOST_TOKEN).toString('utf8').trim();
  return value === '' ? undefined : checkedToken(value, file);
}

function checkedToken(value: string, source: string): HubToken {
  if (/^[\x21-\x7e]{1,4096}$/.test(value)) return { value, source };
  throw new FluxionError('bad_config', `the token in ${source} has spaces or other invalid characters`, {
    hint: 'a token is one word that begins with hf_',
  });
}
