// Stands for a module in the files of Jest: it exports what Node has loaded outside; see environment.mjs.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

const strict = /^\s*(['"])use strict\1;/;
/** The set-up of a run requires modules too, before there is an environment. */
const inTests = "if (typeof requireOutside === 'function')";

/** Jest asks for a module that is required, or looks at its syntax, without `supportsStaticESM`. */
function process(source, path, { supportsStaticESM }) {
  const outside = `requireOutside(${JSON.stringify(path)})`;
  if (!supportsStaticESM)
    return {
      code: `${strict.exec(source)?.[0] ?? ''}${inTests} return void (module.exports = ${outside});\n${source}`,
    };
  const names = Object.keys(require(path)).filter((name) => /^[\w$]+$/.test(name));
  const links = names.map((name) =>
    name === 'default' ? 'export default loaded.default;' : `export const ${name} = loaded.${name};`,
  );
  return { code: [`const loaded = ${outside};`, ...links, ''].join('\n') };
}

const own = readFileSync(import.meta.filename);

/** Without it Jest keeps what an earlier state of this file has made. */
function getCacheKey(source, path, { supportsStaticESM }) {
  const parts = [own, source, path, String(supportsStaticESM)];
  return parts.reduce((hash, part) => hash.update(part).update('\0'), createHash('sha256')).digest('hex');
}

export default { process, getCacheKey };
