/** Light or dark: as the system says, unless one is chosen. */

import { effect } from '@preact/signals';
import { saved } from './saved.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export const theme = saved<Theme>('theme', 'system');

/** Sets the page's theme, from now on. */
export function applyTheme(): void {
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
  });
}
