/** Writes completion scripts for shells from the words that may be typed. Pure text. */

/** The words that may be typed. */
export interface Grammar {
  readonly commands: readonly GrammarCommand[];
  readonly keys: readonly GrammarKey[];
  /** The topics of `fluxion help`. */
  readonly topics: readonly string[];
}

interface GrammarCommand {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly string[];
  readonly takesKeys: boolean;
  /** Completions for the words after the command and for its flags; file names if there are none. */
  readonly choices: Readonly<Partial<Record<string, readonly string[]>>>;
}

interface GrammarKey {
  readonly name: string;
  readonly flag: string;
  readonly help: string;
  /** Undefined if any value is allowed, such as a file. */
  readonly values: readonly string[] | undefined;
  /** Whether its flag takes no value. */
  readonly isSwitch: boolean;
}

/** The script for bash 4 and newer, which splits words at `=`. */
export function bashScript({ commands, keys, topics }: Grammar): string {
  return `# fluxion completions bash
_fluxion() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} key= takes_keys= words= choices=
  COMPREPLY=()
  if [[ $cur == = ]]; then key=$prev cur=
  elif [[ $prev == = ]]; then key=\${COMP_WORDS[COMP_CWORD-2]}
  elif [[ $cur == *=* ]]; then key=\${cur%%=*} cur=\${cur#*=}
  elif [[ $prev == --* ]]; then key=$prev; fi
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} help --help --version" -- "$cur"))
    return
  fi
  case $command in
    help) COMPREPLY=($(compgen -W "${topics.join(' ')}" -- "$cur")); return ;;
${commands.map((command) => commandCase(command, { flags: 'words', list: (words) => `"${words}"`, current: '$cur' })).join('\n')}
    *) return ;;
  esac
  if [[ $takes_keys && $key ]]; then
    case $key in
${keyCases(keys, (words) => `"${words}"`)}
${keys
  .filter(({ isSwitch }) => isSwitch)
  .map(({ flag }) => `      --${flag}) key= ;;`)
  .join('\n')}
    esac
  fi
  if [[ $cur == -* && ! $choices ]]; then
    [[ $takes_keys ]] && words+=" ${keys.map(({ flag }) => `--${flag}`).join(' ')}"
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  elif [[ $choices ]]; then
    COMPREPLY=($(compgen -W "$choices" -- "$cur"))
  else
    if [[ $takes_keys && ! $key && $cur ]]; then
      COMPREPLY=($(compgen -S = -W "${keys.map(({ name }) => name).join(' ')}" -- "$cur"))
      [[ \${COMPREPLY[0]} ]] && compopt -o nospace 2>/dev/null
    fi
    local IFS=$'\\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY+=($(compgen -f -- "$cur"))
  fi
}
complete -F _fluxion fluxion
`;
}

/** How bash and zsh differ in the words of a command. */
interface Dialect {
  /** The variable of the command's flags. */
  readonly flags: string;
  /** A list of words. */
  readonly list: (words: string) => string;
  /** The word at the cursor. */
  readonly current: string;
}

/** A command's branch of `case`, in bash and zsh: its flags, and what may follow it or them. */
function commandCase(
  { name, flags, takesKeys, choices: { words, ...own } }: GrammarCommand,
  { flags: variable, list, current }: Dialect,
): string {
  const cases = Object.entries(own).map(([flag, values]) => `${flag}) choices=${list(values!.join(' '))} ;;`);
  const parts = [
    `${variable}=${list(flags.map((flag) => `--${flag}`).join(' '))}`,
    ...(takesKeys ? ['takes_keys=1'] : []),
    ...(cases.length > 0 ? [`case $key in ${cases.join(' ')} esac`] : []),
    ...(words?.length ? [`[[ -n $key ]] || choices=${list(words.join(' '))}`] : []),
    ...(words?.length === 0 ? [`[[ ${current} == -* ]] || return`] : []),
  ];
  return `    ${name}) ${parts.join('; ')} ;;`;
}

