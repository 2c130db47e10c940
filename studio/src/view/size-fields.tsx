/** The size of the picture: a shape with the model's usual area, or any sides that are multiples of 16 pixels. */

import { defaults } from '../state/model.ts';
import { height, setSize, startPicture, width } from '../state/settings.ts';
import { NumberField } from './fields.tsx';
import { IconButton } from './icon.tsx';

const SHAPES = [
  ['1:1', 1],
  ['4:3', 4 / 3],
  ['3:2', 3 / 2],
  ['16:9', 16 / 9],
  ['3:4', 3 / 4],
  ['2:3', 2 / 3],
  ['9:16', 9 / 16],
] as const;
const MULTIPLE = 16;

export function SizeFields() {
  const own = defaults.value ?? { width: 1024, height: 1024 };
  const automatic = startPicture.value ? 'as picture' : undefined;
  const now = { width: width.value ?? own.width, height: height.value ?? own.height };
  const isLeftOpen = width.value === undefined && height.value === undefined;
  const side = { min: MULTIPLE, max: 8192, step: MULTIPLE };
  return (
    <fieldset class="size">
      <legend>Size</legend>
      <div class="chips">
        {SHAPES.map(([name, ratio]) => {
          const sides = sidesOf(ratio, own.width * own.height);
          const isChosen = !(isLeftOpen && automatic) && sides.width === now.width && sides.height === now.height;
          return (
            <button
              key={name}
              type="button"
              class="chip"
              aria-pressed={isChosen}
              onClick={() => setSize(isChosen && !isLeftOpen ? {} : sides)}
            >
              {name}
            </button>
          );
        })}
      </div>
      <div class="row sides">
        <NumberField label="Width" name="width" value={width} {...side} unset={automatic ?? own.width} />
        <IconButton
          icon="swap"
          label="Swap width and height"
          onClick={() => setSize({ width: now.height, height: now.width })}
        />
        <NumberField label="Height" name="height" value={height} {...side} unset={automatic ?? own.height} />
      </div>
    </fieldset>
  );
}

/** Sides with this ratio and about this area. */
function sidesOf(ratio: number, area: number): { readonly width: number; readonly height: number } {
  const side = (length: number): number => Math.max(MULTIPLE, Math.round(length / MULTIPLE) * MULTIPLE);
  return { width: side(Math.sqrt(area * ratio)), height: side(Math.sqrt(area / ratio)) };
}
