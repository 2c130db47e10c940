/** Ending the process while native calls are still in progress on other threads. */

import koffi from 'koffi';

/**
 * Ends the process at once, after the listeners of its `exit` event. `process.exit` waits for threads that are inside a native
 * call, and XLA may compile for minutes without looking up.
 */
export function exitAtOnce(status: number): never {
  process.emit('exit', status);
  if (process.platform !== 'win32') koffi.load(null).func('void _exit(int status)')(status);
  process.exit(status);
}
