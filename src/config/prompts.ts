/**
 * The prompts of a command line. Each word with blanks must have been quoted and is a prompt; single words together are one prompt, since
 * a shell passes `"one" "two"` and `one two` alike; a mixture is refused. Each `--prompt` adds a prompt, and so does each line of a file.
 */

import { FluxionError } from '../support/errors.ts';
import { readRegular } from '../support/regular-file.ts';
import { decodeText } from '../support/text.ts';
import { meaningOf } from './names.ts';
import { type Arguments, settingsWithin, splitAssignment } from './overrides.ts';

/** Bytes of a file of prompts, or of a prompt on standard input. */
export const PROMPT_LIMIT: number = 1 << 20;
/** Most prompts, as in a configuration file. */
const MOST_PROMPTS = 1024;

/** The prompts of a command line, and notes on words that may have been misread. */
export interface ChosenPrompts {
  /** Replaces the configuration's prompts; undefined if the command line has none, or has `prompt=…`. */
  readonly prompt: string | readonly string[] | undefined;
  readonly notes: readonly string[];
}

/** Chooses the prompts among `positional` words, `--prompt`, `--prompts` and `prompt=@FILE`. Throws `bad_config` if they conflict. */
export async function choosePrompts(
  { overrides, namedPrompts, promptFile }: Omit<Arguments, 'prompts'>,
  positional: readonly string[],
  standardInput: () => Promise<Uint8Array>,
): Promise<ChosenPrompts> {
  const assigned = overrides.map((word) => splitAssignment(word)!).findLast(({ name }) => name === 'prompt')?.value;
  const ways = [
    assigned !== undefined && 'prompt=…',
    namedPrompts.length > 0 && '--prompt',
    promptFile !== undefined && '--prompts',
    positional.length > 0 && `'${positional[0]}'`,
  ].filter((way) => way !== false);
  if (ways.length > 1) {
    throw new FluxionError('bad_config', `the prompt is given twice: as ${ways.slice(0, -1).join(' and ')} and as ${ways.at(-1)}`, {
      hint: /^['"“”‘’„«»]/.test(positional[0]?.at(-1) ?? '')
        ? `the shell takes no typographic quotes: prompt="…"`
        : 'use only one of them; a prompt of several words goes in quotes',
    }); // biome-ignore format: one sentence
  }
  if (promptFile === '-') return noted(linesOf(await standardInput(), 'standard input'));
  if (promptFile !== undefined) return noted(linesOf(readRegular(promptFile, PROMPT_LIMIT), promptFile));
  if (namedPrompts.length > 0) return noted(namedPrompts.flatMap(textsOf));
  if (assigned !== undefined) {
    const texts = textsOf(assigned);
    return texts[0] === assigned ? { prompt: undefined, notes: noted(texts).notes } : noted(texts);
  }
  if (positional.length === 0) return { prompt: undefined, notes: [] };
  if (positional.includes('-')) {
    if (positional.length > 1) {
      throw new FluxionError('bad_config', "'-' reads the prompt from standard input, and there are other prompts too");
    }
    const text = decodeText(await standardInput(), 'standard input').trim();
    if (text === '') throw new FluxionError('bad_config', 'the prompt on standard input is empty');
    return noted([text]);
  }
  return noted(...phrases(positional));
}

/** The prompts in positional words, and a note if words were joined. */
function phrases(words: readonly string[]): [prompts: readonly string[], note?: string] {
  const single = words.filter((word) => !/\s/.test(word));
  if (words.length === 1 || single.length === 0) return [words];
  if (single.length < words.length) {
    const quoted = words.find((word) => /\s/.test(word))!;
    throw new FluxionError('bad_config', `'${single[0]}' comes in addition to the prompt '${clip(quoted)}'`, {
      hint: `one prompt goes in one pair of quotes; two are --prompt '${clip(quoted)}' --prompt '${single[0]}'`,
    });
  }
  const joined = words.join(' ');
  const text = /^[“„«‘](.*)[”“»’]$/s.exec(joined)?.[1] ?? joined;
  const setting = text
    .match(/\b[a-z]\w{3,}:? \d[\d.x]*(?=\s|$)/gi)
    ?.find((pair) => meaningOf(pair.replace(/:? .*/, '')).kind === 'key');
  const asked =
    setting === undefined ? '' : `, in which '${setting}' sets nothing: ${setting.replace(/:? /, '=')} does`;
  return [[text], `the words are one prompt, '${clip(text)}'${asked}; several are --prompt ONE --prompt TWO`];
}

function noted(prompts: readonly string[], ...others: readonly (string | undefined)[]): ChosenPrompts {
  const within = prompts.flatMap((prompt) => settingsWithin(prompt).map((setting) => ({ prompt, setting })));
  const notes = within.map(
    ({ prompt, setting }) =>
      `'${setting}' is a part of the prompt '${clip(prompt)}' and sets nothing; it does outside of the quotes`,
  );
  const empty = prompts.some((prompt) => prompt.trim() === '')
    ? ['the prompt is empty: the picture shows anything']
    : [];
  return {
    prompt: prompts.length === 1 ? prompts[0] : prompts,
    notes: [...others.filter((note) => note !== undefined), ...empty, ...notes.slice(0, 5)],
  };
}

/** The prompts of `prompt=` or `--prompt`: the text itself, or the lines of `@FILE`. */
function textsOf(value: string): readonly string[] {
  const path = /^@(\S[^\n]*)$/.exec(value)?.[1];
  if (path === undefined) return [value];
  try {
    return linesOf(readRegular(path, PROMPT_LIMIT), path);
  } catch (error) {
    if (!(error instanceof FluxionError) || error.code !== 'not_found') throw error;
    throw new FluxionError('not_found', `${error.message}: prompt=@FILE reads prompts from a file`, {
      hint: `a prompt that begins with '@' is given without prompt=: fluxion generate "${clip(value)}"`,
      cause: error,
    });
  }
}

/** The prompts of a text: one per line, without empty lines and those that begin with `#`. */
function linesOf(bytes: Uint8Array, where: string): string[] {
  const lines = decodeText(bytes, where)
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length > 0 && lines.length <= MOST_PROMPTS) return lines;
  throw new FluxionError('bad_config', `${where}: expected 1 to ${MOST_PROMPTS} prompts, found ${lines.length}`, {
    hint: "write one prompt per line; lines that begin with '#' are ignored",
  });
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
