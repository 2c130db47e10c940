/**
 * Tries a plugin in a process of its own, since a bad file, or a bad flag in the environment, makes native code end the process that it
 * runs in.
 */

import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { FluxionError } from '../../support/errors.ts';
import { getOrMake } from '../../support/get-or-make.ts';
import { WHICH_FILE } from './library-file.ts';

/** Variables that hold flags of a compiler, which ends the process over an unknown flag. */
export const FLAG_VARIABLES = ['XLA_FLAGS', 'LIBTPU_INIT_ARGS'] as const;

/** Environment variables for a process that tries a plugin: they make a fatal error appear on its standard error. */
export const TRIAL_ENVIRONMENT = { FLUXION_LOG: 'debug', TF_CPP_MIN_LOG_LEVEL: '2' } as const;

const TIMEOUT = 120_000;

/** What a plugin says about itself when it is loaded. */
interface PluginReport {
  readonly apiVersion: string;
  /** The platform's name, where a client could be made. */
  readonly platform: string | undefined;
}

/** Loads a plugin in a process of its own and asks what it serves. Throws `plugin`, or `bad_config` for a flag it does not know. */
export async function tryPlugin(path: string, signal?: AbortSignal): Promise<PluginReport> {
  const script = `
    const { Plugin, Client } = await import(process.argv[1]);
    const say = (answer) => process.stdout.write('\\n' + JSON.stringify(answer), () => process.exit(0));
    try {
      const plugin = Plugin.load(process.argv[2]);
      let platform;
      try {
        using client = await Client.create(plugin);
        platform = client.platformName;
        using executable = await client.compile(process.argv[3]);
      } catch {}
      say({ apiVersion: plugin.apiVersion, platform });
    } catch (error) { say({ refused: error.message }); }`;
  const program =
    'func.func @main() -> tensor<f32> { %0 = stablehlo.constant dense<1.0> : tensor<f32> return %0 : tensor<f32> }';
  const module = import.meta.url.replace(/plugins\/trial\.(ts|js)$/, 'pjrt/client.$1');
  const args = ['--input-type=module', '-e', script, module, path, program];
  const env = { ...process.env, ...TRIAL_ENVIRONMENT };
  let answer: PluginReport | { readonly refused: string };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      timeout: TIMEOUT,
      env,
      ...(signal && { signal }),
    });
    answer = JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1)) as typeof answer;
  } catch (error) {
    signal?.throwIfAborted();
    throw trialFailure(path, error);
  }
  if ('refused' in answer) throw notAPlugin(path, answer.refused);
  return answer;
}

function notAPlugin(path: string, reason: string): FluxionError {
  return new FluxionError('plugin', `${path} is not a PJRT plugin that works here: ${reason}`, {
    hint: WHICH_FILE,
  });
}

/** Returns the error for a process that tried a plugin and failed, from its standard error and the signal that ended it. */
export function trialFailure(path: string, failure: unknown): FluxionError {
  const { stderr = '', signal } = failure as { readonly stderr?: string; readonly signal?: string | null };
  const reason = reasonIn(stderr) ?? (signal ? `loading it ended with ${signal}` : stderr.trim().slice(-300));
  // libtpu takes its variable for a command line.
  const variable = /command line flag/.test(reason) ? 'LIBTPU_INIT_ARGS' : 'XLA_FLAGS';
  if (!/flag/i.test(reason) || !process.env[variable]?.trim()) return notAPlugin(path, reason);
  return new FluxionError(
    'bad_config',
    `${variable}=${process.env[variable]}: ${basename(path)} refuses it: ${reason}`,
    { hint: `correct ${variable} or unset it; which flags there are differs between versions of XLA` },
  );
}

/** The useful part of a process's last words: a fatal line of a native log with the error before it, one of our errors, or libtpu's. */
export function reasonIn(stderr: string): string | undefined {
  const logged = (level: string) => stderr.match(new RegExp(`^${level}\\d{4} .*?\\] (.*)$`, 'm'))?.[1];
  const fatal = logged('F');
  if (fatal !== undefined) return /^Check failed/.test(fatal) ? (logged('E') ?? fatal) : fatal;
  return stderr.match(/^(?:\w*Error\b[^:\n]*|ERROR): (.*)/m)?.[1];
}

const accepted = new Map<string, Promise<void>>();

/**
 * Checks the compiler's flags in the environment, if there are any, against a plugin before it is loaded here. Throws `bad_config` with the
 * unknown flag.
 */
export function checkFlags(path: string, signal?: AbortSignal): Promise<void> {
  const flags = FLAG_VARIABLES.map((name) => process.env[name]?.trim() ?? '');
  if (flags.every((text) => text === '')) return Promise.resolve();
  const key = JSON.stringify([path, ...flags]);
  const known = getOrMake(accepted, key, () => tryPlugin(path, signal).then(() => {}));
  known.catch(() => accepted.delete(key));
  return known;
}
