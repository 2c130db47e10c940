/**
 * The program `fluxion`: chooses the command, turns signals into aborts and errors into messages and exit statuses.
 * Commands are imported on demand, so that `--help` loads none of them.
 */

import * as modules from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../support/cache-folder.ts';
import { FluxionError } from '../support/errors.ts';
import { makeFolder } from '../support/make-folder.ts';
import { announceEnd, isEndNear } from '../support/process-end.ts';
import { oneLine } from '../support/quote.ts';
import { explained } from '../support/system-error.ts';
import { sortWords } from './args.ts';
import { answer, FAILURE, OK, printJson, refuseWords, type Session, statusOf, UsageError } from './command.ts';
import { COMMANDS, commandList, commandNamed } from './commands.ts';
import { JSON_FLAG } from './flags.ts';
import { requireWholeArguments } from './lost-letters.ts';
import { guard, paint } from './terminal/terminal.ts';

const HELP = `fluxion: makes pictures from text with Flux, through XLA, on CPUs, GPUs and TPUs

  fluxion generate "a red house in the mountains at sunset"    makes flux_0.png

${commandList()}

'fluxion help COMMAND' explains a command, 'fluxion help KEY' a key, 'fluxion help config' all keys,
'fluxion help environment' variables and exit statuses; --version prints versions.
`;

const ENVIRONMENT = `Environment
  FLUXION_CACHE_DIR     folder for plugins and compiled programs
  FLUXION_CONFIG        YAML file with your own settings; empty for none
  FLUXION_PJRT_PLUGIN   a plugin file to use, as PATH or DEVICE:PATH
  FLUXION_API_KEYS      keys that 'fluxion serve' asks for, between commas, each KEY or NAME:KEY
  FLUXION_LOG           debug, info or warn: how much is logged to standard error
  NO_COLOR              no colours, and no pictures in the terminal (show=off: no pictures)

  HF_TOKEN, HF_HOME, HF_ENDPOINT, HF_HUB_OFFLINE and others of the Hugging Face hub: 'fluxion help pull'

Exit status
  0 done, 1 failed, 2 invalid command line or configuration, 129 terminal closed, 130 Ctrl-C, 143 SIGTERM
`;

/** Exit statuses of the signals that stop a command, 128 + their number. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Milliseconds in which an interrupted command must end by itself: a compilation cannot be interrupted and may take minutes. */
const GRACE = 3000;

async function stopAtOnce(status: number): Promise<never> {
  const { exitAtOnce } = await import('../xla.ts');
  return exitAtOnce(status);
}

/** Runs a command line as this process: never returns, and leaves no native thread running. */
export async function runProcess(argv: readonly string[]): Promise<never> {
  let unwritten: Error | undefined;
  guard(process.stdout).on('error', (error: NodeJS.ErrnoException) => {
    // A reader that closed the pipe, as in `| head`, is not a failure.
    if (error.code !== 'EPIPE') unwritten ??= error;
  });
  // If standard error fails too, nobody is left to tell.
  guard(process.stderr).on('error', () => {});
  const stopping = new AbortController();
  let grace = GRACE;
  let interrupted: number | undefined;
  for (const [name, status] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (interrupted !== undefined) return void stopAtOnce(interrupted);
      interrupted = status;
      if (process.stderr.isTTY) process.stderr.write('\nstopping; Ctrl-C again stops at once\n');
      const stopped = new FluxionError('aborted', 'stopped before it was done');
      setTimeout(() => {
        report(stopped, wantsJson(argv));
        stopAtOnce(status);
      }, grace);
      stopping.abort(stopped);
    });
  }
  process.on('uncaughtException', (error) => {
    report(error, wantsJson(argv));
    stopAtOnce(FAILURE);
  });
  const status = await run(argv, stopping.signal, {
    endsWithin: (milliseconds) => {
      grace = milliseconds + GRACE;
    },
    // Node's permission model may forbid it, and other runtimes lack it.
    restart: process.execve && !process.permission ? restart : undefined,
    ending: announceEnd,
  });
  // Plugins keep threads running, so the process must be ended, after its output is flushed.
  await flush(process.stdout);
  if (unwritten) report(explained(unwritten, 'standard output'), false);
  await flush(process.stderr);
  const final = interrupted ?? (unwritten ? FAILURE : status);
  if (!isEndNear()) process.exit(final);
  // An end at once skips what Node does at exit.
  modules.flushCompileCache?.();
  return stopAtOnce(final);
}

