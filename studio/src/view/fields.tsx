/** Fields of the form. Each has a label and shows the server's error; an empty one is left to the model. */

import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { type FieldName, type FieldNames, fieldError, isWrong } from '../state/field-errors.ts';

/** The id of a field's error, if it has one, for `aria-describedby`. */
export function errorId(name: FieldNames | undefined, id: string): string | undefined {
  return isWrong(name) ? `${id}-error` : undefined;
}

/** Attributes of a control whose `FieldError` has this id. */
export function errorProps(name: FieldNames | undefined, id: string) {
  return { 'aria-invalid': isWrong(name) || undefined, 'aria-describedby': errorId(name, id) };
}

/** The error of a field. */
export function FieldError({ name, id }: { readonly name: FieldNames | undefined; readonly id: string }) {
  if (!isWrong(name)) return null;
  return (
    <p class="error" id={`${id}-error`}>
      {fieldError.value!.text}
    </p>
  );
}

interface FieldProps {
  readonly label: string;
  /** The field of requests. */
  readonly name?: FieldName | undefined;
  /** Renders the control, with these attributes. */
  readonly children: (control: { readonly id: string } & ReturnType<typeof errorProps>) => ComponentChildren;
}

/** A control below its label. */
export function Field({ label, name, children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, ...errorProps(name, id) })}
      <FieldError name={name} id={id} />
    </div>
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
  /** The value that applies if the field is empty. */
  readonly unset?: number | string | undefined;
}

export function NumberField({ label, value, min, max, step = 1, name, unset = 'auto' }: NumberFieldProps) {
  const set = (text: string): void => {
    const number = step < 1 ? Number(text) : Math.round(Number(text) / step) * step;
    value.value = text === '' || !Number.isFinite(number) ? undefined : Math.min(max, Math.max(min, number));
  };
  return (
    <Field label={label} name={name}>
      {(control) => (
        <input
          {...control}
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
        />
      )}
    </Field>
  );
}

interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly onInput: (value: number) => void;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly name?: FieldName;
  readonly hidesLabel?: boolean;
}

/** A slider from 0 to 1, unless other bounds are given. */
export function Slider({
  label,
  value,
  onInput,
  min = 0,
  max = 1,
  step = 0.05,
  name,
  hidesLabel = false,
}: SliderProps) {
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
        onInput={(event) => onInput(event.currentTarget.valueAsNumber)}
        {...errorProps(name, id)}
      />
      <output for={id}>{Number(value.toFixed(2))}</output>
      <FieldError name={name} id={id} />
    </div>
  );
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  /** Values and their labels. */
  readonly options: readonly (readonly [value: T, label: string])[];
  readonly onChange: (value: T) => void;
  readonly name?: FieldName;
}

export function Choice<T extends string>({ label, value, options, onChange, name }: ChoiceProps<T>) {
  return (
    <Field label={label} name={name}>
      {(control) => (
        <select {...control} value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
          {options.map(([option, words]) => (
            <option key={option} value={option}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface CheckProps {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly name?: FieldNames;
  readonly children: ComponentChildren;
}

export function Check({ checked, onChange, name, children }: CheckProps) {
  const id = useId();
  return (
    <>
      <label class="check">
        <input
          type="checkbox"
          checked={checked}
          onChange={(event) => onChange(event.currentTarget.checked)}
          {...errorProps(name, id)}
        />
        <span>{children}</span>
      </label>
      <FieldError name={name} id={id} />
    </>
  );
}
