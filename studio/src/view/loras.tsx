/** LoRAs of the next picture, each with its strength. */

import { loraList, loraNames } from '../state/model.ts';
import { loras } from '../state/settings.ts';
import { plainText } from '../text.ts';
import { errorProps, FieldError, Slider } from './fields.tsx';
import { IconButton } from './icon.tsx';
import { Section } from './section.tsx';

export function Loras() {
  const used = loras.value;
  const others = loraNames.value.filter((name) => !used.some((lora) => lora.name === name));
  if (used.length === 0 && others.length === 0) return null;
  return (
    <Section title="LoRAs" state={used.length > 0 ? `${used.length} in use` : undefined} fields={['loras']}>
      {used.length > 0 && (
        <ul class="loras">
          {used.map((lora, i) => {
            const shown = plainText(lora.name, 80);
            return (
              <li key={lora.name}>
                <span class="name" title={shown}>
                  {shown}
                  {!loraNames.value.includes(lora.name) && <span class="error"> is not on this server</span>}
                </span>
                <IconButton
                  icon="close"
                  label={`Remove ${shown}`}
                  onClick={() => (loras.value = used.filter((other) => other !== lora))}
                />
                <Slider
                  label={`Strength of ${shown}`}
                  hidesLabel
                  min={-1}
                  max={2}
                  value={lora.scale}
                  onInput={(scale) => (loras.value = used.with(i, { ...lora, scale }))}
                />
              </li>
            );
          })}
        </ul>
      )}
      {others.length > 0 && (
        <select
          id="lora"
          aria-label="Add a LoRA"
          value=""
          onChange={(event) => {
            const name = event.currentTarget.value;
            event.currentTarget.value = '';
            if (name) loras.value = [...used, { name, scale: 1 }];
          }}
          {...errorProps('loras', 'lora')}
        >
          <option value="">Add a LoRA</option>
          {others.map((name) => (
            <option key={name} value={name}>
              {plainText(name, 80)}
              {loraList.value.some((lora) => lora.name === name && lora.control) && ' (takes a control picture)'}
            </option>
          ))}
        </select>
      )}
      <FieldError name="loras" id="lora" />
    </Section>
  );
}
