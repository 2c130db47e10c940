/** A grid over two keys: what it goes over, and its pictures as they come. */

import { signal, useSignal } from '@preact/signals';
import {
  GRID_KEYS,
  type Grid,
  type GridAxis,
  type GridKey,
  grid,
  gridKeys,
  gridValues,
  MOST_CELLS,
  makeGrid,
  pictureOf,
} from '../state/grid.ts';
import { liveJobs } from '../state/jobs.ts';
import { tellError } from '../state/notices.ts';
import { select } from '../state/selection.ts';
import { prompt } from '../state/settings.ts';
import { Dialog } from './dialog.tsx';
import { PreviewCanvas } from './preview.tsx';
import { StoredPicture } from './stored-picture.tsx';

export const showsGrid = signal(false);

const EXAMPLES: Readonly<Record<GridKey, string>> = {
  seed: '1, 2, 3',
  guidance: '2, 3.5, 5',
  steps: '4, 8, 16',
  strength: '0.4, 0.6, 0.8',
  trueCfgScale: '1, 2, 4',
};

export function GridDialog() {
  const across = useSignal<{ key: GridKey; text: string }>({ key: 'seed', text: EXAMPLES.seed });
  const down = useSignal<{ key: GridKey; text: string }>({ key: 'steps', text: EXAMPLES.steps });
  const isMaking = useSignal(false);
  if (!showsGrid.value) return null;
  const axes = [across, down].map(({ value: { key, text } }) => ({ key, values: gridValues(text) }));
  const [x, y] = axes as [Partial<GridAxis>, Partial<GridAxis>];
  const cells = (x.values?.length ?? 0) * (y.values?.length ?? 0);
  const canMake = cells > 0 && cells <= MOST_CELLS && x.key !== y.key && prompt.value.trim() !== '' && !isMaking.value;
  const make = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!canMake) return;
    isMaking.value = true;
    await makeGrid(x as GridAxis, y as GridAxis).catch(tellError);
    isMaking.value = false;
  };
  const why =
    prompt.value.trim() === ''
      ? 'Write a prompt first.'
      : x.key === y.key
        ? 'Choose two different keys.'
        : cells === 0
          ? 'Write numbers with commas between them.'
          : cells > MOST_CELLS
            ? `At most ${MOST_CELLS} pictures.`
            : `${cells} pictures.`;
  return (
    <Dialog title="Grid" onClose={() => (showsGrid.value = false)} isLarge>
      <form class="grid-form" onSubmit={(event) => void make(event)}>
        <AxisFields label="Across" axis={across} />
        <AxisFields label="Down" axis={down} />
        <button type="submit" class="primary" disabled={!canMake}>
          Make the grid
        </button>
        <p class="hint" role="status">
          {why}
        </p>
      </form>
      {grid.value && <GridTable grid={grid.value} />}
    </Dialog>
  );
}

interface AxisFieldsProps {
  readonly label: string;
  readonly axis: { value: { key: GridKey; text: string } };
}

function AxisFields({ label, axis }: AxisFieldsProps) {
  return (
    <fieldset class="row">
      <legend class="unseen">{label}</legend>
      <label class="field">
        <span>{label}</span>
        <select
          value={axis.value.key}
          onChange={(event) => {
            const key = event.currentTarget.value as GridKey;
            axis.value = { key, text: EXAMPLES[key] };
          }}
        >
          {gridKeys.value.map(([key, name]) => (
            <option key={key} value={key}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="field is-wide">
        <span>Values</span>
        <input
          type="text"
          value={axis.value.text}
          onInput={(event) => {
            axis.value = { ...axis.value, text: event.currentTarget.value };
          }}
        />
      </label>
    </fieldset>
  );
}

function GridTable({ grid: { across, down, jobs } }: { readonly grid: Grid }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section class="grid-scroll" tabIndex={0} aria-label="Pictures of the grid">
      <table>
        <thead>
          <tr>
            <td />
            {across.values.map((value) => (
              <th key={value} scope="col">
                {GRID_KEYS[across.key]} {value}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {down.values.map((value, row) => (
            <tr key={value}>
              <th scope="row">
                {GRID_KEYS[down.key]} {value}
              </th>
              {across.values.map((column, i) => (
                <td key={column}>
                  <Cell
                    job={jobs[row]?.[i]}
                    name={`${GRID_KEYS[down.key]} ${value}, ${GRID_KEYS[across.key]} ${column}`}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Cell({ job, name }: { readonly job: string | undefined; readonly name: string }) {
  if (job === undefined) return <span class="cell" />;
  const live = liveJobs.value.find(({ id }) => id === job);
  const picture = pictureOf(job);
  const preview = live?.previews.value.get(0);
  const content = picture ? (
    <StoredPicture name={picture.name} thumbnail={320} alt={name} loading="lazy" />
  ) : preview ? (
    <PreviewCanvas preview={preview} />
  ) : (
    live && <span class="waiting" />
  );
  return (
    <button
      type="button"
      class="cell"
      aria-label={name}
      disabled={!picture && !live}
      onClick={() => {
        select({ job, index: 0 });
        showsGrid.value = false;
      }}
    >
      {content}
    </button>
  );
}
