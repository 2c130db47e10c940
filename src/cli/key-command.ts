/** Commands that take configuration keys: `key=value` words and flags. */

import { type Arguments, type CommandFlags, type GivenFlags, splitArguments } from '../config/overrides.ts';
import { type Command, readingUsage, type Session } from './command.ts';

/** A command that takes configuration keys; `run` gets its command line sorted. */
export function keyCommand<F extends CommandFlags>(
  command: Omit<Command, 'run' | 'takesKeys'> & {
    readonly flags: F;
    readonly run: (words: Arguments<GivenFlags<F>>, session: Session) => Promise<number>;
  },
): Command {
  const run: Command['run'] = async (argv, session) =>
    command.run(
      readingUsage(() => splitArguments(argv, command.flags)),
      session,
    );
  return { ...command, takesKeys: true, run };
}
