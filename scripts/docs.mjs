// Writes the generated parts of the documents anew; `npm test` fails while one is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultInWords, variables } from '../dist/src/platform/settings/variables.js';
import { generatedParts } from './generated-parts.mjs';

for (const { file, replaced } of generatedParts(variables, defaultInWords)) {
  const path = join(import.meta.dirname, '..', file);
  writeFileSync(path, replaced(readFileSync(path, 'utf8')));
}
