/** The head of the page: the model's name or state, and the theme. */

import { isLost, needsKey } from '../server.ts';
import { model } from '../state/model.ts';
import { THEMES, theme } from '../state/theme.ts';
import { plainText, shortModelName } from '../text.ts';
import { IconButton } from './icon.tsx';
import { askForKey } from './key-dialog.tsx';
import { showsShortcuts } from './shortcuts.tsx';

const THEME_ICONS = { system: 'screen', light: 'sun', dark: 'moon' } as const;

export function Header() {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
  return (
    <header class="header">
      <h1>
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
          <path d="M5 20c4.500-11 8.500-11 11-3.500s7 7.500 11-3.500" />
        </svg>
        Fluxion
      </h1>
      <ModelLine />
      <IconButton icon="keyboard" label="Keyboard shortcuts" keys="?" onClick={() => (showsShortcuts.value = true)} />
      <IconButton
        icon={THEME_ICONS[theme.value]}
        label={`Theme: ${theme.value}. Change to ${next}`}
        onClick={() => (theme.value = next)}
      />
    </header>
  );
}

/** One line on the state of the server and its model. Progress is shown large beside the pictures. */
function ModelLine() {
  const state = model.value;
  if (needsKey.value) {
    return (
      <button type="button" class="quiet model" onClick={askForKey}>
        Enter a key
      </button>
    );
  }
  if (isLost.value) return <p class="model is-wrong">The server cannot be reached</p>;
  if (!state) return <p class="model">Connecting</p>;
  if (state.status !== 'ready')
    return <p class={state.status === 'failed' ? 'model is-wrong' : 'model'}>{WORDS[state.status]}</p>;
  return (
    <p class="model" title={plainText(`${state.model} on ${state.device}`)}>
      {shortModelName(state.model ?? '')} <span class="faint">on {plainText(state.device ?? '', 60)}</span>
    </p>
  );
}

const WORDS = {
  closed: 'The model opens with the next picture',
  released: 'The model opens with the next picture',
  waiting: 'No worker is connected',
  loading: 'Opening the model',
  failed: 'The model cannot be opened',
} as const;
