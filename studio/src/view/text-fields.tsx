/** The negative prompt, and the sampler with its schedule. */

import { model } from '../state/model.ts';
import * as settings from '../state/settings.ts';
import { plainText } from '../text.ts';
import { Choice, Field, NumberField } from './fields.tsx';
import { Section } from './section.tsx';

export function NegativeFields() {
  const { negativePrompt, trueCfgScale } = settings;
  return (
    <Section
      title="Negative prompt"
      state={negativePrompt.value.trim() ? 'on' : undefined}
      fields={['negativePrompt', 'trueCfgScale']}
    >
      <Field label="What to keep out" name="negativePrompt">
        {(control) => (
          <textarea
            {...control}
            rows={2}
            dir="auto"
            value={negativePrompt.value}
            onInput={(event) => (negativePrompt.value = event.currentTarget.value)}
          />
        )}
      </Field>
      <NumberField
        label="How strongly (true CFG)"
        name="trueCfgScale"
        value={trueCfgScale}
        min={1}
        max={30}
        step={0.5}
        unset={settings.TRUE_CFG_SCALE}
      />
      <p class="hint">Each step takes twice as long.</p>
    </Section>
  );
}

const SAMPLERS: Readonly<Record<string, string>> = {
  euler: 'Euler',
  heun: 'Heun (two evaluations a step)',
  dpmpp_2m: 'DPM++ 2M',
  lcm: 'LCM (for few-step LoRAs)',
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
  // The first option is the default.
  const other = (chosen: string | undefined, [first]: readonly string[]) => (chosen === first ? undefined : chosen);
  const words = (names: Readonly<Record<string, string>>) => (name: string) =>
    [name, names[name] ?? plainText(name, 40)] as const;
  return (
    <Section
      title="Sampler"
      state={other(sampler.value, samplers) ?? other(schedule.value, schedules)}
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
