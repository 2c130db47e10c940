/** Ending the process while native calls are still in progress on other threads. */

import koffi from 'koffi';

/**
 * Ends the process at once, after the listeners of its `exit` event. `process.exit` would wait for threads inside
 * native calls, and XLA can compile for minutes.
 */
export function exitAtOnce(status: number): never {
  process.emit('exit', status);
  if (process.platform !== 'win32') koffi.load(null).func('void _exit(int status)')(status);
  process.exit(status);
}