/** Replaces the process by a new one of the same command line; its number, files and terminal stay. */
function restart(variables: Readonly<Record<string, string>>): void {
  const { execPath, execArgv, argv, env } = process;
  process.execve!(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, ...variables });
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else stream.write('', () => resolve());
  });
}

/** Runs a command line and returns its exit status; never throws. */
export async function run(
  argv: readonly string[],
  signal: AbortSignal,
  process: Pick<Session, 'endsWithin' | 'restart' | 'ending'> = {},
): Promise<number> {
  try {
    return await dispatch(argv, { signal, ...process, commands: COMMANDS });
  } catch (thrown) {
    const error = explained(thrown);
    report(error, wantsJson(argv));
    return statusOf(error);
  }
}

/** Enables Node's compile cache in a folder, if that can be created: Node itself would retry for ever below /proc. */
function keepCode(folder: string): void {
  try {
    makeFolder(folder);
  } catch {
    return;
  }
  // Deno has no such cache.
  modules.enableCompileCache?.(folder);
}

async function dispatch(argv: readonly string[], session: Session): Promise<number> {
  requireWholeArguments(argv);
  const [first, ...rest] = argv;
  if (first === undefined || first === '--help' || first === '-h') return say(HELP);
  if (first === '--version' || first === '-V') return tellVersion(rest);
  if (first === 'help') return say(await helpOn(rest));
  const entry = commandNamed(first);
  // Halves the start-up time of later runs.
  keepCode(join(cacheFolder(), 'code'));
  const { default: command } = await entry.load();
  if (before('--', rest).some((word) => word === '--help' || word === '-h')) return say(command.help);
  return command.run(rest, session);
}

async function helpOn([topic, ...others]: readonly string[]): Promise<string> {
  if (others.length > 0) throw new UsageError('bad_config', `one topic at a time: '${topic}' or '${others[0]}'`);
  if (topic === undefined || topic === 'help') return HELP;
  if (topic === 'environment') return ENVIRONMENT;
  if (topic === 'config') return (await import('./terminal/config-help.ts')).configTopic();
  const { keyHelp } = await import('../config/schema.ts');
  const key = Object.hasOwn(COMMANDS, topic) ? undefined : keyHelp(topic);
  if (key !== undefined) return key;
  return (await commandNamed(topic).load()).default.help;
}

function wantsJson(argv: readonly string[]): boolean {
  return before('--', argv).includes('--json');
}

function before(end: string, argv: readonly string[]): readonly string[] {
  const at = argv.indexOf(end);
  return at === -1 ? argv : argv.slice(0, at);
}

function say(text: string): number {
  process.stdout.write(text);
  return OK;
}

function report(error: unknown, json: boolean): void {
  const known = error instanceof FluxionError;
  const message = known ? error.message : oneLine(error instanceof Error ? error.message : String(error));
  if (json) {
    const { code, hint } = known ? error : { code: 'internal', hint: undefined };
    printJson({ error: { code, message, ...(hint !== undefined && { hint }) } });
  }
  const stopped = known && error.code === 'aborted';
  const lines = [stopped ? message : `${paint('red', 'error:')} ${message}`];
  if (known && error.hint !== undefined) lines.push(`${paint('cyan', 'hint:')} ${error.hint}`);
  if (process.env['FLUXION_LOG'] === 'debug') lines.push(error instanceof Error ? (error.stack ?? '') : '');
  else if (!known) lines.push(`${paint('cyan', 'hint:')} this is a bug; FLUXION_LOG=debug shows where`);
  process.stderr.write(`${lines.join('\n')}\n`);
}

async function tellVersion(words: readonly string[]): Promise<number> {
  const { versionData, versionLines } = await import('./version.ts');
  const { flags, words: others } = sortWords(words, JSON_FLAG);
  refuseWords(others);
  const data = versionData();
  answer(flags.json, data, versionLines(data));
  return OK;
}
