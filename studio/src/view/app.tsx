/** The page. */

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { filesOf } from '../files/picture-in.ts';
import { takeIn } from './actions.ts';
import { Composer } from './composer.tsx';
import { Gallery, noteFocus } from './gallery.tsx';
import { GridDialog } from './grid-dialog.tsx';
import { Header } from './header.tsx';
import { KeyDialog } from './key-dialog.tsx';
import { Notices } from './notices.tsx';
import { Opening } from './opening.tsx';
import { PictureEditor } from './picture-editor.tsx';
import { listenToKeys, Shortcuts } from './shortcuts.tsx';
import { Stage } from './stage.tsx';

export function App() {
  useEffect(listenToKeys, []);
  return (
    <>
      <a class="skip" href="#pictures">
        Go to the pictures
      </a>
      <Header />
      <div class="columns">
        <Composer />
        <main id="pictures" tabIndex={-1} onFocusIn={noteFocus}>
          <Opening />
          <Stage />
          <Gallery />
        </main>
      </div>
      <DropAnywhere />
      <PictureEditor />
      <GridDialog />
      <Shortcuts />
      <KeyDialog />
      <Notices />
    </>
  );
}

/** Takes in pictures that are dropped or pasted outside the places for pictures. */
function DropAnywhere() {
  const isOver = useSignal(false);
  useEffect(() => {
    const listening = new AbortController();
    const { signal } = listening;
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
    let depth = 0;
    const show = (change: number): void => {
      depth = Math.max(0, depth + change);
      isOver.value = depth > 0;
    };
    addEventListener('dragenter', (event) => hasFiles(event) && show(1), { signal });
    addEventListener('dragleave', (event) => hasFiles(event) && show(-1), { signal });
    addEventListener('dragover', (event) => hasFiles(event) && event.preventDefault(), { signal });
    addEventListener(
      'drop',
      (event) => {
        show(-depth);
        const [file] = filesOf(event.dataTransfer);
        // Dropped text stays with the element it is dropped on.
        if (!file || event.defaultPrevented) return;
        event.preventDefault();
        void takeIn(file);
      },
      { signal },
    );
    addEventListener(
      'paste',
      (event) => {
        const [file] = filesOf(event.clipboardData);
        if (file) void takeIn(file);
      },
      { signal },
    );
    return () => listening.abort();
  }, []);
  return isOver.value ? <div class="drop-veil">Drop it to restore its recipe, or to start from it</div> : null;
}
