// The parts of documents that are written from the code, each between two comments that name it.
import { graphOf, readSlices, readsOf, usesOf } from './slices.mjs';

/**
 * @param variables of the settings
 * @param defaultOf gives the default of a variable in words
 * @returns for each document a function that gives its text with the generated parts as they should be
 */
export function generatedParts(variables, defaultOf) {
  const graph = graphOf(usesOf(readSlices()));
  const reads = readsOf(readSlices({ and: ['platform'] })).join('\n');
  return [
    { file: 'README.md', replaced: (text) => withPart(text, 'settings', tableOf(variables, defaultOf)) },
    { file: 'docs/architecture.md', replaced: (text) => withPart(withPart(text, 'slices', graph), 'reads', reads) },
  ];
}

/** Columns are as wide as Prettier makes them. */
function tableOf(variables, defaultOf) {
  const rows = Object.entries(variables).map(([name, variable]) => [
    `\`${name}\``,
    defaultOf(variable),
    variable.about,
  ]);
  const all = [['variable', 'default', 'meaning'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...others] = all.map(line);
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...others].join('\n');
}

function withPart(text, name, part) {
  const [begin, end] = [`<!-- generated: ${name} -->`, '<!-- end -->'];
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`no part between ${begin} and ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${part}\n\n${text.slice(to)}`;
}
