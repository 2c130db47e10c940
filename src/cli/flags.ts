/** Flags of commands: those of several, and how the help of a command lists its own. */

import type { CommandFlags } from '../config/overrides.ts';

export const JSON_FLAG = { json: { help: 'one JSON object on standard output' } };
export const QUIET = { quiet: { help: 'nothing on standard error but errors' } };
export const OWN_SETTINGS = { 'no-config': { help: 'without your own settings' } };

/** The flags of a command as its help lists them. */
export function optionLines(flags: CommandFlags): string {
  const rows = Object.entries(flags).map(([name, { takes, help }]) => {
    const words = [`${name.length === 1 ? '-' : '--'}${name}`, ...(takes === undefined ? [] : [takes])];
    return [words.join(' '), help] as const;
  });
  const width = Math.max(11, ...rows.map(([flag]) => flag.length)) + 2;
  const line = (flag: string, help: string): string =>
    `  ${flag.padEnd(width)}${help.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}`;
  return [...rows.map(([flag, help]) => line(flag, help)), line('-h, --help', 'this text')].join('\n');
}
