/**
 * A picture of the server. If the server needs a key, which an `<img>` cannot send, the page fetches the picture itself, once it is
 * close to the visible area.
 */

import { useSignal } from '@preact/signals';
import type { ImgHTMLAttributes } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { key, reachable, server } from '../server.ts';

interface StoredPictureProps extends Pick<ImgHTMLAttributes, 'class' | 'loading' | 'width' | 'height'> {
  readonly name: string;
  readonly alt: string;
  /** Width in pixels of a smaller copy. */
  readonly thumbnail?: number;
}

/** Most attempts to fetch a picture, for instance while the server is lost, and milliseconds between them. */
const ATTEMPTS = 3;
const BETWEEN = 1000;

export function StoredPicture({ name, alt, thumbnail, ...rest }: StoredPictureProps) {
  const element = useRef<HTMLImageElement>(null);
  const content = useSignal<string | undefined>(undefined);
  const attempt = useSignal(0);
  const tryAgain = (): void => {
    if (attempt.value + 1 < ATTEMPTS) void reachable().then(() => setTimeout(() => attempt.value++, BETWEEN));
  };
  const size = thumbnail === undefined ? {} : { width: thumbnail };
  useEffect(() => {
    if (key.value === undefined) return;
    let url: string | undefined;
    const leaving = new AbortController();
    const seen = new IntersectionObserver(
      (changes) => {
        if (!changes.some(({ isIntersecting }) => isIntersecting)) return;
        seen.disconnect();
        void server()
          .picture(name, size)
          .then(
            (blob) => {
              if (leaving.signal.aborted) return;
              url = URL.createObjectURL(blob);
              content.value = url;
            },
            () => leaving.signal.aborted || tryAgain(),
          );
      },
      { rootMargin: '400px', scrollMargin: '400px' },
    );
    seen.observe(element.current!);
    return () => {
      leaving.abort();
      seen.disconnect();
      if (url) URL.revokeObjectURL(url);
      content.value = undefined;
    };
  }, [name, thumbnail, key.value, attempt.value]);
  const src = key.value === undefined ? server().pictureUrl(name, size) : content.value;
  return <img {...rest} key={attempt.value} ref={element} src={src} alt={alt} decoding="async" onError={tryAgain} />;
}
