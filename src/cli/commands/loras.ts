/** `fluxion loras`: lists the LoRA files that can be given by name. */

import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BUNDLED_LORA, describeLora, FLUX1, type LoraReport, modulesText } from '../../models.ts';
import { FluxionError } from '../../support/errors.ts';
import { answer, OK } from '../command.ts';
import { JSON_FLAG, optionLines } from '../flags.ts';
import { configOfFolder, entriesOf, readableEntries } from '../folder.ts';
import { keyCommand } from '../key-command.ts';
import { bytes } from '../terminal/render.ts';
import { paint } from '../terminal/terminal.ts';

const FLAGS = { json: { help: `${JSON_FLAG.json.help}, sizes in bytes` } };

const HELP = `fluxion loras [FOLDER] [lora_dir=FOLDER]

Lists the LoRA that comes with the program and the LoRA files in lora_dir and its folders: those that --lora NAME and
<lora:NAME:SCALE> in a prompt find. Each line has size, dialect, rank, and how many modules of which parts the LoRA changes.

Examples
  fluxion loras
  fluxion loras ~/loras
  fluxion loras lora_dir=styles --json
  fluxion generate "a white house on green hills at noon" seed=1 --lora tiny-lora

Options
${optionLines(FLAGS)}
`;

/** Most files described. */
const MOST = 1000;

/** A weight file, with its description if it is a LoRA. */
interface Listed {
  /** Its name in --lora and in prompts. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly lora?: LoraReport;
  /** The reason it is not a LoRA. */
  readonly problem?: string;
}

export default keyCommand({
  flags: FLAGS,
  help: HELP,

  async run(words) {
    const { json } = words.flags;
    const { lora_dir: folder } = configOfFolder(words, 'lora_dir');
    const listed = [
      ...(folder === '' ? [] : inFolder(folder)),
      { name: BUNDLED_LORA, ...described(BUNDLED_LORA, BUNDLED_LORA) },
    ];
    answer(json, { lora_dir: folder || undefined, loras: listed }, listed.map(textOf));
    if (!json && folder === '') process.stderr.write('lora_dir=FOLDER lists your own\n');
    return OK;
  },
});

function inFolder(folder: string): Listed[] {
  const top = entriesOf(folder).map(({ name }) => name);
  const inside = top.flatMap((name) => readableEntries(join(folder, name)).map((entry) => `${name}/${entry.name}`));
  return [...top, ...inside]
    .filter((path) => /\.safetensors$/i.test(path))
    .sort()
    .slice(0, MOST)
    .map((path) => ({ name: path.replace(/\.safetensors$/i, ''), ...described(join(folder, path), path) }));
}

/** Describes a file; messages call it `shown`. */
function described(path: string, shown: string): Omit<Listed, 'name'> {
  try {
    const lora = describeLora(FLUX1, { path });
    const file = { path: resolve(lora.path), bytes: statSync(lora.path).size };
    return modulesText(FLUX1, lora).length > 0
      ? { ...file, lora }
      : { ...file, problem: 'not a LoRA: it has no LoRA keys' };
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
  const [first = '', ...others] = modulesText(FLUX1, lora);
  const parts = [first.replace(' of', ' modules of'), ...others];
  const ranks = lora.ranks.length > 0 ? `, rank ${lora.ranks.join(', ')}` : '';
  const takes = lora.control ? '; takes control_image' : '';
  return `${head}  ${lora.dialect}${ranks}; ${parts.join(', ')}${takes}`;
}
