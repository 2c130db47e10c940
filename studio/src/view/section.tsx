/** A foldable section of the form: it opens by itself if one of its fields is wrong. */

import type { ComponentChildren } from 'preact';
import { type FieldName, isWrong } from '../state/field-errors.ts';
import { saved } from '../state/saved.ts';

/** Titles of the sections that a person opened. */
const opened = saved<readonly string[]>('opened', []);

interface SectionProps {
  readonly title: string;
  /** Its setting in a word or two; undefined if it changes nothing. */
  readonly state?: string | undefined;
  /** Request fields that the section sets. */
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

/** Opens a section, because something was just added to it. */
export function openSection(title: string): void {
  if (!opened.value.includes(title)) opened.value = [...opened.value, title];
}
