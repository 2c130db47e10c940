/** Expands paths as people write them: shells do not expand `~` and `$HOME` in `key=value`, YAML or environment variables. */

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { attempt } from './attempt.ts';
import { FluxionError } from './errors.ts';
import { withoutSecrets } from './shown-url.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Expands `$NAME` and `${NAME}` of set variables, then `~` and `~NAME` at the start, like Python's expandvars and expanduser.
 * Throws `bad_config` for an address such as `gs://bucket`, for a user who does not exist, and for a NUL character.
 */
export function userPath(text: string, env: Environment = process.env): string {
  if (text.includes('\0'))
    throw new FluxionError('bad_config', `${JSON.stringify(text)}: a path cannot contain a NUL character`);
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined) {
    throw new FluxionError('bad_config', `expected a path on this machine, found the address ${withoutSecrets(text)}`, {
      hint: addressHint(scheme, text),
    });
  }
  const expanded = text.replaceAll(
    /\$(\w+|\{[^}]*\})/g,
    (whole, name: string) => env[name.replace(/^\{|\}$/g, '')] ?? whole,
  );
  const [start, user] = /^~([^/\\]*)(?=$|[/\\])/.exec(expanded) ?? [];
  return start === undefined
    ? expanded
    : `${user ? homeOf(user) : env['HOME'] || homedir()}${expanded.slice(start.length)}`;
}

function addressHint(scheme: string, text: string): string {
  if (scheme === 'gs' || scheme === 's3') {
    const mount = scheme === 'gs' ? 'gcsfuse' : 's3fs';
    return `MaxDiffusion writes to buckets, Fluxion to folders: mount the bucket (${mount}) and pass that folder, or copy the files`;
  }
  const repo = /^https?:\/\/(?:www\.)?huggingface\.co\/([\w.-]+\/[\w.-]+)/.exec(text)?.[1];
  if (repo !== undefined) return `a model on the Hugging Face hub is given by its name: ${repo}`;
  return scheme === 'file'
    ? 'leave out file:// and pass the path'
    : 'download it first, and pass the path of the file or folder';
}

/** The home folder of another user: from the system's list of users, else the folder of that name beside the current user's. */
function homeOf(user: string): string {
  const beside = join(dirname(homedir()), user);
  const listed = listedHome(user) ?? (existsSync(beside) ? beside : undefined);
  if (listed !== undefined) return listed;
  throw new FluxionError(
    'bad_config',
    `'~${user}' means the home folder of '${user}', but there is no such user on this machine`,
    { hint: `write ./~${user} for a file or folder of that name` },
  );
}

function listedHome(user: string): string | undefined {
  // Windows has no such list.
  const users = attempt(() => readFileSync('/etc/passwd', 'utf8'), '').split('\n');
  return users.find((entry) => entry.startsWith(`${user}:`))?.split(':')[5] || undefined;
}
