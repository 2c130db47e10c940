/** Pictures beside the prompt: references, control pictures with their ControlNets, and pictures as a part of the prompt. */

import type { Signal } from '@preact/signals';
import { useId } from 'preact/hooks';
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
  setReferences,
  setWeighted,
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
                onRemove={() => setReferences(references.value.filter((other) => other !== picture))}
              />
            </li>
          ))}
        </ul>
      )}
      <PictureSlot
        label={given.length > 0 ? 'Add another reference' : 'Add references'}
        name="referenceImage"
        several
        onPictures={(more) => setReferences([...references.value, ...more])}
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
                  min={0}
                  max={2}
                  step={0.05}
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
          onPictures={([picture]) => add(controlPictures, picture)}
        />
      )}
      {nets.some(({ modes }) => modes !== undefined) && (
        <p class="hint">
          The page of the ControlNet says which kind is which; InstantX's begins with edges, tile, depth, blur, pose.
        </p>
      )}
      <Check checked={drawsEdges.value} onChange={(checked) => (drawsEdges.value = checked)}>
        Draw the edges of the picture (Canny)
      </Check>
      {drawsEdges.value && (
        <div class="row">
          <NumberField label="Edges go on above" name="cannyLow" value={cannyLow} min={0} max={2000} unset={100} />
          <NumberField label="Edges begin above" name="cannyHigh" value={cannyHigh} min={0} max={2000} unset={200} />
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
        min={0}
        max={1}
        step={0.05}
        value={controlStart.value}
        onInput={(value) => (controlStart.value = Math.min(value, controlEnd.value))}
      />
      <Slider
        label="Steers until"
        name="controlGuidanceEnd"
        min={0}
        max={1}
        step={0.05}
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
            min={0}
            max={2}
            step={0.05}
            value={scale}
            onInput={(value) => change({ scale: value })}
          />
        )}
      </WeightedPictures>
      <PictureSlot
        label={promptPictures.value.length > 0 ? 'Add another picture' : 'Add pictures'}
        name="reduxImage"
        several
        onPictures={(more) => {
          for (const picture of more) add(promptPictures, picture);
        }}
      />
    </Section>
  );
}

function add(to: Signal<readonly Weighted[]>, picture: Weighted['picture'] | undefined): void {
  if (picture) to.value = [...to.value, { picture, scale: 1, mode: 0 }];
}

function countOf({ length }: readonly unknown[]): string | undefined {
  return length === 0 ? undefined : length === 1 ? '1 picture' : `${length} pictures`;
}

interface WeightedPicturesProps {
  readonly of: Signal<readonly Weighted[]>;
  /** What can be set of one of them. */
  readonly children: (one: Weighted, index: number, change: (to: Partial<Weighted>) => void) => unknown;
}

function WeightedPictures({ of, children }: WeightedPicturesProps) {
  const id = useId();
  if (of.value.length === 0) return null;
  return (
    <ul class="weighted">
      {of.value.map((one, i) => (
        <li key={`${id}${one.picture.url}`}>
          <Thumb
            picture={one.picture}
            onRemove={() =>
              setWeighted(
                of,
                of.value.filter((other) => other !== one),
              )
            }
          />
          <div class="weighted-fields">
            {children(one, i, (to) => (of.value = of.value.with(i, { ...one, ...to }))) as never}
          </div>
        </li>
      ))}
    </ul>
  );
}
