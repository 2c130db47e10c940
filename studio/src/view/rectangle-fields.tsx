/** A rectangle of a mask in numbers: for people who do not paint, and for exact edges. */

import { useSignal } from '@preact/signals';
import type { PictureIn } from '../files/picture-in.ts';
import { announce } from '../state/notices.ts';
import { marks } from '../state/settings.ts';
import { NumberField } from './fields.tsx';

interface RectangleFieldsProps {
  readonly picture: PictureIn;
  readonly erases: boolean;
}

export function RectangleFields({ picture, erases }: RectangleFieldsProps) {
  const left = useSignal<number | undefined>(undefined);
  const top = useSignal<number | undefined>(undefined);
  const width = useSignal<number | undefined>(undefined);
  const height = useSignal<number | undefined>(undefined);
  const whole = { left: 0, top: 0, width: picture.width, height: picture.height };
  const add = (): void => {
    const rectangle = {
      left: left.value ?? whole.left,
      top: top.value ?? whole.top,
      width: width.value ?? whole.width,
      height: height.value ?? whole.height,
    };
    marks.value = [...marks.value, { erases, ...rectangle }];
    announce(
      `${erases ? 'Erased' : 'Masked'} ${rectangle.width} by ${rectangle.height} pixels, ${rectangle.left} from the left, ${rectangle.top} from the top`,
    );
  };
  return (
    <fieldset>
      <legend>Rectangle in pixels</legend>
      <div class="row rectangle">
        <NumberField label="From the left" value={left} min={0} max={picture.width} unset={whole.left} />
        <NumberField label="From the top" value={top} min={0} max={picture.height} unset={whole.top} />
        <NumberField label="Width" value={width} min={1} max={picture.width} unset={whole.width} />
        <NumberField label="Height" value={height} min={1} max={picture.height} unset={whole.height} />
        <button type="button" class="quiet" onClick={add}>
          {erases ? 'Erase it' : 'Mask it'}
        </button>
      </div>
    </fieldset>
  );
}
