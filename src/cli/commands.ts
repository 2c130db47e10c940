/** The one table of commands: dispatch, help, suggestions and shell completions read it. A command's code is loaded only when that command runs. */

import { didYouMean } from '../support/errors.ts';
import { type CommandEntry, type Commands, UsageError } from './command.ts';

/** The sections of `fluxion help`, in its order. */
const SECTIONS = ['Pictures', 'Models', 'Machine'] as const;

/** All commands, in the order of the help. */
export const COMMANDS: Commands = {
  generate: {
    section: 'Pictures', usage: '"PROMPT" [key=value …]', summary: 'makes pictures from a prompt',
    alike: ['create', 'draw', 'gen', 'image', 'imagine', 'make', 'paint', 'run', 'sample', 'txt2img'],
    load: () => import('./commands/generate.ts'),
  },
  redo: {
    section: 'Pictures', usage: 'PICTURE.png', summary: 'makes a picture again, from the recipe inside it',
    alike: ['again', 'regenerate', 'remake', 'repeat', 'reproduce'],
    load: () => import('./commands/redo.ts'),
  },
  history: {
    section: 'Pictures', usage: '[FOLDER]', summary: 'lists pictures with their prompts, newest first',
    alike: ['gallery', 'log', 'pictures', 'recent'],
    load: () => import('./commands/history.ts'),
  },
  studio: {
    section: 'Pictures', usage: '[CONFIG.yml] [key=value …]', summary: 'opens a page in the browser to make pictures on',
    alike: ['app', 'browser', 'gui', 'open', 'page', 'ui', 'webui'],
    load: () => import('./commands/studio.ts'),
  },
  serve: {
    section: 'Pictures', usage: '[CONFIG.yml] [key=value …]', summary: 'serves pictures over HTTP, model loaded',
    alike: ['api', 'daemon', 'http', 'listen', 'server', 'start', 'web'],
    load: () => import('./commands/serve.ts'),
  },
  worker: {
    section: 'Pictures', usage: '[CONFIG.yml] [key=value …]', summary: "makes the pictures of a server's queue, on this machine's device",
    alike: ['consume', 'process', 'runner', 'workers'],
    load: () => import('./commands/worker.ts'),
  },
  models: {
    section: 'Models', usage: '', summary: 'lists the models on this machine',
    alike: ['list', 'ls', 'model'],
    load: () => import('./commands/models.ts'),
  },
  loras: {
    section: 'Models', usage: '[FOLDER]', summary: 'lists the LoRAs on this machine',
    alike: ['adapters', 'lora'],
    load: () => import('./commands/loras.ts'),
  },
  pull: {
    section: 'Models', usage: 'ORG/NAME', summary: 'downloads a model from the Hugging Face hub',
    alike: ['download', 'fetch', 'get'],
    load: () => import('./commands/pull.ts'),
  },
  inspect: {
    section: 'Models', usage: 'FILE', summary: 'explains a picture, weights, a LoRA or a model folder',
    alike: ['cat', 'describe', 'explain', 'info', 'metadata', 'show'],
    load: () => import('./commands/inspect.ts'),
  },
  convert: {
    section: 'Models', usage: 'FILE OUTPUT', summary: 'rewrites weights: other names, fewer bits, GGUF',
    alike: ['export', 'quantise', 'quantize', 'save'],
    load: () => import('./commands/convert.ts'),
  },
  compile: {
    section: 'Machine', usage: '--target v6e:2x2', summary: 'checks whether a run fits on other devices',
    alike: ['aot', 'build'],
    load: () => import('./commands/compile.ts'),
  },
  bench: {
    section: 'Machine', usage: '[MODEL]', summary: 'measures every stage of a run',
    alike: ['benchmark', 'measure', 'perf', 'profile', 'speed', 'time'],
    load: () => import('./commands/bench.ts'),
  },
  plugins: {
    section: 'Machine', usage: '[install NAME]', summary: 'lists, installs and removes the plugins of devices',
    alike: ['backends', 'devices', 'install', 'plugin'],
    load: () => import('./commands/plugins.ts'),
  },
  cache: {
    section: 'Machine', usage: '[clean]', summary: 'shows what is kept between runs, and removes it',
    alike: ['clean', 'clear', 'disk', 'du', 'prune', 'purge'],
    load: () => import('./commands/cache.ts'),
  },
  doctor: {
    section: 'Machine', usage: '', summary: 'checks what works on this machine',
    alike: ['check', 'diagnose', 'env', 'status', 'test'],
    load: () => import('./commands/doctor.ts'),
  },
  completions: {
    section: 'Machine', usage: 'bash|zsh|fish', summary: 'prints completions for a shell',
    alike: ['autocomplete', 'completion'],
    load: () => import('./commands/completions.ts'),
  },
}; // biome-ignore format: one command reads as one row

/** Returns the named command; throws a usage error that suggests the nearest name. */
export function commandNamed(name: string): CommandEntry {
  if (Object.hasOwn(COMMANDS, name)) return COMMANDS[name]!;
  throw new UsageError('bad_config', `there is no command '${name}'`, { hint: meantBy(name) });
}

function meantBy(name: string): string | undefined {
  const rest = "'fluxion help' lists the commands";
  if (name.startsWith('-')) return `options come after a command, as in: fluxion generate ${name}; ${rest}`;
  if (/[\s=<]|\.ya?ml$/.test(name)) {
    return `pictures are made by: fluxion generate ${/^[\w.=/-]+$/.test(name) ? name : JSON.stringify(name)}`;
  }
  const synonym = Object.keys(COMMANDS).find((command) => COMMANDS[command]!.alike.includes(name.toLowerCase()));
  return didYouMean(synonym ?? name, [...Object.keys(COMMANDS), 'help'], rest);
}

/** Formats the list of commands for help: one line each, by section. */
export function commandList(): string {
  const entries = Object.entries(COMMANDS);
  const width = Math.max(...entries.map(([name, { usage }]) => name.length + 1 + usage.length)) + 2;
  return SECTIONS.map((section) =>
    [
      section,
      ...entries
        .filter(([, entry]) => entry.section === section)
        .map(([name, { usage, summary }]) => `  ${`${name} ${usage}`.padEnd(width)}${summary}`),
    ].join('\n'),
  ).join('\n');
}
