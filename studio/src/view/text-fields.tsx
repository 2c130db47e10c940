/** Fields of words and of how steps are taken: the negative prompt, and the sampler with its schedule. */

import { useId } from 'preact/hooks';
import { clearFieldErrors } from '../state/field-errors.ts';
import { model } from '../state/model.ts';
import * as settings from '../state/settings.ts';
import { plainText } from '../text.ts';
import { Choice, errorProps, FieldError, NumberField } from './fields.tsx';
import { Section } from './section.tsx';

export function NegativeFields() {
  const { negativePrompt, trueCfgScale } = settings;
  const id = useId();
  return (
    <Section
      title="Negative prompt"
      state={negativePrompt.value.trim() ? 'on' : undefined}
      fields={['negativePrompt', 'trueCfgScale']}
    >
      <div class="field">
        <label for={id}>What to keep out</label>
        <textarea
          id={id}
          rows={2}
          dir="auto"
          value={negativePrompt.value}
          onInput={(event) => {
            negativePrompt.value = event.currentTarget.value;
            clearFieldErrors('negativePrompt');
          }}
          {...errorProps('negativePrompt', id)}
        />
        <FieldError name="negativePrompt" id={id} />
      </div>
      <NumberField
        label="How strongly (true CFG)"
        name="trueCfgScale"
        value={trueCfgScale}
        min={1}
        max={30}
        step={0.5}
        unset={4}
      />
      <p class="hint">Steps take twice as long with it.</p>
    </Section>
  );
}

const SAMPLERS: Readonly<Record<string, string>> = {
  euler: 'Euler',
  heun: 'Heun (two evaluations a step)',
  dpmpp_2m: 'DPM++ 2M',
  lcm: 'LCM (for LoRAs of a few steps)',
  euler_ancestral: 'Euler ancestral',
};
const SCHEDULES: Readonly<Record<string, string>> = {
  default: "The model's own",
  karras: 'Karras',
  exponential: 'Exponential',
  beta: 'Beta',
};

export function SamplerFields() {
  const { sampler, schedule } = settings;
  const { samplers = [], schedules = [] } = model.value ?? {};
  if (samplers.length === 0) return null;
  // The first of each is what is taken where nothing is said.
  const isSet =
    [sampler.value ?? samplers[0], schedule.value ?? schedules[0]].join() !== [samplers[0], schedules[0]].join();
  const words = (names: Readonly<Record<string, string>>) => (name: string) =>
    [name, names[name] ?? plainText(name, 40)] as const;
  return (
    <Section
      title="Sampler"
      state={isSet ? (sampler.value ?? schedule.value) : undefined}
      fields={['sampler', 'schedule']}
    >
      <Choice
        label="Sampler"
        name="sampler"
        value={sampler.value ?? samplers[0]!}
        options={samplers.map(words(SAMPLERS))}
        onChange={(name) => (sampler.value = name)}
      />
      <Choice
        label="Schedule"
        name="schedule"
        value={schedule.value ?? schedules[0]!}
        options={schedules.map(words(SCHEDULES))}
        onChange={(name) => (schedule.value = name)}
      />
    </Section>
  );
}
