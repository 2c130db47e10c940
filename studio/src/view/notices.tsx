/** Notices at the edge of the page, and the lines that screen readers listen to. */

import { useRef } from 'preact/hooks';
import { alarm, announcement, dismiss, type NoticeAction, notices } from '../state/notices.ts';
import { focusGallery } from './gallery.tsx';
import { IconButton } from './icon.tsx';

export function Notices() {
  const before = useRef<HTMLElement | null>(null);
  const leave = (id: number): void => {
    dismiss(id);
    // What had the focus is gone with its notice.
    requestAnimationFrame(() => {
      if (document.activeElement === document.body && before.current?.isConnected) before.current.focus();
    });
  };
  const act = async (id: number, { run, undoes }: NoticeAction): Promise<void> => {
    leave(id);
    await run();
    if (undoes) focusGallery();
  };
  return (
    <>
      {notices.value.length > 0 && (
        <section
          class="notices"
          aria-label="Notices"
          onFocusIn={({ relatedTarget, currentTarget }) => {
            if (relatedTarget instanceof HTMLElement && !currentTarget.contains(relatedTarget))
              before.current = relatedTarget;
          }}
        >
          {notices.value.map(({ id, text, tone, action }) => (
            <div key={id} class={`notice is-${tone}`}>
              <p dir="auto">{text}</p>
              {action && (
                <button type="button" class="quiet" onClick={() => void act(id, action)}>
                  {action.label}
                </button>
              )}
              <IconButton icon="close" label="Dismiss" onClick={() => leave(id)} />
            </div>
          ))}
        </section>
      )}
      <p class="unseen" role="status">
        {announcement.value}
      </p>
      <p class="unseen" role="alert">
        {alarm.value}
      </p>
    </>
  );
}
