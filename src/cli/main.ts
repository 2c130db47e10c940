/**
 * The program `fluxion`: chooses the command, turns signals into aborts and errors into messages and exit statuses.
 * Commands are imported when they are asked for, so that `--help` costs nothing of theirs.
 */

import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../support/cache-folder.ts';
import { FluxionError, nearest } from '../support/errors.ts';
import { oneLine } from '../support/quote.ts';
import { explained } from '../support/system-error.ts';
import { type Command, FAILURE, OK, printJson, statusOf, UsageError } from './command.ts';
import { guard, paint } from './terminal.ts';

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly default: Command }>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  generate: { summary: 'makes pictures from a prompt', load: () => import('./generate.ts') },
  redo: { summary: 'makes a picture again from the recipe inside it', load: () => import('./redo.ts') },
  inspect: { summary: 'explains a picture, a safetensors file or a model folder', load: () => import('./inspect.ts') },
  pull: { summary: 'downloads a model from the Hugging Face hub', load: () => import('./pull.ts') },
  convert: {
    summary: 'rewrites weights: other names, other numbers, another format',
    load: () => import('./convert.ts'),
  },
  compile: {
    summary: 'compiles a run for devices that are not here: does it fit, how fast',
    load: () => import('./compile.ts'),
  },
  bench: {
    summary: 'measures every stage of a run, and how much of the device it uses',
    load: () => import('./bench.ts'),
  },
  plugins: { summary: 'lists, installs and adds the plugins that devices need', load: () => import('./plugins.ts') },
  doctor: {
    summary: 'tells what works on this machine, and what to do about the rest',
    load: () => import('./doctor.ts'),
  },
};

const HELP = `fluxion: Flux text-to-image through XLA, on CPU, GPU and TPU

Usage
  fluxion generate [CONFIG.yml] [key=value …] ["prompt"]
  fluxion redo PICTURE.png [key=value …]
  fluxion inspect FILE | FOLDER
  fluxion pull ORG/NAME[@REVISION]
  fluxion convert FILE | FOLDER … OUTPUT
  fluxion compile [CONFIG.yml] [key=value …] --target v6e:2x2
  fluxion bench [MODEL | CONFIG.yml] [key=value …]
  fluxion plugins list | install NAME | add PATH
  fluxion doctor

Commands
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  .join('\n')}
  help      explains a command, or with 'help config' every configuration key

Examples
  fluxion generate "a red house in the mountains at sunset"
  fluxion generate base_flux_schnell.yml pretrained_model_name_or_path=FOLDER prompt="a lighthouse at dusk" seed=7
  fluxion redo flux_0.png num_inference_steps=28
  fluxion help generate

Options
  -h, --help     this text, or a command's
  --version      the version

Environment
  FLUXION_CACHE_DIR     where plugins and compiled programs are kept
  FLUXION_PJRT_PLUGIN   a plugin file to use, as PATH or DEVICE:PATH
  FLUXION_LOG           debug, info or warn: how much is told on standard error
  NO_COLOR              no colours

Exit status: 0 done, 1 failed, 2 wrong command line or configuration, 130 interrupted by Ctrl-C, 143 by SIGTERM.
`;

/** Exit statuses of the signals that stop a command, 128 + their number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Milliseconds that an interrupted command has to end by itself; a compilation cannot be interrupted, and may take minutes. */
const GRACE = 3000;

async function stopAtOnce(status: number): Promise<never> {
  const { exitAtOnce } = await import('../xla.ts');
  return exitAtOnce(status);
}

/** Runs a command line as this process: never returns, and leaves no native thread behind it. */
export async function runProcess(argv: readonly string[]): Promise<never> {
  let unwritten: Error | undefined;
  for (const stream of [process.stdout, process.stderr]) {
    guard(stream).on('error', (error: NodeJS.ErrnoException) => {
      // A reader that has gone, as in `| head`, is no failure of ours.
      if (error.code !== 'EPIPE') unwritten ??= error;
    });
  }
  const stopping = new AbortController();
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
      }, GRACE);
      stopping.abort(stopped);
    });
  }
  process.on('uncaughtException', (error) => {
    report(error, wantsJson(argv));
    stopAtOnce(FAILURE);
  });
  const status = await run(argv, stopping.signal);
  // Plugins keep threads, so the process would not end by itself; what is written goes out first.
  await flush(process.stdout);
  if (unwritten) report(new FluxionError('io', `cannot write standard output: ${unwritten.message}`), false);
  await flush(process.stderr);
  process.exit(interrupted ?? (unwritten ? FAILURE : status));
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else stream.write('', () => resolve());
  });
}

/** Runs a command line and returns its exit status; nothing is thrown. */
async function run(argv: readonly string[], signal: AbortSignal): Promise<number> {
  try {
    return await dispatch(argv, signal);
  } catch (thrown) {
    const error = explained(thrown);
    report(error, wantsJson(argv));
    return statusOf(error);
  }
}

async function dispatch(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined || first === '--help' || first === '-h') return say(HELP);
  if (first === '--version' || first === '-V') return say(`fluxion ${version()}\n`);
  if (first === 'help') return say(await helpOn(rest[0]));
  const entry = commandNamed(first);
  // Keeps what V8 compiled between runs, which halves the time until a command begins.
  enableCompileCache(join(cacheFolder(), 'code'));
  const { default: command } = await entry.load();
  if (before('--', rest).some((word) => word === '--help' || word === '-h')) return say(await command.help());
  return command.run(rest, { signal });
}

async function helpOn(topic: string | undefined): Promise<string> {
  if (topic === undefined) return HELP;
  if (topic === 'config') return (await import('./config-help.ts')).configTopic();
  return (await commandNamed(topic).load()).default.help();
}

function commandNamed(name: string): Entry {
  if (Object.hasOwn(COMMANDS, name)) return COMMANDS[name]!;
  const near = nearest(name, [...Object.keys(COMMANDS), 'help'], 1)[0];
  const prompt = /[\s=]|\.ya?ml$/.test(name);
  throw new UsageError('bad_config', `there is no command '${name}'`, {
    hint: prompt
      ? `pictures are made by: fluxion generate ${/^[\w.=/-]+$/.test(name) ? name : JSON.stringify(name)}`
      : `${near ? `did you mean '${near}'? ` : ''}'fluxion help' lists the commands`,
  });
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

/** Tells what went wrong and what to do: on standard error, or as JSON where that was asked for. */
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

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}
