import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { isListed, stored } from '../web/trust/stored.js';

/** Files of the web apps, with their text. */
const sources = readdirSync('web', { withFileTypes: true, recursive: true })
  .filter(
    (entry) => entry.isFile() && /\.(ts|svelte)$/.test(entry.name) && !/\.spec\.ts$|^stored\.ts$/.test(entry.name),
  )
  .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));

test('the page about cookies lists every name under which the pages store something', () => {
  const keys = sources
    .filter((text) => /\b(localStorage|sessionStorage)\.setItem/.test(text))
    .flatMap((text) => [...text.matchAll(/['`](colloquio-[^'`]*)['`]/g)].map(([, name]) => name!))
    .map((name) => name.replace(/\$\{[^}]*\}/g, 'x'))
    // The beginning of the names of two databases.
    .filter((name) => name !== 'colloquio-x');
  expect(keys.length).toBeGreaterThan(10);
  for (const key of keys)
    expect({ key, isListed: isListed('local', key) || isListed('session', key) }).toEqual({ key, isListed: true });
});

test('the page lists every cookie that the service sets, and no other', () => {
  const source = readFileSync('src/auth/web-apps.ts', 'utf8');
  const files = readdirSync('src', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => /set-cookie|\.cookie\(/i.test(readFileSync(file, 'utf8')));
  expect(files).toEqual(['src/auth/web-apps.ts']);
  expect(source.match(/CookieName = |cookieName = /g)).toHaveLength(2);
  expect(stored.filter(({ place }) => place === 'cookie').map(({ name }) => name)).toEqual([
    'colloquio-dashboard',
    'colloquio-app',
    'colloquio-dashboard-device',
    'colloquio-app-device',
  ]);
  expect(isListed('cookie', '__Host-colloquio-app')).toBe(true);
  expect(isListed('cookie', '_ga')).toBe(false);
});
