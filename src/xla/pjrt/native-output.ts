/** Keeps the logs that XLA, libtpu and NVIDIA's libraries write to standard output and error away from the user. */

import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { isLogged, log } from '../../support/log.ts';

/** Makes XLA and libtpu log only fatal errors, unless the user's environment or `FLUXION_LOG=debug` asks for more. */
export function quietNativeLogs(env: NodeJS.ProcessEnv): void {
  if (isLogged('debug')) return;
  env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
  env['TPU_STDERR_LOG_LEVEL'] ??= '3';
}

/**
 * Makes a native call on this thread with its output going to an unlinked file, as libraries log before their log levels are set. If the
 * call throws, the error includes that output.
 */
export function withoutNativeOutput<T>(call: () => T): T {
  if (isLogged('debug') || process.platform === 'win32') return call();
  const sink = openSink();
  if (sink === undefined) return call();
  const c = koffi.load(null);
  const dup: (fd: number) => number = c.func('int dup(int fd)');
  const dup2: (from: number, to: number) => number = c.func('int dup2(int from, int to)');
  // What dup opened is closed here as well: Node warns of descriptors that others opened, and Deno refuses them.
  const close: (fd: number) => number = c.func('int close(int fd)');
  const saved = [1, 2].map((fd) => [fd, dup(fd)] as const).filter(([, copy]) => copy >= 0);
  try {
    for (const [fd] of saved) dup2(sink, fd);
    return call();
  } catch (error) {
    const said = readFileSync(`/dev/fd/${sink}`, 'utf8').trim();
    if (said !== '' && error instanceof Error) error.message += `; it wrote: ${said.slice(-500)}`;
    throw error;
  } finally {
    for (const [fd, copy] of saved) {
      dup2(copy, fd);
      close(copy);
    }
    closeSync(sink);
  }
}

function openSink(): number | undefined {
  const path = join(tmpdir(), `fluxion-${randomUUID()}`);
  try {
    const sink = openSync(path, 'wx+', 0o600);
    rmSync(path);
    return sink;
  } catch (error) {
    log('debug', `cannot keep native output in ${path}: ${error}`);
    return undefined;
  }
}
