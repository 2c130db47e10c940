/** `fluxion pull`: models from the Hugging Face hub. */

import { basename } from 'node:path';
import { FLUX1, parseHubName, pullModel } from '../../models.ts';
import { fileCommand } from '../args.ts';
import { answer, OK, readingUsage, refuseWords, UsageError } from '../command.ts';
import { JSON_FLAG, optionLines } from '../flags.ts';
import { Progress } from '../terminal/render.ts';

const FLAGS = { ...JSON_FLAG, quiet: { help: 'no progress' } };

const HELP = `fluxion pull ORG/NAME[@REVISION]

Downloads or updates a FLUX.1 pipeline from the Hugging Face hub and prints its folder. A revision is a branch, a tag or a commit
(default: main). Only the files that pictures need are downloaded: configs, tokenizers and one set of weights. Each file is checked
against its hash. An interrupted download resumes when you run the command again.

Files go into the cache of Python's hub client, and each client finds the other's downloads. 'fluxion generate' pulls a model
the first time you name it; after that, the name stands for the downloaded revision until you pull again.

Examples
  fluxion pull black-forest-labs/FLUX.1-schnell
  fluxion generate pretrained_model_name_or_path=black-forest-labs/FLUX.1-schnell prompt="a lighthouse at dusk"
  fluxion pull black-forest-labs/FLUX.1-dev@refs/pr/95
  HF_ENDPOINT=https://MIRROR fluxion pull black-forest-labs/FLUX.1-schnell

Options
${optionLines(FLAGS)}

Environment
  HF_TOKEN                  token for gated and private models (default: the token that 'hf auth login' saved)
  HF_HUB_CACHE, HF_HOME     folder of models (default: ~/.cache/huggingface/hub)
  HF_ENDPOINT               a mirror of the hub
  HF_HUB_OFFLINE            1 uses downloaded files only, without asking the hub
  HF_HUB_DOWNLOAD_TIMEOUT   seconds almost without data before a connection is replaced (default: 20)
  HF_HUB_ETAG_TIMEOUT       seconds to wait for the hub's first answer (default: 8)
  NODE_USE_ENV_PROXY        1 uses the proxy in HTTPS_PROXY
`;

export default fileCommand({
  flags: FLAGS,
  help: HELP,

  async run({ flags, words }, { signal }) {
    const [name, ...others] = words;
    if (name === undefined) {
      throw new UsageError('bad_config', 'which model?', { hint: 'fluxion pull black-forest-labs/FLUX.1-schnell' });
    }
    refuseWords(others);
    const model = readingUsage(() => parseHubName(name));
    if (!model) {
      throw new UsageError('bad_config', `expected ORG/NAME or ORG/NAME@REVISION, found '${name}'`, {
        hint: 'a name as in the address of its page: black-forest-labs/FLUX.1-schnell',
      });
    }
    using progress = Progress.for(flags);
    const path = await pullModel(FLUX1, model, {
      signal,
      onProgress: (message, download) => progress.activity(message, download),
    });
    answer(flags.json, { model: model.repo, revision: model.revision, commit: basename(path), path }, [path]);
    return OK;
  },
});