/** The branches of `case` for the keys whose values are known, in bash and zsh. */
function keyCases(keys: readonly GrammarKey[], list: Dialect['list']): string {
  const lines = keys.flatMap(({ name, flag, values, isSwitch }) =>
    values ? [`      ${isSwitch ? name : `${name}|--${flag}`}) choices=${list(values.join(' '))} ;;`] : [],
  );
  return lines.join('\n');
}

/** The script for zsh, an autoloaded function. */
export function zshScript({ commands, keys, topics }: Grammar): string {
  return `#compdef fluxion
# fluxion completions zsh
_fluxion() {
  local -a commands=(${commands.map(({ name, summary }) => single(`${name}:${summary}`)).join(' ')} 'help:explains a command or the keys')
  local -a keys=(${keys.map(({ name, help }) => single(`${name}:${help}`)).join(' ')})
  local -a flags=() choices=()
  local key= takes_keys=
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  if [[ $words[CURRENT] == *=* ]]; then key=\${words[CURRENT]%%=*}; compset -P '*='
  elif [[ $words[CURRENT-1] == --* ]]; then key=$words[CURRENT-1]; fi
  case $words[2] in
    help) compadd -- ${topics.join(' ')}; return ;;
${commands.map((command) => commandCase(command, { flags: 'flags', list: (words) => `(${words})`, current: '$words[CURRENT]' })).join('\n')}
  esac
  if [[ -n $takes_keys && -n $key ]]; then
    case $key in
${keyCases(keys, (words) => `(${words})`)}
    esac
  fi
  if (( $#choices )); then compadd -- $choices; return; fi
  if [[ $words[CURRENT] == -* ]]; then
    compadd -- $flags
    [[ -n $takes_keys ]] && compadd -- ${keys.map(({ flag }) => `--${flag}`).join(' ')}
    return
  fi
  [[ -n $takes_keys && -z $key ]] && _describe key keys -S =
  _files
}
if [[ $funcstack[1] == _fluxion ]]; then _fluxion "$@"; else compdef _fluxion fluxion; fi
`;
}

/** The script for fish. */
export function fishScript({ commands, keys, topics }: Grammar): string {
  const names = commands.map(({ name }) => name).join(' ');
  const keyed = commands
    .filter(({ takesKeys }) => takesKeys)
    .map(({ name }) => name)
    .join(' ');
  const inKeyed = `-n '__fish_seen_subcommand_from ${keyed}'`;
  const lines = [
    '# fluxion completions fish',
    ...commands.map(
      ({ name, summary }) => `complete -c fluxion -f -n __fish_use_subcommand -a ${name} -d ${fish(summary)}`,
    ),
    "complete -c fluxion -f -n __fish_use_subcommand -a help -d 'explains a command or the keys'",
    `complete -c fluxion -f -n '__fish_seen_subcommand_from help' -a '${topics.join(' ')}'`,
    ...commands.flatMap(({ name, flags, choices }) => {
      const here = `-n '__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from help'`;
      return [
        ...flags.map((flag) => {
          const values = choices[`--${flag}`];
          return `complete -c fluxion ${here} -l ${flag}${values ? ` -xa '${values.join(' ')}'` : ''}`;
        }),
        ...(choices['words'] ? [`complete -c fluxion -f ${here} -a '${choices['words'].join(' ')}'`] : []),
      ];
    }),
    ...keys.flatMap(({ name, flag, help, values, isSwitch }) => {
      const words = values ? values.map((value) => `${name}=${value}`) : [`${name}=`];
      const taken = isSwitch ? '' : values ? ` -xa '${values.join(' ')}'` : ' -r';
      return [
        `complete -c fluxion ${inKeyed} -a '${words.join(' ')}' -d ${fish(help)}`,
        `complete -c fluxion ${inKeyed} -l ${flag}${taken} -d ${fish(help)}`,
      ];
    }),
  ];
  return `# Commands: ${names}\n${lines.join('\n')}\n`;
}

/** Quotes text for bash and zsh. */
function single(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
