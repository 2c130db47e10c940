/** A part of the form that is folded away until it is needed: it opens by itself where something in it is wrong. */

import type { ComponentChildren } from 'preact';
import { type FieldName, isWrong } from '../state/field-errors.ts';
import { saved } from '../state/saved.ts';

/** Titles of the parts that a person opened. */
const opened = saved<readonly string[]>('opened', []);

interface SectionProps {
  readonly title: string;
  /** What it is set to, in a word or two; undefined where it changes nothing. */
  readonly state?: string | undefined;
  /** Fields of requests that it sets. */
  readonly fields: readonly FieldName[];
  readonly children: ComponentChildren;
}

export function Section({ title, state, fields, children }: SectionProps) {
  const isOpen = opened.value.includes(title);
  return (
    <details
      class="part"
      open={isOpen || isWrong(fields)}
      onToggle={({ currentTarget: { open } }) => {
        if (open === isOpen) return;
        opened.value = open ? [...opened.value, title] : opened.value.filter((other) => other !== title);
      }}
    >
      <summary>
        <h3>{title}</h3>
        {state && <span class="part-state">{state}</span>}
      </summary>
      <div class="part-fields">{children}</div>
    </details>
  );
}

/** Opens a part that was just given something. */
export function openSection(title: string): void {
  if (!opened.value.includes(title)) opened.value = [...opened.value, title];
}
