/** Opens an address in the user's browser. */

import { spawn } from 'node:child_process';

/** Starts the system's opener. Without one, or without a screen, nothing happens: the address was already printed. */
export function openInBrowser(url: string): void {
  const { platform, env } = process;
  const hasScreen = platform === 'win32' || platform === 'darwin' || env['DISPLAY'] || env['WAYLAND_DISPLAY'];
  if (!hasScreen || env['SSH_CONNECTION']) return;
  const [program, args] =
    platform === 'win32'
      ? (['explorer.exe', [url]] as const)
      : platform === 'darwin'
        ? (['open', [url]] as const)
        : (['xdg-open', [url]] as const);
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
