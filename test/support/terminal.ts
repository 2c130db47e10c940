/** Runs the program in a terminal of its own, by Python's pty: what it writes on standard output, and what the terminal answers. */

import { spawnSync } from 'node:child_process';
import { PROGRAM, run } from './command-line.ts';

/** Copies a pty's output to standard output, and answers what the program asks the terminal. */
const SCRIPT = `
import fcntl, os, pty, struct, subprocess, sys, termios
answer = sys.argv[1].encode('latin1').decode('unicode_escape').encode('latin1')
pid, terminal = pty.fork()
if pid == 0:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    if sys.argv[2] == 'background':
        os._exit(subprocess.Popen(sys.argv[3:], process_group=0).wait())
    os.execvp(sys.argv[3], sys.argv[3:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    os.write(1, piece)
    if b'\\x1b[c' in piece and answer:
        os.write(terminal, answer)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)
`;

/** Whether this machine has a Python that makes terminals. */
export const canMakeTerminals: boolean = spawnSync('python3', ['-c', 'import pty, fcntl, termios']).status === 0;

/**
 * Runs `fluxion` in a terminal, in the foreground unless told otherwise; `answer` is what the terminal says when it is asked for its
 * attributes.
 */
export function inTerminal(
  args: readonly string[],
  {
    cwd,
    env,
    answer = '',
    ground = 'foreground',
  }: { cwd: string; env: Readonly<Record<string, string>>; answer?: string; ground?: 'foreground' | 'background' },
) {
  const words = ['-c', SCRIPT, answer, ground, process.execPath, PROGRAM, ...args];
  return run('python3', words, {
    cwd,
    env: { NO_COLOR: '', CI: '', TMUX: '', STY: '', TERM_PROGRAM: '', LC_TERMINAL: '', KITTY_WINDOW_ID: '', ...env },
  });
}
