import './style/base.css';
import './style/frame.css';
import './style/controls.css';
import './style/chat.css';
import './style/pictures.css';
import './style/card.css';

import { render } from 'preact';
import { App } from './app';
import { startRoute } from './state/route';
import { startServer } from './state/server';
import { startTheme } from './state/theme';

startTheme();
startRoute();
startServer();

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
