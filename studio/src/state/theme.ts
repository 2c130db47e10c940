/** The theme, light or dark: the system's, unless a person chose one. */

import { effect } from '@preact/signals';
import { saved } from './saved.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export const theme = saved<Theme>('theme', 'system');

/** Keeps the page in the chosen theme. */
export function applyTheme(): void {
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
  });
}
