import { mount } from 'svelte';
import { chooseTheme, preparePage } from '../page.js';
import Kit from './Kit.svelte';

const theme = new URLSearchParams(location.search).get('theme');
if (theme === 'dark' || theme === 'light') chooseTheme(theme);
preparePage();
mount(Kit, { target: document.getElementById('root')! });
