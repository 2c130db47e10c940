/** Places for input pictures: `PictureSlot` takes them, `Thumb` shows one. */

import { useId, useRef } from 'preact/hooks';
import { FORMATS, filesOf, type PictureIn, pictureIn } from '../files/picture-in.ts';
import type { FieldName } from '../state/field-errors.ts';
import { limits } from '../state/model.ts';
import { announce, tellError } from '../state/notices.ts';
import { errorId, FieldError } from './fields.tsx';
import { Icon, IconButton } from './icon.tsx';

interface PictureSlotProps {
  readonly label: string;
  readonly name: FieldName;
  readonly several?: boolean;
  readonly onPictures: (pictures: readonly PictureIn[]) => void;
}

/** A button that opens the file chooser and takes dropped files. */
export function PictureSlot({ label, name, several = false, onPictures }: PictureSlotProps) {
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const take = async (files: readonly File[]): Promise<void> => {
    const taken = several ? files : files.slice(0, 1);
    const most = limits.value?.inputPixels;
    const read = await Promise.allSettled(taken.map((file) => pictureIn(file, file.name, most)));
    for (const one of read) if (one.status === 'rejected') tellError(one.reason);
    const pictures = read.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    if (pictures.length === 0) return;
    onPictures(pictures);
    announce(pictures.length === 1 ? `${pictures[0]!.name} is added` : `${pictures.length} pictures are added`);
  };
  return (
    <div class="slot">
      <button
        type="button"
        aria-describedby={errorId(name, id)}
        onClick={() => input.current?.click()}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void take(filesOf(event.dataTransfer));
        }}
      >
        <Icon name="image" />
        {label}
      </button>
      <input
        ref={input}
        type="file"
        accept={FORMATS.join()}
        aria-label={label}
        hidden
        multiple={several}
        onChange={(event) => {
          void take([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
      <FieldError name={name} id={id} />
    </div>
  );
}

/** A small view of an input picture, with a button to remove it. */
export function Thumb({ picture, onRemove }: { readonly picture: PictureIn; readonly onRemove: () => void }) {
  const { url, name, width, height } = picture;
  return (
    <div class="thumb">
      <img src={url} alt={name} title={`${name}, ${width} × ${height}`} decoding="async" />
      <IconButton icon="close" label={`Remove ${name}`} onClick={onRemove} />
    </div>
  );
}
