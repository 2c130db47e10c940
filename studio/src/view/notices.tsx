/** Notices at the edge of the page, and the live regions for screen readers. */

import { useEffect, useRef } from 'preact/hooks';
import { alarm, announcement, dismiss, type Notice, notices } from '../state/notices.ts';
import { focusGallery } from './gallery.tsx';
import { IconButton } from './icon.tsx';

/** Milliseconds that a notice stays; longer with an action. Errors stay until they are dismissed. */
const STAYS = { plain: 6000, action: 12_000 };

export function Notices() {
  const before = useRef<HTMLElement | null>(null);
  const leave = (id: number): void => {
    dismiss(id);
    // The focused element was removed with its notice.
    requestAnimationFrame(() => {
      if (document.activeElement === document.body && before.current?.isConnected) before.current.focus();
    });
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
          {notices.value.map((notice) => (
            <NoticeLine key={notice.id} notice={notice} onLeave={() => leave(notice.id)} />
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

interface NoticeLineProps {
  readonly notice: Notice;
  readonly onLeave: () => void;
}

function NoticeLine({ notice: { id, text, tone, action }, onLeave }: NoticeLineProps) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (tone === 'error') return;
    // A notice under the pointer, or with the focus, stays for another period.
    const timer = setInterval(
      () => element.current?.matches(':hover, :focus-within') || dismiss(id),
      action ? STAYS.action : STAYS.plain,
    );
    return () => clearInterval(timer);
  }, []);
  const act = async (): Promise<void> => {
    onLeave();
    await action?.run();
    if (action?.undoes) focusGallery();
  };
  return (
    <div ref={element} class={`notice is-${tone}`}>
      <p dir="auto">{text}</p>
      {action && (
        <button type="button" class="quiet" onClick={() => void act()}>
          {action.label}
        </button>
      )}
      <IconButton icon="close" label="Dismiss" onClick={onLeave} />
    </div>
  );
}
