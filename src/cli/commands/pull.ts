/** `fluxion pull`: models from the Hugging Face hub. */

import { basename } from 'node:path';
import { parseHubName, pullModel } from '../../models.ts';
import { sortWords } from '../args.ts';
import { type Command, OK, printJson, readingUsage, UsageError } from '../command.ts';
import { Progress } from '../terminal/render.ts';

const HELP = `fluxion pull ORG/NAME[@REVISION]

Downloads a FLUX.1 pipeline from the Hugging Face hub, or brings it up to date, and prints its folder. A revision is a branch, a tag or
a commit; main unless given. Only what pictures are made from is fetched: configs, tokenizers and one set of weights, each file checked
against its hash. What is stopped, by Ctrl-C or a kill, goes on from there when the command is given again.

The files lie where Python's hub client keeps them, and each finds what the other has downloaded. 'fluxion generate' pulls a model
by itself the first time that its name is given; from then on the name stands for what was downloaded, until it is pulled again.

Examples
  fluxion pull black-forest-labs/FLUX.1-schnell
  fluxion generate pretrained_model_name_or_path=black-forest-labs/FLUX.1-schnell prompt="a lighthouse at dusk"
  fluxion pull black-forest-labs/FLUX.1-dev@refs/pr/95
  HF_ENDPOINT=https://MIRROR fluxion pull black-forest-labs/FLUX.1-schnell

Options
  --json       one JSON object on standard output
  --quiet      no progress
  -h, --help   this text

Environment
  HF_TOKEN                  a token, for gated and private models; else the one that 'hf auth login' has kept
  HF_HUB_CACHE, HF_HOME     where models are kept; ~/.cache/huggingface/hub unless set
  HF_ENDPOINT               a mirror of the hub
  HF_HUB_OFFLINE            1 asks nobody and takes what is there
  HF_HUB_DOWNLOAD_TIMEOUT   seconds with next to no bytes after which a connection is given up and another made; 20
  HF_HUB_ETAG_TIMEOUT       seconds that the hub has for its first answer, before it counts as out of reach; 8
  NODE_USE_ENV_PROXY        1 uses the proxy in HTTPS_PROXY
`;

const FLAGS = { json: 'boolean', quiet: 'boolean' } as const;

/** The command. */
const pull: Command = {
  flags: FLAGS,
  help: () => HELP,

  async run(argv, { signal }) {
    const { flags, words } = sortWords(argv, FLAGS);
    const [name, ...others] = words;
    if (name === undefined) {
      throw new UsageError('bad_config', 'which model?', { hint: 'fluxion pull black-forest-labs/FLUX.1-schnell' });
    }
    if (others.length > 0) throw new UsageError('bad_config', `unexpected '${others[0]}'`);
    const model = readingUsage(() => parseHubName(name));
    if (!model) {
      throw new UsageError('bad_config', `expected ORG/NAME or ORG/NAME@REVISION, found '${name}'`, {
        hint: 'a name as in the address of its page: black-forest-labs/FLUX.1-schnell',
      });
    }
    using progress = Progress.for(flags.quiet ? 'quiet' : 'shown');
    const path = await pullModel(model, {
      signal,
      onProgress: (message, download) => progress.activity(message, download),
    });
    if (flags.json) printJson({ model: model.repo, revision: model.revision, commit: basename(path), path });
    else process.stdout.write(`${path}\n`);
    return OK;
  },
};

export default pull;
