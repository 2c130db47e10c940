/** Further input pictures: references, control pictures with their ControlNets, and pictures as a part of the prompt. */

import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { PictureIn } from '../files/picture-in.ts';
import { controlnets, hasRedux, pictureUse, takesReferences } from '../state/model.ts';
import {
  cannyHigh,
  cannyLow,
  controlEnd,
  controlPictures,
  controlStart,
  drawsEdges,
  promptPictures,
  references,
  takesControl,
  type Weighted,
} from '../state/settings.ts';
import { plainText } from '../text.ts';
import { Check, Choice, NumberField, Slider } from './fields.tsx';
import { PictureSlot, Thumb } from './picture-slot.tsx';
import { Section } from './section.tsx';

export function ReferenceFields() {
  if (!takesReferences.value) return null;
  const given = references.value;
  return (
    <Section title="References" state={countOf(given)} fields={['referenceImage']}>
      <p class="hint">
        {pictureUse.value === 'reference'
          ? 'The model looks at these pictures: say in the prompt what to do with them.'
          : 'FLUX.1 Kontext is trained to look at pictures; other models make little of them.'}
      </p>
      {given.length > 0 && (
        <ul class="thumbs">
          {given.map((picture) => (
            <li key={picture.url}>
              <Thumb
                picture={picture}
                onRemove={() => (references.value = references.value.filter((other) => other !== picture))}
              />
            </li>
          ))}
        </ul>
      )}
      <PictureSlot
        label={given.length > 0 ? 'Add another reference' : 'Add references'}
        name="referenceImage"
        several
        onPictures={(more) => (references.value = [...references.value, ...more])}
      />
    </Section>
  );
}

export function ControlFields() {
  if (!takesControl.value) return null;
  const given = controlPictures.value;
  const nets = controlnets.value;
  const hasRoom = given.length < (nets.length === 1 ? 8 : Math.max(1, nets.length));
  return (
    <Section
      title="Control picture"
      state={countOf(given)}
      fields={[
        ...(['controlImage', 'controlMode', 'controlnetConditioningScale', 'control'] as const),
        ...(['controlGuidanceStart', 'controlGuidanceEnd', 'cannyLow', 'cannyHigh'] as const),
      ]}
    >
      {nets.length > 1 && <p class="hint">One picture for each ControlNet, in this order.</p>}
      <WeightedPictures of={controlPictures}>
        {(one, i, change) => {
          const net = nets[nets.length === 1 ? 0 : i];
          return (
            net && (
              <>
                {nets.length > 1 && <p class="hint">{plainText(net.name, 80)}</p>}
                {net.modes !== undefined && (
                  <Choice
                    label={`Kind of control of ${one.picture.name}`}
                    name="controlMode"
                    value={String(one.mode)}
                    options={Array.from({ length: net.modes }, (_, mode) => [String(mode), `Kind ${mode}`] as const)}
                    onChange={(mode) => change({ mode: Number(mode) })}
                  />
                )}
                <Slider
                  label={`Strength of ${one.picture.name}`}
                  name="controlnetConditioningScale"
                  max={2}
                  value={one.scale}
                  onInput={(scale) => change({ scale })}
                />
              </>
            )
          );
        }}
      </WeightedPictures>
      {hasRoom && (
        <PictureSlot
          label={
            nets.length > 1 ? `Picture for ${plainText(nets[given.length]!.name, 40)}` : 'Choose or drop a picture'
          }
          name="controlImage"
          onPictures={(pictures) => add(controlPictures, pictures)}
        />
      )}
      {nets.some(({ modes }) => modes !== undefined) && (
        <p class="hint">
          The model card of the ControlNet lists its kinds. InstantX's begin with edges, tile, depth, blur, pose.
        </p>
      )}
      <Check
        name={hasRoom ? 'control' : ['control', 'controlImage']}
        checked={drawsEdges.value}
        onChange={(checked) => (drawsEdges.value = checked)}
      >
        Draw the edges of the picture (Canny)
      </Check>
      {drawsEdges.value && (
        <div class="row">
          <NumberField label="Low threshold" name="cannyLow" value={cannyLow} min={0} max={2000} unset={100} />
          <NumberField label="High threshold" name="cannyHigh" value={cannyHigh} min={0} max={2000} unset={200} />
        </div>
      )}
      {nets.length > 0 && <ControlSpan />}
    </Section>
  );
}

/** The part of the steps that ControlNets steer: 0 is before the first, 1 after the last. */
function ControlSpan() {
  return (
    <div class="row">
      <Slider
        label="Steers from"
        name="controlGuidanceStart"
        value={controlStart.value}
        onInput={(value) => (controlStart.value = Math.min(value, controlEnd.value))}
      />
      <Slider
        label="Steers until"
        name="controlGuidanceEnd"
        value={controlEnd.value}
        onInput={(value) => (controlEnd.value = Math.max(value, controlStart.value))}
      />
    </div>
  );
}

export function PromptPictureFields() {
  if (!hasRedux.value) return null;
  return (
    <Section
      title="Pictures in the prompt"
      state={countOf(promptPictures.value)}
      fields={['reduxImage', 'promptEmbedsScale']}
    >
      <p class="hint">Redux reads pictures as a part of the prompt; several are mixed by their weights.</p>
      <WeightedPictures of={promptPictures}>
        {({ picture, scale }, _, change) => (
          <Slider
            label={`Weight of ${picture.name}`}
            name="promptEmbedsScale"
            max={2}
            value={scale}
            onInput={(value) => change({ scale: value })}
          />
        )}
      </WeightedPictures>
      <PictureSlot
        label={promptPictures.value.length > 0 ? 'Add another picture' : 'Add pictures'}
        name="reduxImage"
        several
        onPictures={(pictures) => add(promptPictures, pictures)}
      />
    </Section>
  );
}

function add(to: Signal<readonly Weighted[]>, pictures: readonly PictureIn[]): void {
  to.value = [...to.value, ...pictures.map((picture) => ({ picture, scale: 1, mode: 0 }))];
}

function countOf({ length }: readonly unknown[]): string | undefined {
  return length === 0 ? undefined : length === 1 ? '1 picture' : `${length} pictures`;
}

interface WeightedPicturesProps {
  readonly of: Signal<readonly Weighted[]>;
  /** Renders the settings of one picture. */
  readonly children: (one: Weighted, index: number, change: (to: Partial<Weighted>) => void) => ComponentChildren;
}

function WeightedPictures({ of, children }: WeightedPicturesProps) {
  if (of.value.length === 0) return null;
  return (
    <ul class="weighted">
      {of.value.map((one, i) => (
        <li key={one.picture.url}>
          <Thumb picture={one.picture} onRemove={() => (of.value = of.value.filter((other) => other !== one))} />
          <div class="weighted-fields">
            {children(one, i, (to) => (of.value = of.value.with(i, { ...one, ...to })))}
          </div>
        </li>
      ))}
    </ul>
  );
}
