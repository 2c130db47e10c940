/** The form for the next picture: prompt and button, then size, steps, guidance and seed; everything else is folded. */

import { signal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { fieldError } from '../state/field-errors.ts';
import { generate, submitting } from '../state/jobs.ts';
import { defaults, hasGuidance, limits } from '../state/model.ts';
import * as settings from '../state/settings.ts';
import { errorProps, Field, FieldError, NumberField } from './fields.tsx';
import { IconButton } from './icon.tsx';
import { Loras } from './loras.tsx';
import { SizeFields } from './size-fields.tsx';
import { StartFields } from './start-fields.tsx';
import { ControlFields, PromptPictureFields, ReferenceFields } from './steering-fields.tsx';
import { NegativeFields, SamplerFields } from './text-fields.tsx';

const WIDE = matchMedia('(min-width: 56rem)');
/** Whether the settings are shown: always on wide screens, on request on others. */
const isOpen = signal(WIDE.matches);
WIDE.addEventListener('change', () => {
  isOpen.value = WIDE.matches;
});

export function Composer() {
  const form = useRef<HTMLFormElement>(null);
  useSignalEffect(() => {
    if (!fieldError.value) return;
    isOpen.value = true;
    // Waits until the section of the field is open.
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-describedby$="-error"]')?.focus());
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    void generate();
  };
  return (
    <form ref={form} class="composer" onSubmit={submit} aria-label="New picture" noValidate>
      <h2 class="unseen">New picture</h2>
      <PromptField />
      <button
        type="submit"
        class="primary"
        disabled={!settings.prompt.value.trim()}
        aria-disabled={submitting.value}
        aria-keyshortcuts="Control+Enter"
      >
        Generate
      </button>
      <details class="settings" open={isOpen.value} onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
        <summary>Settings</summary>
        <SizeFields />
        <div class="row">
          <NumberField
            label="Steps"
            name="steps"
            value={settings.steps}
            min={1}
            max={limits.value?.steps ?? 200}
            unset={defaults.value?.steps}
          />
          {hasGuidance.value && (
            <NumberField
              label="Guidance"
              name="guidance"
              value={settings.guidance}
              min={0}
              max={100}
              step={0.1}
              unset={defaults.value?.guidance}
            />
          )}
          <NumberField
            label="Pictures"
            name="batch"
            value={settings.count}
            min={1}
            max={Math.min(16, limits.value?.pictures ?? 16)}
            unset={1}
          />
        </div>
        <SeedField />
        <div class="parts">
          <StartFields />
          <ReferenceFields />
          <ControlFields />
          <PromptPictureFields />
          <Loras />
          <NegativeFields />
          <SamplerFields />
        </div>
      </details>
    </form>
  );
}

function PromptField() {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (WIDE.matches) field.current?.focus();
  }, []);
  return (
    <div class="prompt">
      <Field label="Prompt" name="prompt">
        {(control) => (
          <textarea
            {...control}
            ref={field}
            rows={4}
            dir="auto"
            value={settings.prompt.value}
            placeholder="A lighthouse by the sea at night"
            onInput={(event) => (settings.prompt.value = event.currentTarget.value)}
          />
        )}
      </Field>
    </div>
  );
}

function SeedField() {
  const { seed, seedLocked } = settings;
  return (
    <div class="field">
      <div class="label-row">
        <label for="seed">Seed</label>
        {!seedLocked.value && <span class="hint">new for every picture</span>}
      </div>
      <div class="joined">
        <input
          id="seed"
          type="text"
          inputMode="numeric"
          autocomplete="off"
          class={seedLocked.value ? undefined : 'is-drawn'}
          value={seed.value}
          onChange={(event) => {
            if (/^-?\d{1,20}$/.test(event.currentTarget.value)) {
              seed.value = event.currentTarget.value;
              seedLocked.value = true;
            } else event.currentTarget.value = seed.value;
          }}
          {...errorProps('seed', 'seed')}
        />
        <IconButton
          icon={seedLocked.value ? 'lock' : 'unlock'}
          label="Keep this seed"
          pressed={seedLocked.value}
          onClick={() => (seedLocked.value = !seedLocked.value)}
        />
        <IconButton
          icon="dice"
          label="Draw a seed"
          disabled={!seedLocked.value}
          onClick={() => (seed.value = settings.drawSeed())}
        />
      </div>
      <FieldError name="seed" id="seed" />
    </div>
  );
}
