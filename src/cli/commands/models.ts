/** `fluxion models`: lists the models on this machine and those known by name. */

import { BUNDLED, BUNDLED_FOLDER, PUBLISHED_NAMES, publishedModel } from '../../index.ts';
import { type CachedRepo, cachedRepos, FLUX1, weightCounts } from '../../models.ts';
import { fileCommand } from '../args.ts';
import { answer, OK, refuseWords } from '../command.ts';
import { JSON_FLAG, optionLines } from '../flags.ts';
import { sizeOf } from '../folder.ts';
import { bytes } from '../terminal/render.ts';
import { paint } from '../terminal/terminal.ts';

const FLAGS = { json: { help: `${JSON_FLAG.json.help}, sizes in bytes` } };

const HELP = `fluxion models

Lists the models that pretrained_model_name_or_path takes by name: the bundled model, the models in the cache that the tools of the
Hugging Face hub share (incomplete downloads say what they lack), and the published models that are not on this machine.

Examples
  fluxion models
  fluxion models --json
  fluxion generate pretrained_model_name_or_path=black-forest-labs/FLUX.1-schnell prompt="a lighthouse at dusk"

Options
${optionLines(FLAGS)}
`;

/** A line of the list. */
interface Listed {
  readonly name: string;
  /** `ready` can be used now; `partial` lacks files; `other` is no Flux pipeline; `remote` is not here. */
  readonly state: 'ready' | 'partial' | 'other' | 'remote';
  readonly source: 'bundled' | 'hub' | 'published';
  /** Bytes on disk; for a remote model, the size of its weights in bfloat16. */
  readonly bytes: number;
  readonly about: string;
  readonly path?: string;
  readonly revision?: string;
  readonly missing?: readonly string[];
}

export default fileCommand({
  flags: FLAGS,
  choices: { words: [] },
  help: HELP,

  async run({ flags, words }) {
    refuseWords(words, `'fluxion inspect ${words[0]}' explains a folder or a file`);
    const listed = listModels();
    answer(flags.json, { models: listed }, linesOf(listed));
    return OK;
  },
});

function listModels(): Listed[] {
  const cached = cachedRepos(FLUX1).map(ofRepo);
  const here = new Set(cached.map(({ name }) => name.split('@', 1)[0]!.toLowerCase()));
  const published = PUBLISHED_NAMES.map((name) => `black-forest-labs/${name}`).filter(
    (name) => !here.has(name.toLowerCase()),
  );
  return [
    {
      name: BUNDLED,
      state: 'ready',
      source: 'bundled',
      bytes: sizeOf(BUNDLED_FOLDER),
      about: 'comes with the program; flat landscapes of 128×128 pixels',
      path: BUNDLED_FOLDER,
    },
    ...cached,
    ...published.map((name): Listed => {
      const counts = Object.values(weightCounts(publishedModel(name)!.sizes));
      return {
        name,
        state: 'remote',
        source: 'published',
        bytes: 2 * counts.reduce((sum, count) => sum + count, 0),
        about: `not here: fluxion pull ${name}`,
      };
    }),
  ];
}

function ofRepo({ repo, revision, path, pipeline, missing, weights, bytes: size }: CachedRepo): Listed {
  const isFlux = pipeline === undefined ? missing.length === 0 : /^Flux\w*Pipeline$/.test(pipeline);
  const state = missing.length === 0 && isFlux ? 'ready' : isFlux || weights.length === 0 ? 'partial' : 'other';
  const name = revision === 'main' ? repo : `${repo}@${revision}`;
  const about = {
    ready: publishedModel(repo)?.name ?? pipeline ?? 'Flux pipeline',
    partial: `lacks ${some(missing)}; 'fluxion pull ${name}' goes on`,
    other: pipeline === undefined ? `no pipeline: ${some(weights)}` : `${pipeline}, which is not Flux`,
  }[state];
  return { name, state, source: 'hub', bytes: size, about, path, revision, ...(missing.length > 0 && { missing }) };
}

function some(names: readonly string[]): string {
  const rest = names.length > 2 ? ` and ${names.length - 2} more` : '';
  return names.length === 0 ? 'files' : names.slice(0, 2).join(', ') + rest;
}

function linesOf(listed: readonly Listed[]): string[] {
  const width = Math.min(60, Math.max(...listed.map(({ name }) => name.length)));
  const colours = { ready: 'green', partial: 'yellow', other: 'dim', remote: 'dim' } as const;
  const words = { ready: 'ready', partial: 'partial', other: 'other', remote: '' };
  return listed.map(({ name, state, bytes: size, about }) => {
    const shown = paint(colours[state], words[state].padEnd(9), process.stdout);
    return `${name.padEnd(width)}  ${shown}${bytes(size).padEnd(10)}${about}`;
  });
}
