/** The stage: one picture, large, while it forms and when it is done, with its actions. */

import { useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { JobPicture } from '../server.ts';
import { comparedTo, remove, selected, toggleComparison, toggleFavourite } from '../state/gallery.ts';
import { cancel, dismissJob, jobOf, repeat } from '../state/jobs.ts';
import type { LiveJob } from '../state/live-job.ts';
import { defaults } from '../state/model.ts';
import { selection } from '../state/selection.ts';
import { prompt } from '../state/settings.ts';
import { plainText, secondsText } from '../text.ts';
import { download, useAsStart, useRecipe } from './actions.ts';
import { Comparison } from './comparison.tsx';
import { Icon, IconButton } from './icon.tsx';
import { PreviewCanvas } from './preview.tsx';
import { RecipeTable } from './recipe-table.tsx';
import { StoredPicture } from './stored-picture.tsx';

export function Stage() {
  const picture = selected.value;
  const job = selection.value && jobOf(selection.value.job);
  const other = comparedTo.value;
  const element = useRef<HTMLElement>(null);
  useSignalEffect(() => {
    if (selection.value) element.current?.scrollIntoView({ block: 'nearest' });
  });
  return (
    <section ref={element} class="stage" aria-labelledby="picture">
      <h2 class="unseen" id="picture">
        Picture
      </h2>
      {picture && other && other.name !== picture.name ? (
        <Comparison left={other} right={picture} />
      ) : picture ? (
        <Finished picture={picture} />
      ) : job?.hasFailed ? (
        <Failed job={job} />
      ) : job ? (
        <Forming job={job} index={selection.value!.index} />
      ) : (
        <Empty />
      )}
      {job && !job.hasFailed && !job.finished.value.some(({ index }) => index === selection.value?.index) && (
        <JobLine job={job} />
      )}
      {picture && <Actions picture={picture} />}
    </section>
  );
}

/** A box with a picture's proportions, as large as fits. */
function Frame({
  width,
  height,
  children,
}: {
  readonly width: number;
  readonly height: number;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="frame" style={{ '--ratio': width / height, '--own': `${width}px` }}>
      {children}
    </div>
  );
}

function Finished({ picture }: { readonly picture: JobPicture }) {
  const { name, job, index, width, height, recipe } = picture;
  // The last preview stays below until the picture has loaded.
  const preview = jobOf(job)?.previews.value.get(index);
  return (
    <Frame width={width} height={height}>
      {preview && <PreviewCanvas preview={preview} />}
      <StoredPicture
        key={name}
        class="picture"
        name={name}
        alt={plainText(recipe.prompt)}
        width={width}
        height={height}
      />
    </Frame>
  );
}

function Forming({ job, index }: { readonly job: LiveJob; readonly index: number }) {
  const preview = job.previews.value.get(index);
  // A preview's sides are an eighth of the picture's.
  const { width, height } = preview
    ? { width: 8 * preview.width, height: 8 * preview.height }
    : { width: job.width ?? defaults.value?.width ?? 1024, height: job.height ?? defaults.value?.height ?? 1024 };
  return (
    <Frame width={width} height={height}>
      {preview ? <PreviewCanvas preview={preview} /> : <div class="waiting" />}
    </Frame>
  );
}

/** Example prompts that every model can draw. */
const EXAMPLES = [
  'a red house in the mountains at sunset',
  'a lighthouse by the sea at night',
  'a white sailboat on the ocean at noon',
];

/** A job that ended without this picture. */
function Failed({ job }: { readonly job: LiveJob }) {
  const { text } = job.progress.value;
  return (
    <div class="empty">
      <Icon name="broken" />
      <p>{text}</p>
      <p class="faint" dir="auto">
        {job.prompt}
      </p>
      <div class="row">
        {job.request && (
          <button type="button" class="quiet" onClick={() => void repeat(job)}>
            Make it again
          </button>
        )}
        <button type="button" class="quiet" onClick={() => dismissJob(job)}>
          Dismiss
        </button>
      </div>
      {!job.request && (
        <p class="faint">This browser does not have the pictures that went in: add them again to make it.</p>
      )}
    </div>
  );
}

function Empty() {
  return (
    <div class="empty">
      <p>Your picture appears here.</p>
      <p class="faint">Describe it and press Generate, or drop one of Fluxion's PNGs anywhere to make it again.</p>
      {prompt.value === '' && (
        <ul class="examples" aria-label="Examples">
          {EXAMPLES.map((example) => (
            <li key={example}>
              <button
                type="button"
                class="chip"
                onClick={() => {
                  prompt.value = example;
                  document.querySelector<HTMLElement>('.composer .primary')?.focus();
                }}
              >
                {example}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function JobLine({ job }: { readonly job: LiveJob }) {
  const { text, part, left } = job.progress.value;
  return (
    <div class="job-line">
      <progress aria-label="Progress" value={part} />
      <p>
        <span>{text}</span>
        {left !== undefined && <span class="faint">{secondsText(left)} left</span>}
      </p>
      <button type="button" class="quiet" onClick={() => cancel(job)}>
        Cancel
      </button>
    </div>
  );
}

function Actions({ picture }: { readonly picture: JobPicture }) {
  const { name, recipe, favourite } = picture;
  const isCompared = comparedTo.value !== undefined;
  return (
    <div class="about">
      <fieldset class="actions" aria-label="This picture">
        <button type="button" class="quiet" aria-keyshortcuts="R" onClick={() => void useRecipe(recipe)}>
          Reuse recipe
        </button>
        <button type="button" class="quiet" onClick={() => void useAsStart(picture)}>
          Start from it
        </button>
        <span class="space" />
        <IconButton
          icon="compare"
          label={isCompared ? 'Stop comparing' : 'Compare with another picture'}
          keys="C"
          pressed={isCompared}
          onClick={toggleComparison}
        />
        <IconButton
          icon="heart"
          label="Favourite"
          keys="F"
          pressed={favourite}
          filled={favourite}
          onClick={() => void toggleFavourite(picture)}
        />
        <IconButton icon="download" label="Download" keys="D" onClick={() => void download(picture)} />
        <IconButton icon="trash" label="Delete" keys="Delete" onClick={() => void remove(picture)} />
      </fieldset>
      {comparedTo.value?.name === name && <p class="hint">Choose another picture below to compare with this one.</p>}
      <RecipeTable picture={picture} />
    </div>
  );
}
