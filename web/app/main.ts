import { mount } from 'svelte';
import { setAppName } from '../api/index.js';
import { preparePage } from '../page.js';
import App from './App.svelte';

setAppName('app');
mount(App, { target: preparePage() });
