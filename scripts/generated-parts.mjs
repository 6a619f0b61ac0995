// The parts of documents that are written from the code, each between two comments that name it.
import { graphOf, readSlices, readsOf, usesOf } from './slices.mjs';

/** @returns for each document a function that gives its text with the generated parts as they should be */
export function generatedParts() {
  const graph = graphOf(usesOf(readSlices()));
  const reads = readsOf(readSlices({ and: ['platform'] })).join('\n');
  return [
    { file: 'docs/architecture.md', replaced: (text) => withPart(withPart(text, 'slices', graph), 'reads', reads) },
  ];
}

function withPart(text, name, part) {
  const [begin, end] = [`<!-- generated: ${name} -->`, '<!-- end -->'];
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`no part between ${begin} and ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${part}\n\n${text.slice(to)}`;
}
