/** The start picture, with its strength, mask and new edges. */

import { useId } from 'preact/hooks';
import type { PictureIn } from '../files/picture-in.ts';
import { defaults, pictureUse } from '../state/model.ts';
import {
  grows,
  hasMask,
  height,
  maskBlur,
  maskCrop,
  resize,
  setStart,
  startPicture,
  strength,
  width,
} from '../state/settings.ts';
import { Check, Choice, errorId, FieldError, Slider } from './fields.tsx';
import { Icon } from './icon.tsx';
import { isEditing } from './picture-editor.tsx';
import { PictureSlot, Thumb } from './picture-slot.tsx';
import { Section } from './section.tsx';

export const START = 'Start from a picture';

const FITS = [
  ['stretch', 'Stretch'],
  ['cover', 'Crop'],
  ['contain', 'Extend'],
] as const;
/** Margin in pixels around the mask if only that area is repainted. */
const AROUND = 32;

export function StartFields() {
  const picture = startPicture.value;
  const state = picture && (grows.value ? 'new edges' : hasMask.value ? 'with a mask' : 'on');
  return (
    <Section title={START} state={state} fields={[...PICTURE, 'strength', 'maskBlur', 'paddingMaskCrop']}>
      {pictureUse.value === 'fill' && (
        <p class="hint">This model repaints a part of a picture: add one, then a mask or new edges.</p>
      )}
      {picture ? (
        <StartPicture picture={picture} />
      ) : (
        <PictureSlot label="Choose or drop a picture" name="image" onPictures={([first]) => setStart(first)} />
      )}
    </Section>
  );
}

/** Fields whose errors appear at the picture. */
const PICTURE = ['image', 'maskImage', 'outpaint'] as const;

function StartPicture({ picture }: { readonly picture: PictureIn }) {
  const id = useId();
  const isSized = width.value !== undefined || height.value !== undefined;
  return (
    <>
      <div class="start">
        <Thumb picture={picture} onRemove={() => setStart(undefined)} />
        <div class="start-settings">
          <p class="hint">
            {picture.width} × {picture.height}
          </p>
          <button
            type="button"
            class="quiet"
            aria-describedby={errorId(PICTURE, id)}
            onClick={() => (isEditing.value = true)}
          >
            <Icon name="brush" /> Mask and edges
          </button>
          <FieldError name={PICTURE} id={id} />
        </div>
      </div>
      <Slider
        label="Strength"
        name="strength"
        min={0.05}
        value={strength.value ?? defaults.value?.strength ?? 0.6}
        onInput={(value) => (strength.value = value)}
      />
      {isSized && (
        <Choice
          label="Fit to the size above"
          value={resize.value}
          options={FITS}
          onChange={(value) => (resize.value = value)}
        />
      )}
      {hasMask.value && (
        <>
          <Slider
            label="Soft edge of the mask"
            name="maskBlur"
            max={64}
            step={1}
            value={maskBlur.value}
            onInput={(value) => (maskBlur.value = value)}
          />
          <Check
            name="paddingMaskCrop"
            checked={maskCrop.value !== undefined}
            onChange={(checked) => (maskCrop.value = checked ? AROUND : undefined)}
          >
            Work only on the part around the mask, at full size
          </Check>
        </>
      )}
    </>
  );
}
