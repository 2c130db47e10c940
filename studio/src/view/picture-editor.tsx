/** Edits the mask of the start picture (painted, in numbers, or from a file), and its edges, which are dragged outwards. */

import { signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { PictureIn } from '../files/picture-in.ts';
import { drawMark, maskLayer, type Stroke } from '../state/mask.ts';
import { tellError } from '../state/notices.ts';
import { grows, type Margins, margins, marks, maskPicture, setMaskPicture, startPicture } from '../state/settings.ts';
import { Dialog } from './dialog.tsx';
import { EdgeHandle, SIDES } from './edge-handle.tsx';
import { Slider } from './fields.tsx';
import { IconButton } from './icon.tsx';
import { PictureSlot } from './picture-slot.tsx';
import { RectangleFields } from './rectangle-fields.tsx';

export const isEditing = signal(false);

export function PictureEditor() {
  const picture = startPicture.value;
  return isEditing.value && picture ? <Editor key={picture.url} picture={picture} /> : null;
}

function Editor({ picture }: { readonly picture: PictureIn }) {
  const brush = useSignal(Math.round(Math.max(picture.width, picture.height) / 10));
  const erases = useSignal(false);
  const frame = useRef<HTMLDivElement>(null);
  const [left, right, top, bottom] = margins.value;
  const whole = { width: picture.width + left + right, height: picture.height + top + bottom };
  const close = (): void => {
    isEditing.value = false;
  };
  const undo = (): void => {
    marks.value = marks.value.slice(0, -1);
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'z' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      undo();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  return (
    <Dialog title="Mask and edges" onClose={close} isLarge>
      <p class="hint">
        {grows.value
          ? 'The space beyond the old edges is painted. The mask is not used while there is any.'
          : 'Paint over the part to repaint, or drag an edge outwards to go on beyond it.'}
      </p>
      <div class="editor">
        <div ref={frame} class="editor-frame" style={{ '--ratio': whole.width / whole.height }}>
          <div
            class="editor-picture"
            style={{
              left: `${(100 * left) / whole.width}%`,
              top: `${(100 * top) / whole.height}%`,
              width: `${(100 * picture.width) / whole.width}%`,
              height: `${(100 * picture.height) / whole.height}%`,
            }}
          >
            <img src={picture.url} alt={picture.name} draggable={false} />
            <MaskCanvas picture={picture} brush={brush.value} erases={erases.value} />
          </div>
          {SIDES.map((side, i) => (
            <EdgeHandle
              key={side}
              side={side}
              value={margins.value[i]!}
              pixelsPer={() => whole.width / frame.current!.clientWidth}
              onChange={(value) => (margins.value = margins.value.with(i, value) as unknown as Margins)}
            />
          ))}
        </div>
      </div>
      <div class="editor-tools">
        <fieldset class="chips" aria-label="Tool">
          <button type="button" class="chip" aria-pressed={!erases.value} onClick={() => (erases.value = false)}>
            Brush
          </button>
          <button type="button" class="chip" aria-pressed={erases.value} onClick={() => (erases.value = true)}>
            Eraser
          </button>
        </fieldset>
        <Slider
          label="Size"
          min={4}
          max={Math.round(Math.max(picture.width, picture.height) / 2)}
          step={1}
          value={brush.value}
          onInput={(value) => (brush.value = value)}
        />
        <IconButton icon="undo" label="Undo" keys="Control+Z" disabled={marks.value.length === 0} onClick={undo} />
        <button type="button" class="quiet" onClick={() => setMaskPicture(undefined)}>
          Clear
        </button>
        <button type="button" class="primary" onClick={close}>
          Done
        </button>
      </div>
      <details class="part">
        <summary>
          <h3>Without painting</h3>
        </summary>
        <div class="part-fields">
          <RectangleFields picture={picture} erases={erases.value} />
          <PictureSlot
            label={maskPicture.value ? 'Use another mask' : 'Use a picture as the mask: white is repainted'}
            name="maskImage"
            onPictures={([mask]) => mask && setMaskPicture(mask)}
          />
        </div>
      </details>
    </Dialog>
  );
}

interface MaskCanvasProps {
  readonly picture: PictureIn;
  readonly brush: number;
  readonly erases: boolean;
}

/** The painted mask; without a pointer, arrow keys move the brush and Space paints. */
function MaskCanvas({ picture: { width, height }, brush, erases }: MaskCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const current = useRef<{ stroke: Stroke; pointer: number } | undefined>(undefined);
  const cursor = useSignal<readonly [x: number, y: number] | undefined>(undefined);
  const layer = useSignal<HTMLCanvasElement | undefined>(undefined);
  const drawn = marks.value;
  const base = maskPicture.value;
  const below = layer.value;

  useEffect(() => {
    layer.value = undefined;
    if (!base) return;
    let isGone = false;
    maskLayer(base, { width, height }, getComputedStyle(canvas.current!).color).then((made) => {
      if (!isGone) layer.value = made;
    }, tellError);
    return () => {
      isGone = true;
    };
  }, [base, width, height]);
  useEffect(() => {
    const context = canvas.current!.getContext('2d')!;
    context.globalCompositeOperation = 'source-over';
    context.clearRect(0, 0, width, height);
    if (below) context.drawImage(below, 0, 0);
    context.strokeStyle = getComputedStyle(canvas.current!).color;
    for (const mark of drawn) drawMark(context, mark);
  }, [drawn, below, width, height]);

  const at = ({ clientX, clientY }: PointerEvent): readonly [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    return [((clientX - box.left) / box.width) * width, ((clientY - box.top) / box.height) * height];
  };
  const add = (stroke: Stroke): void => {
    marks.value = [...marks.value, stroke];
  };
  const move = (event: PointerEvent): void => {
    cursor.value = at(event);
    const going = current.current;
    if (going?.pointer !== event.pointerId) return;
    const { stroke } = going;
    going.stroke = { ...stroke, points: [...stroke.points, at(event)] };
    drawMark(canvas.current!.getContext('2d')!, going.stroke, stroke.points.length - 1);
  };
  const end = (event: PointerEvent): void => {
    if (current.current?.pointer !== event.pointerId) return;
    add(current.current.stroke);
    current.current = undefined;
  };
  const onKey = (event: KeyboardEvent): void => {
    const [dx, dy] = ARROWS[event.key] ?? [0, 0];
    const isPaint = event.key === ' ' || event.key === 'Enter';
    if (dx === 0 && dy === 0 && !isPaint) return;
    event.preventDefault();
    const [x, y] = cursor.value ?? [width / 2, height / 2];
    if (isPaint) {
      add({ erases, size: brush, points: [[x, y]] });
      return;
    }
    const step = brush / 3;
    const moved = [Math.min(width, Math.max(0, x + dx * step)), Math.min(height, Math.max(0, y + dy * step))] as const;
    cursor.value = moved;
    if (event.shiftKey) add({ erases, size: brush, points: [[x, y], moved] });
  };

  return (
    <div
      class={grows.value ? 'mask is-idle' : 'mask'}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys and Space paint, too
      tabIndex={0}
      role="application"
      aria-label="Mask. Arrow keys move the brush, Space paints a dot, Shift with an arrow paints a line."
      onPointerDown={(event) => {
        if (event.button !== 0 || current.current) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        current.current = { stroke: { erases, size: brush, points: [at(event)] }, pointer: event.pointerId };
        drawMark(canvas.current!.getContext('2d')!, current.current.stroke);
      }}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
      onPointerLeave={() => (cursor.value = undefined)}
      onFocus={() => (cursor.value ??= [width / 2, height / 2])}
      onBlur={() => (cursor.value = undefined)}
      onKeyDown={onKey}
    >
      <canvas ref={canvas} width={width} height={height} />
      {cursor.value && (
        <span
          class="brush"
          style={{
            left: `${(100 * cursor.value[0]) / width}%`,
            top: `${(100 * cursor.value[1]) / height}%`,
            width: `${(100 * brush) / width}%`,
          }}
        />
      )}
    </div>
  );
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
