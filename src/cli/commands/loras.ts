/** `fluxion loras`: the LoRA files that can be given by name. */

import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { splitArguments } from '../../config/overrides.ts';
import { findPersonalConfig } from '../../config/personal.ts';
import { BUNDLED_LORA, describeLora, type LoraReport, modulesText } from '../../models.ts';
import { FluxionError } from '../../support/errors.ts';
import { type Command, OK, printJson, readingUsage, UsageError } from '../command.ts';
import { entriesOf } from '../folder.ts';
import { bytes } from '../terminal/render.ts';
import { paint } from '../terminal/terminal.ts';

const HELP = `fluxion loras [FOLDER] [lora_dir=FOLDER]

Lists the LoRA that comes with the program and the LoRA files in lora_dir and its folders: those that --lora NAME and
<lora:NAME:SCALE> in a prompt find. Each line has size, dialect, rank, and how many modules of which parts the LoRA changes.

Examples
  fluxion loras
  fluxion loras ~/loras
  fluxion loras lora_dir=styles --json
  fluxion generate "a white house on green hills at noon" seed=1 --lora tiny-lora

Options
  --json       one JSON object on standard output, sizes in bytes
  -h, --help   this text
`;

const FLAGS = { json: 'boolean' } as const;
/** Files that are described at most. */
const MOST = 1000;

/** A file with weights, described where it is a LoRA. */
interface Listed {
  /** What --lora and prompts call it. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly lora?: LoraReport;
  /** Why it is none. */
  readonly problem?: string;
}

/** The command. */
const loras: Command = {
  flags: FLAGS,
  takesKeys: true,
  help: () => HELP,

  async run(argv) {
    const words = readingUsage(() => splitArguments(argv, FLAGS));
    const [folder, ...others] = words.prompts;
    if (others.length > 0) throw new UsageError('bad_config', `one folder at a time: '${folder}' or '${others[0]}'`);
    const overrides = [...words.overrides, ...(folder === undefined ? [] : [`lora_dir=${folder}`])];
    const { config } = readingUsage(() => loadConfig({ personal: findPersonalConfig(), file: words.file, overrides }));
    const listed = [...(config.lora_dir === '' ? [] : inFolder(config.lora_dir)), bundled()];
    if (words.flags['json'] === true) printJson({ lora_dir: config.lora_dir || undefined, loras: listed });
    else {
      process.stdout.write(`${listed.map(textOf).join('\n')}\n`);
      if (config.lora_dir === '') process.stderr.write('lora_dir=FOLDER lists your own\n');
    }
    return OK;
  },
};

export default loras;

function bundled(): Listed {
  return { name: BUNDLED_LORA, ...described(BUNDLED_LORA, BUNDLED_LORA) };
}

function inFolder(folder: string): Listed[] {
  const top = entriesOf(folder);
  const paths = top.flatMap((entry) => {
    if (/\.safetensors$/i.test(entry.name)) return [entry.name];
    return isFolder(join(folder, entry.name))
      ? readdirSync(join(folder, entry.name))
          .filter((name) => /\.safetensors$/i.test(name))
          .map((name) => `${entry.name}/${name}`)
      : [];
  });
  return paths
    .sort()
    .slice(0, MOST)
    .map((path) => ({ name: path.replace(/\.safetensors$/i, ''), ...described(join(folder, path), path) }));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory() && readdirSync(path).length > 0;
  } catch {
    return false;
  }
}

/** Describes a file; `shown` is how messages name it here. */
function described(path: string, shown: string): Omit<Listed, 'name'> {
  try {
    const lora = describeLora({ path });
    const file = { path: resolve(lora.path), bytes: statSync(lora.path).size };
    return modulesText(lora).length > 0 ? { ...file, lora } : { ...file, problem: 'no LoRA: none of its keys is one' };
  } catch (error) {
    if (!(error instanceof FluxionError)) throw error;
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return {
      path: resolve(path),
      bytes: size,
      problem: error.message.replace(`${path}: `, '').replace(`${shown}: `, ''),
    };
  }
}

function textOf({ name, bytes: size, lora, problem }: Listed): string {
  const head = `${paint('bold', name, process.stdout)}  ${bytes(size)}`;
  if (!lora) return `${head}  ${paint('yellow', problem ?? '', process.stdout)}`;
  const [first = '', ...others] = modulesText(lora);
  const parts = [first.replace(' of', ' modules of'), ...others];
  const ranks = lora.ranks.length > 0 ? `, rank ${lora.ranks.join(', ')}` : '';
  return `${head}  ${lora.dialect}${ranks}; ${parts.join(', ')}`;
}
