import { render } from 'preact';
import { followSearch } from './state/gallery.ts';
import { followModel } from './state/model.ts';
import { followConnection, start } from './state/start.ts';
import { applyTheme } from './state/theme.ts';
import { App } from './view/app.tsx';

applyTheme();
render(<App />, document.getElementById('studio')!);
start();
followModel();
followConnection();
followSearch();
