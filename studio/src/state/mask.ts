/** A mask in the making: optionally a picture, then strokes and rectangles that paint or erase, in pixels. Undo removes the last mark. */

import type { PictureIn } from '../files/picture-in.ts';

export interface Stroke {
  readonly erases: boolean;
  /** Diameter of the brush, in pixels. */
  readonly size: number;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A filled rectangle. */
export interface Rectangle {
  readonly erases: boolean;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export type Mark = Stroke | Rectangle;
type Size = { readonly width: number; readonly height: number };

/** Draws a mark; of a stroke, only the points from index `from` on. */
export function drawMark(context: CanvasRenderingContext2D, mark: Mark, from = 0): void {
  context.globalCompositeOperation = mark.erases ? 'destination-out' : 'source-over';
  context.fillStyle = context.strokeStyle;
  if (!('points' in mark)) {
    context.fillRect(mark.left, mark.top, mark.width, mark.height);
    return;
  }
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.lineWidth = mark.size;
  const [first, ...rest] = mark.points.slice(from);
  if (!first) return;
  context.beginPath();
  if (rest.length === 0) {
    context.arc(...first, mark.size / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  context.moveTo(...first);
  for (const point of rest) context.lineTo(...point);
  context.stroke();
}

/** The area that a mask's picture paints (lighter than mid-grey), in this colour, scaled to the size of the picture it is for. */
export async function maskLayer(mask: PictureIn, { width, height }: Size, colour: string): Promise<HTMLCanvasElement> {
  const image = Object.assign(new Image(), { src: mask.url });
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.drawImage(image, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height);
  const { data } = pixels;
  for (let i = 0; i < data.length; i += 4)
    data[i + 3] = 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]! >= 127.5 ? data[i + 3]! : 0;
  context.putImageData(pixels, 0, 0);
  context.globalCompositeOperation = 'source-in';
  context.fillStyle = colour;
  context.fillRect(0, 0, width, height);
  return canvas;
}

/** The mask as requests carry it: white is repainted, black stays. */
export async function paintedMask(marks: readonly Mark[], { width, height }: Size, base?: PictureIn): Promise<File> {
  if (base && marks.length === 0) return base.file;
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d')!;
  if (base) context.drawImage(await maskLayer(base, { width, height }, '#fff'), 0, 0);
  context.strokeStyle = '#fff';
  for (const mark of marks) drawMark(context, mark);
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = '#000';
  context.fillRect(0, 0, width, height);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) =>
        blob
          ? resolve(new File([blob], 'mask.png', { type: 'image/png' }))
          : reject(new Error('the mask cannot be encoded')),
      'image/png',
    ),
  );
}
