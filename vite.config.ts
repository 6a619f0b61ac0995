import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build, defineConfig, type Plugin, type Rollup } from 'vite';

const root = join(import.meta.dirname, 'web');
/** Oldest browsers that both apps run in; see docs/web.md. */
const target = ['safari15.5', 'chrome105', 'firefox115'];

/** Most bytes of script, as brotli, that the first screen of an entry may load. The build fails beyond. */
const budgets = { app: 110_000, dashboard: 130_000 };
type Entry = keyof typeof budgets;

/** Page and script of the worker of each entry; workers stand at the root, so that their scope needs no header. */
const workers: Record<Entry, { page: string; file: string }> = {
  dashboard: { page: 'index.html', file: 'sw.js' },
  app: { page: 'app/index.html', file: 'app-sw.js' },
};

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });

/** Names of chunks, with their styles and pictures, that a chunk needs: at once, or some time. */
function reachable(bundle: Rollup.OutputBundle, from: string, lazy: boolean, seen = new Set<string>()): Set<string> {
  const chunk = bundle[from];
  if (seen.has(from) || chunk?.type !== 'chunk') return seen;
  seen.add(from);
  for (const name of chunk.viteMetadata?.importedCss ?? []) seen.add(name);
  for (const name of chunk.viteMetadata?.importedAssets ?? []) seen.add(name);
  for (const name of chunk.imports) reachable(bundle, name, lazy, seen);
  if (lazy) for (const name of chunk.dynamicImports) reachable(bundle, name, lazy, seen);
  return seen;
}

/** Builds the service workers with the list of what they keep, holds the budgets, and compresses everything. */
function delivery(): Plugin {
  let bundle: Rollup.OutputBundle | undefined;
  let output: string;
  return {
    name: 'colloquio-delivery',
    apply: 'build',
    configResolved({ build: { outDir } }) {
      output = outDir;
    },
    writeBundle(_options, written) {
      bundle = written;
    },
    async closeBundle() {
      // Something failed before, and says so itself.
      if (!bundle) return;
      for (const entry of Object.keys(workers) as Entry[]) {
        const main = Object.values(bundle).find((each) => each.type === 'chunk' && each.isEntry && each.name === entry);
        if (!main) throw new Error(`There is no entry ${entry}.`);
        holdBudget(bundle, output, entry, main.fileName);
        // Letters of other alphabets are loaded when they are met.
        const fonts = Object.keys(bundle).filter((name) => /inter-latin.*\.woff2$/.test(name));
        const kept = [...reachable(bundle, main.fileName, true)].filter((name) => !isOfEmoji(bundle![name]));
        await buildWorker(output, entry, [...new Set([...kept, ...fonts])]);
      }
      for (const path of filesIn(output)) compress(path);
    },
  };
}

/** Lists of emoji, of which a page with a keyboard loads one when it opens the grid. */
const isOfEmoji = (chunk: Rollup.OutputBundle[string] | undefined): boolean =>
  chunk?.type === 'chunk' && chunk.moduleIds.length > 0 && chunk.moduleIds.every((id) => id.includes('emojibase-data'));

function holdBudget(bundle: Rollup.OutputBundle, output: string, entry: Entry, main: string): void {
  const scripts = [...reachable(bundle, main, false)].filter((name) => name.endsWith('.js'));
  const sizes = scripts.map((name) => brotliCompressSync(readFileSync(join(output, name))).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`${entry}: ${(total / 1000).toFixed(1)} KB of script at first, budget ${budgets[entry] / 1000} KB`);
  if (total > budgets[entry]) throw new Error(`The first load of ${entry} is beyond its budget.`);
}

async function buildWorker(output: string, entry: Entry, names: string[]): Promise<void> {
  const { page, file } = workers[entry];
  const kept = names
    .filter((name) => !name.endsWith('.map'))
    .map((name) => ({ url: `/${name}`, revision: null as string | null }))
    .sort((a, b) => (a.url < b.url ? -1 : 1));
  const revision = createHash('sha256')
    .update(readFileSync(join(output, page)))
    .digest('hex')
    .slice(0, 16);
  kept.push({ url: `/${page}`, revision });
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    define: { __KEPT__: JSON.stringify(kept), __PAGE__: JSON.stringify(`/${page}`), __ENTRY__: JSON.stringify(entry) },
    build: {
      outDir: output,
      emptyOutDir: false,
      copyPublicDir: false,
      target,
      rolldownOptions: {
        input: join(root, 'worker/sw.ts'),
        output: { format: 'iife', entryFileNames: file },
      },
    },
  });
}

function compress(path: string): void {
  if (!/\.(js|css|html|svg|webmanifest|json)$/.test(path) || statSync(path).size < 500) return;
  const bytes = readFileSync(path);
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
}

const within = (...files: string[]) => new RegExp(`[\\\\/]web[\\\\/](?:${files.join('|').replaceAll('/', '[\\\\/]')})`);

/**
 * Files that are loaded as one. By itself each primitive would be one of some hundred bytes, and a screen wait for twenty of
 * them: over HTTP/1.1, as on the own machine, six are on their way at once.
 */
const groups = [
  {
    // Primitives, frame and styles of the screens that somebody sees who is not signed in.
    name: 'first',
    test: within(
      'ui/(?:Button|Check|Empty|Face|Field|FieldNotes|Icon|IconButton|Logo|Notice|Screens|Spinner|Toasts)[.]',
      'ui/[a-z]+[.]css',
      '(?:page|router[.]svelte|api/index|sync/session[.]svelte|worker/updates[.]svelte)[.]ts',
      'words/(?:errors|locale|shared|ui)[.]ts',
      'app/parts/(?:Bare|Lines|PasswordMeter)[.]',
      'trust/PolicyText[.]',
      '(?:app|dashboard)/(?:App|Dashboard|SignIn|entry/Frame|joining/(?:Join|Who))[.]svelte[?]',
    ),
  },
  { name: 'entry', test: within('dashboard/(?:entry/Frame|form)[.]svelte', 'words/entry[.]ts') },
  { name: 'ui', test: within('ui/'), minShareCount: 3 },
];

/** Only the page of all primitives with their states, for the tests. */
const onlyKit = Boolean(process.env.ONLY_KIT);

export default defineConfig({
  root,
  publicDir: join(root, 'public'),
  plugins: [svelte(), ...(onlyKit ? [] : [delivery()])],
  build: {
    outDir: join(import.meta.dirname, 'dist/web'),
    emptyOutDir: true,
    target,
    // Nothing is inlined: the policy of the pages allows no data: scripts, styles or fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // By it the service tells what a page needs first; see src/first-screens.ts.
    manifest: true,
    // The lists of emoji are the largest; each is loaded when it is asked for.
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      // On a busy machine it tells how long plugins took.
      checks: { pluginTimings: false },
      input: onlyKit
        ? { kit: join(root, 'kit/index.html') }
        : { dashboard: join(root, 'index.html'), app: join(root, 'app/index.html') },
      output: { codeSplitting: { groups: onlyKit ? [] : groups } },
    },
  },
  logLevel: 'warn',
  clearScreen: false,
  cacheDir: join(import.meta.dirname, 'node_modules/.vite'),
});
