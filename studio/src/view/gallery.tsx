/** All pictures, newest first: those that are being made before them, and what did not get done. */

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

/** Pixels across a tile, on fine screens. */
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

/** One stop of the Tab key: arrow keys go through the pictures. */
function Tiles() {
  const element = useRef<HTMLUListElement>(null);
  useSignalEffect(() => {
    // A new choice, a new list: whichever the tiles are then, one of them takes the Tab key.
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

/** The tile above or below another. */
function vertical(key: string, tiles: readonly HTMLElement[], at: number): number | undefined {
  if (key !== 'ArrowUp' && key !== 'ArrowDown') return undefined;
  const first = tiles[0]!.getBoundingClientRect().top;
  const columns = tiles.findIndex((tile) => tile.getBoundingClientRect().top > first);
  if (columns < 0) return at;
  return Math.min(tiles.length - 1, Math.max(0, key === 'ArrowUp' ? at - columns : at + columns));
}

/** Asks for older pictures when the end comes near, or is reached by keyboard. */
function More() {
  const button = useRef<HTMLButtonElement>(null);
  const list = pictures.value;
  useEffect(() => {
    // Anew with each list, even one as long as the last: an observer tells nothing more while the end stays near.
    const margin = '600px';
    // Of several changes that are told at once, the last is how things are.
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

/** Drawn anew only where its picture changed: a gallery has thousands. */
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

/** A picture of a job that is not over, or that ended without it. */
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

/** Remembers what has the focus among the pictures, for when it goes away with a picture or a job. */
export function noteFocus({ target }: FocusEvent): void {
  hadFocus = target as Element;
}

/** Puts the focus on the picture of the stage, or on the gallery where it has none; for when what had it is gone. */
export function focusGallery(options?: FocusOptions): void {
  requestAnimationFrame(() => {
    const place = document.querySelector<HTMLElement>('.tile[aria-current]') ?? document.getElementById('gallery');
    place?.focus(options);
  });
}
