/** The grid over two keys: the form with its keys and values, and its pictures as they are finished. */

import { type Signal, signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import {
  askForPicture,
  GRID_KEYS,
  type Grid,
  type GridAxis,
  type GridKey,
  grid,
  gridKeys,
  gridProblem,
  gridValues,
  makeGrid,
  pictureOf,
} from '../state/grid.ts';
import { jobOf } from '../state/jobs.ts';
import { tellError } from '../state/notices.ts';
import { select } from '../state/selection.ts';
import { Dialog } from './dialog.tsx';
import { Choice, Field } from './fields.tsx';
import { Icon } from './icon.tsx';
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

interface Draft {
  readonly key: GridKey;
  readonly text: string;
}

export function GridDialog() {
  const across = useSignal<Draft>({ key: 'seed', text: EXAMPLES.seed });
  const down = useSignal<Draft>({ key: 'steps', text: EXAMPLES.steps });
  const isMaking = useSignal(false);
  if (!showsGrid.value) return null;
  const axisOf = ({ key, text }: Draft): GridAxis => ({ key, values: gridValues(text) });
  const [x, y] = [axisOf(across.value), axisOf(down.value)];
  const problem = gridProblem(x, y);
  const make = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (problem || isMaking.value) return;
    isMaking.value = true;
    await makeGrid(x, y).catch(tellError);
    isMaking.value = false;
  };
  return (
    <Dialog title="Grid" onClose={() => (showsGrid.value = false)} isLarge>
      <form class="grid-form" onSubmit={(event) => void make(event)}>
        <AxisFields label="Across" axis={across} />
        <AxisFields label="Down" axis={down} />
        <button type="submit" class="primary" disabled={problem !== undefined} aria-disabled={isMaking.value}>
          Make the grid
        </button>
        <p class="hint" role="status">
          {problem ?? `${x.values.length * y.values.length} pictures.`}
        </p>
      </form>
      {grid.value && <GridTable grid={grid.value} />}
    </Dialog>
  );
}

function AxisFields({ label, axis }: { readonly label: string; readonly axis: Signal<Draft> }) {
  return (
    <fieldset class="row">
      <legend class="unseen">{label}</legend>
      <Choice
        label={label}
        value={axis.value.key}
        options={gridKeys.value}
        onChange={(key) => (axis.value = { key, text: EXAMPLES[key] })}
      />
      <Field label="Values">
        {(control) => (
          <input
            {...control}
            type="text"
            value={axis.value.text}
            onInput={(event) => (axis.value = { ...axis.value, text: event.currentTarget.value })}
          />
        )}
      </Field>
    </fieldset>
  );
}

function GridTable({ grid: { across, down, jobs } }: { readonly grid: Grid }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
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
  const made = job === undefined ? undefined : jobOf(job);
  const picture = job === undefined ? undefined : pictureOf(job);
  const preview = made?.previews.value.get(0);
  useEffect(() => {
    if (job !== undefined && !made && !picture) askForPicture(job).catch(() => {});
  }, [job, made, picture]);
  if (job === undefined) return <span class="cell" />;
  return (
    <button
      type="button"
      class="cell"
      aria-label={name}
      disabled={!picture && !made}
      onClick={() => {
        select({ job, index: 0 });
        showsGrid.value = false;
      }}
    >
      {picture ? (
        <StoredPicture name={picture.name} thumbnail={320} alt={name} loading="lazy" />
      ) : made?.hasFailed ? (
        <Icon name="broken" />
      ) : preview ? (
        <PreviewCanvas preview={preview} />
      ) : (
        made && <span class="waiting" />
      )}
    </button>
  );
}
