/** `fluxion completions`: shell scripts that complete commands, flags, keys, values and files. */

import { KEY_NAMES, keyRow } from '../../config/keys.ts';
import { flagName } from '../../config/schema.ts';
import { fileCommand } from '../args.ts';
import { type Commands, OK, UsageError } from '../command.ts';
import { optionLines } from '../flags.ts';
import { bashScript, fishScript, type Grammar, zshScript } from '../terminal/shells.ts';

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
const NAMES = Object.keys(SHELLS) as (keyof typeof SHELLS)[];

const HELP = `fluxion completions bash|zsh|fish

Prints a script that completes commands, flags, configuration keys, their values and files in the shell.

Examples
  fluxion completions bash > ~/.local/share/bash-completion/completions/fluxion
  fluxion completions zsh > ~/.zfunc/_fluxion           (with 'fpath+=~/.zfunc' before compinit in ~/.zshrc)
  fluxion completions fish > ~/.config/fish/completions/fluxion.fish
  source <(fluxion completions bash)                     for this shell alone

Options
${optionLines({})}
`;

export default fileCommand({
  flags: {},
  choices: { words: NAMES },
  help: HELP,

  async run({ words }, { commands }) {
    const [shell, ...others] = words;
    const name = NAMES.find((known) => known === shell);
    if (name === undefined || others.length > 0) {
      const found =
        shell === undefined ? 'which shell?' : `expected one of ${NAMES.join(', ')}, found '${words.join(' ')}'`;
      throw new UsageError('bad_config', found, { hint: 'fluxion completions bash' });
    }
    process.stdout.write(SHELLS[name](await grammar(commands)));
    return OK;
  },
});

/** The words to complete, from the tables of commands and keys. */
async function grammar(table: Commands): Promise<Grammar> {
  const commands = await Promise.all(
    Object.entries(table).map(async ([name, { summary, load }]) => {
      const { flags, takesKeys = false, choices = {} } = (await load()).default;
      return { name, summary, flags: [...Object.keys(flags), 'help'], takesKeys, choices };
    }),
  );
  const keys = KEY_NAMES.map((name) => {
    const { kind, help } = keyRow(name);
    const values = /^\w+(\|\w+)+$/.test(kind.placeholder) ? kind.placeholder.split('|') : undefined;
    return { name, flag: flagName(name), help, values, isSwitch: kind.name === 'boolean' };
  });
  const topics = [...Object.keys(table), 'config', 'environment'];
  return { commands, keys, topics };
}
