import { mount } from 'svelte';
import { setAppName } from '../api/index.js';
import { preparePage } from '../page.js';
import Dashboard from './Dashboard.svelte';

setAppName('dashboard');
mount(Dashboard, { target: preparePage() });
