/** The end of a process that only has memory left to free: the system does that at once, plugins one object after the other. */

let near = false;

/** Says that the process will end by `exitAtOnce` as soon as its output is written: what is freed from now on is left to the system. */
export function announceEnd(): void {
  // Windows has no end that skips the plugins' exit handlers, which must not meet live objects.
  near = process.platform !== 'win32';
}

/** Whether the end was announced. */
export function isEndNear(): boolean {
  return near;
}
