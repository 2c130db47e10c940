/** `fluxion history`: lists a folder's pictures and their recipes, newest first. The pictures themselves are the record. */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Recipe, readRecipe } from '../../index.ts';
import { unlessRefused } from '../../support/attempt.ts';
import { oneLine } from '../../support/quote.ts';
import { readRegular } from '../../support/regular-file.ts';
import { OK, printJson, UsageError } from '../command.ts';
import { JSON_FLAG, optionLines } from '../flags.ts';
import { configOfFolder, entriesOf } from '../folder.ts';
import { keyCommand } from '../key-command.ts';
import { paint } from '../terminal/terminal.ts';

const SHOWN = 20;
/** Most files opened to find the pictures to show, and most bytes of one. */
const LOOKED_AT = 2000;
const SIZE_LIMIT = 512 * 2 ** 20;
const PROMPT = 200;

const FLAGS = {
  limit: { takes: 'N', help: `number of pictures (default: ${SHOWN})` },
  json: { help: `${JSON_FLAG.json.help}, with whole recipes` },
};

const HELP = `fluxion history [FOLDER] [output_dir=FOLDER]

Lists Fluxion's pictures in a folder (default: output_dir), newest first: date, file, seed, size, steps and prompt, read from the
recipe inside each picture. Fluxion keeps no other history: a picture that you move takes its history along.

Examples
  fluxion history
  fluxion history pictures --limit 5
  fluxion history --json
  fluxion redo flux_0.png

Options
${optionLines(FLAGS)}
`;

/** A picture with its recipe. */
interface Entry {
  readonly path: string;
  /** Time of the file's last write. */
  readonly made: Date;
  readonly recipe: Recipe;
}

export default keyCommand({
  flags: FLAGS,
  help: HELP,

  async run(words, { signal }) {
    const { limit, json } = words.flags;
    const place = configOfFolder(words, 'output_dir').output_dir || '.';
    const entries = newest(place, limitOf(limit), signal);
    if (json) printJson({ folder: place, pictures: entries });
    else if (entries.length > 0) process.stdout.write(`${entries.map(textOf).join('\n')}\n`);
    else
      process.stderr.write(
        `no pictures of Fluxion in ${place === '.' ? 'this folder' : place}; output_dir=FOLDER looks elsewhere\n`,
      );
    return OK;
  },
});

function limitOf(text = `${SHOWN}`): number {
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1) return limit;
  throw new UsageError('bad_config', `--limit: expected a whole number from 1, found '${text}'`);
}

/** The newest pictures with a recipe in a folder. */
function newest(folder: string, limit: number, signal: AbortSignal): Entry[] {
  const files = entriesOf(folder)
    .map(({ name }) => name)
    .filter((name) => /\.(png|jpe?g|webp)$/i.test(name) && !/^flux_preview/.test(name))
    .flatMap((name) => {
      const path = join(folder, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat?.isFile() ? [{ path, made: stat.mtime }] : [];
    })
    .sort((a, b) => Number(b.made) - Number(a.made) || a.path.localeCompare(b.path, 'en', { numeric: true }))
    .slice(0, LOOKED_AT);
  const entries: Entry[] = [];
  for (const { path, made } of files) {
    signal.throwIfAborted();
    if (entries.length === limit) break;
    const recipe = recipeIn(path);
    if (recipe) entries.push({ path, made, recipe });
  }
  return entries;
}

/** The recipe of a picture; undefined for other pictures and broken files. */
function recipeIn(path: string): Recipe | undefined {
  return unlessRefused(() => readRecipe(readRegular(path, SIZE_LIMIT), path).recipe);
}

function textOf({ path, made, recipe }: Entry): string {
  const { prompt, seed, width, height, steps, model, loras } = recipe;
  const day = made.toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' });
  const names = [model.name, ...(loras ?? []).map(({ name }) => name)].join(' + ');
  const facts = `seed ${seed}, ${width}×${height}, ${steps} ${steps === 1 ? 'step' : 'steps'}, ${names}`;
  const head = `${paint('dim', day, process.stdout)}  ${paint('bold', oneLine(path), process.stdout)}  ${facts}`;
  return `${head}\n    ${oneLine(prompt, PROMPT)}`;
}
