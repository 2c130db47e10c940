/** A preview: the picture so far, an eighth of its size, softened by the browser as it grows. */

import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Preview } from '../server.ts';
import { bytesOf } from '../text.ts';

export function PreviewCanvas({ preview: { width, height, rgb } }: { readonly preview: Preview }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const bytes = bytesOf(rgb);
    const pixels = new ImageData(width, height);
    const { data } = pixels;
    for (let from = 0, to = 0; to < data.length; to += 4) {
      data[to] = bytes[from++]!;
      data[to + 1] = bytes[from++]!;
      data[to + 2] = bytes[from++]!;
      data[to + 3] = 255;
    }
    canvas.current!.getContext('2d')!.putImageData(pixels, 0, 0);
  }, [rgb, width, height]);
  return <canvas ref={canvas} width={width} height={height} />;
}
