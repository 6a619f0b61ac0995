// For `node --import`: Node strips the types of bench/ itself; the service needs its decorators, so it is taken as built.
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = pathToFileURL(join(import.meta.dirname, '..')).href;

registerHooks({
  resolve: (specifier, context, next) => next(sourceOf(specifier, context.parentURL), context),
});

/** Resolves imports of `.js`, as TypeScript wants them: to the `.ts` beside it in bench/, and to the built file in src/. */
function sourceOf(specifier, parent) {
  if (!specifier.startsWith('.') || !parent?.startsWith(`${root}/bench/`)) return specifier;
  const { href } = new URL(specifier, parent);
  if (href.startsWith(`${root}/src/`)) return href.replace(`${root}/src/`, `${root}/dist/src/`);
  const source = new URL(href.replace(/\.js$/, '.ts'));
  return existsSync(source) ? source.href : specifier;
}
