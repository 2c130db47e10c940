/** Asks for the server's key, if the server needs one. */

import { signal } from '@preact/signals';
import { needsKey, setKey } from '../server.ts';
import { start } from '../state/start.ts';
import { Dialog } from './dialog.tsx';

/** Whether the dialog was closed without a key; the head of the page can open it again. */
const isPutOff = signal(false);

export function askForKey(): void {
  isPutOff.value = false;
}

export function KeyDialog() {
  if (!needsKey.value || isPutOff.value) return null;
  const isRefused = needsKey.value === 'refused';
  const use = (event: SubmitEvent): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement).get('key');
    if (typeof given !== 'string' || given.trim() === '') return;
    setKey(given.trim());
    start();
  };
  return (
    <Dialog title="This server asks for a key" onClose={() => (isPutOff.value = needsKey.value !== undefined)}>
      <form onSubmit={use}>
        <div class="field">
          <label for="key">Key</label>
          <input
            id="key"
            name="key"
            type="password"
            autocomplete="current-password"
            required
            aria-invalid={isRefused || undefined}
            aria-describedby={isRefused ? 'key-error' : undefined}
          />
          {isRefused && (
            <p class="error" id="key-error">
              The server does not know the key that was given.
            </p>
          )}
        </div>
        <button type="submit" class="primary">
          Use it
        </button>
      </form>
    </Dialog>
  );
}
