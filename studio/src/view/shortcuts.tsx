/** Keyboard shortcuts: one table for both the handler and the list on the page. */

import { signal } from '@preact/signals';
import { pictures, remove, selected, toggleComparison, toggleFavourite } from '../state/gallery.ts';
import { cancel, liveJobs } from '../state/jobs.ts';
import { undoLatest } from '../state/notices.ts';
import { saved } from '../state/saved.ts';
import { select, selection } from '../state/selection.ts';
import { download, useRecipe } from './actions.ts';
import { Dialog } from './dialog.tsx';
import { Check } from './fields.tsx';
import { focusGallery } from './gallery.tsx';
import { showsGrid } from './grid-dialog.tsx';

export const showsShortcuts = signal(false);
/** Whether single keys are shortcuts: speech input, for instance, may press them by accident. */
const usesSingleKeys = saved('singleKeys', true);

interface Shortcut {
  readonly keys: string;
  readonly does: string;
  readonly matches: (event: KeyboardEvent) => boolean;
  readonly run: (event: KeyboardEvent) => unknown;
  /** Also works while typing text. */
  readonly anywhere?: true;
}

const single =
  (...keys: readonly string[]) =>
  (event: KeyboardEvent): boolean =>
    usesSingleKeys.value &&
    !event.ctrlKey &&
    !event.metaKey &&
    !event.altKey &&
    keys.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key);
const withControl =
  (key: string) =>
  (event: KeyboardEvent): boolean =>
    (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === key;

const SHORTCUTS: readonly Shortcut[] = [
  { keys: 'Ctrl Enter', does: 'Generate', anywhere: true, matches: withControl('enter'), run: submit },
  { keys: 'P', does: 'Go to the prompt', matches: single('p'), run: () => focus('.prompt textarea') },
  { keys: '/', does: 'Search the gallery', matches: single('/'), run: () => focus('.search input') },
  { keys: '← →', does: 'The newer or the older picture', matches: single('ArrowLeft', 'ArrowRight'), run: ({ key }) => go(key === 'ArrowLeft' ? -1 : 1) },
  { keys: 'R', does: 'Reuse the recipe', matches: single('r'), run: () => selected.value && useRecipe(selected.value.recipe) },
  { keys: 'F', does: 'Favourite', matches: single('f'), run: () => selected.value && toggleFavourite(selected.value) },
  { keys: 'D', does: 'Download', matches: single('d'), run: () => selected.value && download(selected.value) },
  { keys: 'C', does: 'Compare with another picture', matches: single('c'), run: toggleComparison },
  { keys: 'Delete', does: 'Delete the picture', matches: single('Delete'), run: () => selected.value && remove(selected.value) },
  { keys: 'Ctrl Z', does: 'Undo the deletion', matches: withControl('z'), run: undo },
  { keys: 'X', does: 'Cancel what is being made', matches: single('x'), run: () => {
    const job = liveJobs.value.find(({ id }) => id === selection.value?.job) ?? liveJobs.value[0];
    if (job) cancel(job);
  } },
  { keys: 'G', does: 'Grid over two keys', matches: single('g'), run: () => (showsGrid.value = true) },
  { keys: '?', does: 'Show these shortcuts', matches: single('?'), run: () => (showsShortcuts.value = true) },
]; // biome-ignore format: one shortcut reads as one row

/** Undoes the latest deletion and focuses the picture, unless the focus is elsewhere. */
async function undo(): Promise<void> {
  await undoLatest();
  if (document.activeElement?.matches('body, #gallery, .tile')) focusGallery();
}

/** Submits the form, after the focused field has reported its value. */
function submit(): void {
  document.activeElement?.dispatchEvent(new Event('change', { bubbles: true }));
  document.querySelector<HTMLButtonElement>('.composer .primary:enabled')?.click();
}

function focus(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}

/** Shows the picture before or after the one on the stage. */
function go(by: number): void {
  const at = pictures.value.findIndex(({ name }) => name === selected.value?.name);
  const next = pictures.value[at < 0 ? 0 : at + by];
  if (next) select(next);
  if (document.activeElement?.matches('.tile')) focusGallery();
}

/** Listens to the keyboard; returns the function that stops it. */
export function listenToKeys(): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || document.querySelector('dialog[open]')) return;
    const target = event.target as HTMLElement;
    const isTyping = target.matches(
      'input, textarea, select, [contenteditable], [role=slider], [role=application], summary',
    );
    const shortcut = SHORTCUTS.find(({ matches, anywhere }) => (anywhere || !isTyping) && matches(event));
    if (!shortcut) return;
    event.preventDefault();
    shortcut.run(event);
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}

export function Shortcuts() {
  if (!showsShortcuts.value) return null;
  return (
    <Dialog title="Keyboard shortcuts" onClose={() => (showsShortcuts.value = false)}>
      <dl class="shortcuts">
        {SHORTCUTS.map(({ keys, does }) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <Check checked={usesSingleKeys.value} onChange={(checked) => (usesSingleKeys.value = checked)}>
        Use shortcuts of a single key
      </Check>
    </Dialog>
  );
}
