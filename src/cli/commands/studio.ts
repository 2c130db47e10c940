/** `fluxion studio`: a server, and its page in the browser. */

import { COMMAND_LINE } from '../../config/overrides.ts';
import { FluxionError } from '../../support/errors.ts';
import { OK } from '../command.ts';
import { optionLines } from '../flags.ts';
import { keyCommand } from '../key-command.ts';
import { runServer } from '../run-server.ts';
import { SERVICE_FLAGS } from '../service.ts';
import { openInBrowser } from '../terminal/open-in-browser.ts';

const FLAGS = { 'no-open': { help: "prints the page's address, without opening it" }, ...SERVICE_FLAGS };
/** Where pictures go, if no output_dir is given. */
const FOLDER = 'pictures';

const HELP = `fluxion studio [CONFIG.yml] [key=value …]

Opens a page in the browser to make pictures on: prompts, sizes and seeds, LoRAs, pictures to start from with masks and new edges, previews
while a picture forms, and a gallery of all that were made. It is served by this machine, for this machine alone, until Ctrl-C.

Examples
  fluxion studio
  fluxion studio model=black-forest-labs/FLUX.1-schnell
  fluxion studio base_flux_schnell.yml output_dir=evening lora_dir=loras
  fluxion studio --no-open --port 8080

Everyday keys ('fluxion help config' lists all, under Server; 'fluxion help KEY' explains one)
  port         8000, or a free one where that is taken and none is asked for
  output_dir   pictures and their history; ./${FOLDER} if it is not set
  lora_dir     folder of the LoRAs that the page offers

Options of this command
${optionLines(FLAGS)}

The server is that of 'fluxion serve', which has the page at / too, and all of its keys apply.
`;

export default keyCommand({
  flags: FLAGS,
  help: HELP,

  async run(words, session) {
    await runServer(words, session, {
      command: 'studio',
      writesLog: false,
      takesAnyPort: true,
      // Configurations that come with the program name '.' as the output folder.
      settings: ({ config, sources }) =>
        config.output_dir === '.' && sources.output_dir !== COMMAND_LINE ? { output_dir: FOLDER } : {},
      onListening: async (url, fetch) => {
        // A checkout builds the page now, so that the browser does not wait for it.
        const page = await fetch(new Request(url));
        if (!page.ok) throw await refusal(page);
        await page.body?.cancel();
        if (!words.flags['no-open']) openInBrowser(url);
      },
    });
    return OK;
  },
});

/** The server's error in place of the page. */
async function refusal(answer: Response): Promise<FluxionError> {
  const { error } = (await answer.json()) as { error: { message: string; hint?: string } };
  return new FluxionError('not_found', error.message, { hint: error.hint });
}
