/** All pictures, newest first, after those being made and the jobs that failed. */

import { useComputed, useSignalEffect } from '@preact/signals';
import { memo } from 'preact/compat';
import { useEffect, useRef } from 'preact/hooks';
import type { JobPicture } from '../server.ts';
import { favouritesOnly, hasMore, isLoading, loaded, loadMore, pictures, search } from '../state/gallery.ts';
import { cancel, dismissJob, failedJobs, liveJobs } from '../state/jobs.ts';
import type { LiveJob } from '../state/live-job.ts';
import { isSelected, select, selection } from '../state/selection.ts';
import { plainText, sentence } from '../text.ts';
import { showsGrid } from './grid-dialog.tsx';
import { Icon, IconButton } from './icon.tsx';
import { PreviewCanvas } from './preview.tsx';
import { StoredPicture } from './stored-picture.tsx';

/** Width of a tile in pixels, for screens of high resolution. */
const THUMBNAIL = 320;

export function Gallery() {
  const isFiltered = search.value.trim() !== '' || favouritesOnly.value;
  const isEmpty = pictures.value.length === 0 && liveJobs.value.length === 0 && failedJobs.value.length === 0;
  return (
    <section class="gallery" aria-labelledby="gallery">
      <div class="gallery-head">
        <h2 id="gallery" tabIndex={-1}>
          Gallery
        </h2>
        <label class="search">
          <Icon name="search" />
          <span class="unseen">Search prompts</span>
          <input
            type="search"
            placeholder="Search"
            value={search.value}
            onInput={(event) => (search.value = event.currentTarget.value)}
          />
        </label>
        <IconButton icon="grid" label="Grid over two keys" keys="G" onClick={() => (showsGrid.value = true)} />
        <IconButton
          icon="heart"
          label="Favourites only"
          pressed={favouritesOnly.value}
          filled={favouritesOnly.value}
          onClick={() => (favouritesOnly.value = !favouritesOnly.value)}
        />
      </div>
      <Tiles />
      {loaded.value && isEmpty && (
        <p class="faint">{isFiltered ? 'No pictures match.' : 'Pictures that you make are kept here.'}</p>
      )}
      {hasMore.value && <More />}
    </section>
  );
}

/** The tiles are one stop of the Tab key; arrow keys move between them. */
function Tiles() {
  const element = useRef<HTMLUListElement>(null);
  useSignalEffect(() => {
    // Runs after a new choice or a new list: exactly one tile must be reachable by the Tab key.
    selection.value;
    pictures.value;
    liveJobs.value;
    failedJobs.value;
    requestAnimationFrame(() => {
      const list = element.current;
      if (!list) return;
      const stop = list.querySelector('.tile[aria-current]') ?? list.querySelector('.tile');
      for (const tile of list.querySelectorAll('.tile[tabindex="0"]'))
        if (tile !== stop) tile.setAttribute('tabindex', '-1');
      stop?.setAttribute('tabindex', '0');
      if (document.activeElement !== document.body || hadFocus?.isConnected !== false) return;
      hadFocus = undefined;
      focusGallery({ preventScroll: true });
    });
  });
  const onKey = (event: KeyboardEvent): void => {
    const tiles = [...element.current!.querySelectorAll<HTMLElement>('.tile')];
    const at = tiles.indexOf(document.activeElement as HTMLElement);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const to =
      { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tiles.length - 1 }[event.key] ??
      vertical(event.key, tiles, at);
    if (to === undefined) return;
    event.preventDefault();
    tiles[to]?.focus();
    tiles[to]?.click();
    if (to >= tiles.length - 1 && hasMore.value) void loadMore();
  };
  return (
    <ul ref={element} class="tiles" aria-label="Pictures" onKeyDown={onKey}>
      {liveJobs.value
        .toReversed()
        .flatMap((job) =>
          unfinished(job).map((index) => <JobTile key={`${job.id}:${index}`} job={job} index={index} />),
        )}
      {failedJobs.value.toReversed().map((job) => (
        <JobTile key={job.id} job={job} index={0} />
      ))}
      {pictures.value.map((picture) => (
        <Tile key={picture.name} picture={picture} />
      ))}
    </ul>
  );
}

