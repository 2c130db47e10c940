/** Two pictures, one over the other, with a slider between them. */

import { useSignal } from '@preact/signals';
import type { JobPicture } from '../server.ts';
import { plainText } from '../text.ts';
import { StoredPicture } from './stored-picture.tsx';

interface ComparisonProps {
  readonly left: JobPicture;
  readonly right: JobPicture;
}

export function Comparison({ left, right }: ComparisonProps) {
  const place = useSignal(50);
  const { width, height } = right;
  return (
    <div
      class="frame comparison"
      style={{ '--ratio': width / height, '--own': `${width}px`, '--place': `${place.value}%` }}
    >
      <StoredPicture class="picture" name={right.name} alt={plainText(right.recipe.prompt)} />
      <StoredPicture class="picture is-left" name={left.name} alt={plainText(left.recipe.prompt)} />
      <span class="divider" />
      <input
        type="range"
        min={0}
        max={100}
        aria-label="How much of the first picture is shown"
        aria-valuetext={`${place.value} percent`}
        value={place.value}
        onInput={(event) => (place.value = event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}
