// Stands for a module in the files of Jest: it exports what Node has loaded outside; see environment.mjs.
import { pathToFileURL } from 'node:url';

async function processAsync(_source, path) {
  const names = Object.keys(await import(pathToFileURL(path).href));
  const links = names.map((name) =>
    name === 'default' ? 'export default loaded.default;' : `export const ${name} = loaded.${name};`,
  );
  return { code: ['const loaded = await importBuilt(import.meta.url);', ...links, ''].join('\n') };
}

/** Modules that are required, and not imported, stay as they are. */
const process = (source) => ({ code: source });

export default { process, processAsync };
