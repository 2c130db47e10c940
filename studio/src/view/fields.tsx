/** Fields of the form: each has its label, is left to the model where it is empty, and shows what the server says is wrong with it. */

import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { clearFieldErrors, type FieldName, fieldErrors } from '../state/field-errors.ts';

/** Attributes of a field that may be wrong; its `FieldError` has this id. */
export function errorProps(name: FieldName | undefined, id: string) {
  const isWrong = name !== undefined && fieldErrors.value.has(name);
  return isWrong ? { 'aria-invalid': true, 'aria-describedby': `${id}-error` } : {};
}

/** What is wrong with a field. */
export function FieldError({ name, id }: { readonly name: FieldName | undefined; readonly id: string }) {
  const error = name && fieldErrors.value.get(name);
  if (!error) return null;
  return (
    <p class="error" id={`${id}-error`}>
      {error}
    </p>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly value: Signal<number | undefined>;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  /** The field of requests. */
  readonly name?: FieldName;
  /** What it is when it is empty. */
  readonly unset?: number | string | undefined;
}

export function NumberField({ label, value, min, max, step = 1, name, unset = 'auto' }: NumberFieldProps) {
  const id = useId();
  const set = (text: string): void => {
    const number = step < 1 ? Number(text) : Math.round(Number(text) / step) * step;
    value.value = text === '' || !Number.isFinite(number) ? undefined : Math.min(max, Math.max(min, number));
    if (name) clearFieldErrors(name);
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="number"
        inputMode="decimal"
        min={min}
        max={max}
        step={step < 1 ? 'any' : step}
        placeholder={String(unset)}
        value={value.value ?? ''}
        onChange={(event) => {
          set(event.currentTarget.value);
          event.currentTarget.value = String(value.value ?? '');
        }}
        {...errorProps(name, id)}
      />
      <FieldError name={name} id={id} />
    </div>
  );
}

interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly onInput: (value: number) => void;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly name?: FieldName;
  readonly hidesLabel?: boolean;
}

export function Slider({ label, value, onInput, min, max, step, name, hidesLabel = false }: SliderProps) {
  const id = useId();
  return (
    <div class="slider">
      <label for={id} class={hidesLabel ? 'unseen' : undefined}>
        {label}
      </label>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        onInput={(event) => {
          onInput(event.currentTarget.valueAsNumber);
          if (name) clearFieldErrors(name);
        }}
        {...errorProps(name, id)}
      />
      <output for={id}>{Number(value.toFixed(2))}</output>
      <FieldError name={name} id={id} />
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  /** Values, and the words for them. */
  readonly options: readonly (readonly [value: string, label: string])[];
  readonly onChange: (value: string) => void;
  readonly name?: FieldName;
}

export function Choice({ label, value, options, onChange, name }: ChoiceProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={(event) => {
          onChange(event.currentTarget.value);
          if (name) clearFieldErrors(name);
        }}
        {...errorProps(name, id)}
      >
        {options.map(([option, words]) => (
          <option key={option} value={option}>
            {words}
          </option>
        ))}
      </select>
      <FieldError name={name} id={id} />
    </div>
  );
}

interface CheckProps {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly children: ComponentChildren;
}

export function Check({ checked, onChange, children }: CheckProps) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{children}</span>
    </label>
  );
}