/** The index of the tile above or below another. */
function vertical(key: string, tiles: readonly HTMLElement[], at: number): number | undefined {
  if (key !== 'ArrowUp' && key !== 'ArrowDown') return undefined;
  const first = tiles[0]!.getBoundingClientRect().top;
  const columns = tiles.findIndex((tile) => tile.getBoundingClientRect().top > first);
  if (columns < 0) return at;
  return Math.min(tiles.length - 1, Math.max(0, key === 'ArrowUp' ? at - columns : at + columns));
}

/** Loads older pictures when the end of the list comes near, or is reached by keyboard. */
function More() {
  const button = useRef<HTMLButtonElement>(null);
  const list = pictures.value;
  useEffect(() => {
    // A new observer for each list, even one of the same length: it reports only changes, and the end may stay near.
    const margin = '600px';
    // Of several changes reported at once, the last is current.
    const near = new IntersectionObserver((changes) => changes.at(-1)!.isIntersecting && void loadMore(), {
      rootMargin: margin,
      scrollMargin: margin,
    });
    near.observe(button.current!);
    return () => near.disconnect();
  }, [list]);
  return (
    <button
      ref={button}
      type="button"
      class="quiet more"
      aria-disabled={isLoading.value}
      onClick={() => void loadMore()}
    >
      Show more
    </button>
  );
}

function unfinished({ total, finished }: LiveJob): readonly number[] {
  const done = new Set(finished.value.map(({ index }) => index));
  return Array.from({ length: total }, (_, i) => total - 1 - i).filter((index) => !done.has(index));
}

/** Rendered again only if its picture changed: a gallery has thousands. */
const Tile = memo(({ picture }: { readonly picture: JobPicture }) => {
  const { name, recipe, favourite, job, index } = picture;
  const isCurrent = useComputed(() => (isSelected({ job, index }) ? ('true' as const) : undefined));
  return (
    <li>
      <button type="button" class="tile" tabIndex={-1} aria-current={isCurrent} onClick={() => select(picture)}>
        <StoredPicture
          name={name}
          thumbnail={THUMBNAIL}
          alt={`${plainText(recipe.prompt, 120)}, seed ${recipe.seed}${favourite ? ', favourite' : ''}`}
          loading="lazy"
        />
        {favourite && (
          <span class="badge">
            <Icon name="heart" filled />
          </span>
        )}
      </button>
    </li>
  );
});

/** A picture that is not finished: its job goes on, or ended without it. */
function JobTile({ job, index }: { readonly job: LiveJob; readonly index: number }) {
  const { hasFailed, prompt } = job;
  const preview = job.previews.value.get(index);
  const { status, text, part } = job.progress.value;
  const place = { job: job.id, index };
  return (
    <li class="live">
      <button
        type="button"
        class={hasFailed ? 'tile is-failed' : 'tile'}
        tabIndex={-1}
        aria-current={isSelected(place) ? 'true' : undefined}
        onClick={() => select(place)}
      >
        {hasFailed ? <Icon name="broken" /> : preview ? <PreviewCanvas preview={preview} /> : <span class="waiting" />}
        <span class="unseen">{prompt}: </span>
        <span class="tile-text">{hasFailed ? sentence(status) : text}</span>
        {part !== undefined && <span class="bar" style={{ '--part': part }} />}
      </button>
      {hasFailed ? (
        <IconButton icon="close" label={`Dismiss ${prompt}`} onClick={() => dismissJob(job)} />
      ) : (
        <IconButton icon="close" label={`Cancel ${prompt}`} onClick={() => cancel(job)} />
      )}
    </li>
  );
}

let hadFocus: Element | undefined;

/** Remembers the focused element of the gallery, in case it is removed with its picture or job. */
export function noteFocus({ target }: FocusEvent): void {
  hadFocus = target as Element;
}

/** After the focused element was removed, focuses the picture of the stage, or the gallery if it does not show that one. */
export function focusGallery(options?: FocusOptions): void {
  requestAnimationFrame(() => {
    const place = document.querySelector<HTMLElement>('.tile[aria-current]') ?? document.getElementById('gallery');
    place?.focus(options);
  });
}
