/** A handle at an edge of a picture: dragged, or moved by arrow keys, it sets how far the picture grows there. */

import { useRef } from 'preact/hooks';

export const SIDES = ['left', 'right', 'top', 'bottom'] as const;
export type Side = (typeof SIDES)[number];

const MOST = 1024;
/** The picture's sides stay multiples of this many pixels. */
const STEP = 16;

interface EdgeHandleProps {
  readonly side: Side;
  /** Pixels by which the picture grows. */
  readonly value: number;
  /** Picture pixels per screen pixel. */
  readonly pixelsPer: () => number;
  readonly onChange: (value: number) => void;
}

export function EdgeHandle({ side, value, pixelsPer, onChange }: EdgeHandleProps) {
  const drag = useRef<{ pointer: number; from: number; value: number; scale: number } | undefined>(undefined);
  const isAcross = side === 'left' || side === 'right';
  const outwards = side === 'right' || side === 'bottom' ? 1 : -1;
  const set = (wanted: number): void => onChange(Math.min(MOST, Math.max(0, Math.round(wanted / STEP) * STEP)));
  const place = (event: PointerEvent): number => (isAcross ? event.clientX : event.clientY);
  return (
    <div
      class={`edge is-${side}`}
      role="slider"
      tabIndex={0}
      aria-label={`Grow on the ${side}`}
      aria-orientation={isAcross ? 'horizontal' : 'vertical'}
      aria-valuemin={0}
      aria-valuemax={MOST}
      aria-valuenow={value}
      aria-valuetext={`${value} pixels`}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.current = { pointer: event.pointerId, from: place(event), value, scale: pixelsPer() };
      }}
      onPointerMove={(event) => {
        const going = drag.current;
        if (going?.pointer === event.pointerId) set(going.value + outwards * (place(event) - going.from) * going.scale);
      }}
      onPointerUp={() => (drag.current = undefined)}
      onPointerCancel={() => (drag.current = undefined)}
      onKeyDown={(event) => {
        const steps = {
          ArrowRight: isAcross ? outwards : 1,
          ArrowLeft: isAcross ? -outwards : -1,
          ArrowUp: isAcross ? 1 : -outwards,
          ArrowDown: isAcross ? -1 : outwards,
        }[event.key];
        if (steps === undefined) return;
        event.preventDefault();
        set(value + steps * STEP * (event.shiftKey ? 4 : 1));
      }}
    >
      {value > 0 && <span>{value}</span>}
    </div>
  );
}
