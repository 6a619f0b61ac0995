import { type VariableName, variables } from './variables.js';

/**
 * The known variables that `name` may be a typing mistake for: one letter too many, too few, wrong or swapped with its
 * neighbour, another letter case or separator; or an unknown end after a beginning that only our variables have.
 */
export function suggestionsFor(name: string): VariableName[] {
  if (name in variables) return [];
  const known = Object.keys(variables) as VariableName[];
  const letters = bare(name);
  const near = known.filter((each) =>
    each.length < shortName ? isSlipOfShort(name, each) : isOneSlipApart(letters, bare(each)),
  );
  if (near.length > 0) return near;
  const [, beginning] = /^(RATE_|CONTROLLER_)./.exec(name) ?? [];
  // Kubernetes sets such a name for each service beside this one.
  return beginning && !/_(PORT|SERVICE_)/.test(name) ? known.filter((each) => each.startsWith(beginning)) : [];
}

/** Letters in common at the beginning. */
function shared(a: string, b: string): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length++;
  return length;
}

const bare = (name: string) => name.toUpperCase().replace(/[^A-Z0-9]/g, '');

/** Names shorter than this have many neighbours that mean something else, such as PORTS or POST. */
const shortName = 6;

/** A letter typed twice, or two that changed places. */
function isSlipOfShort(name: string, known: string): boolean {
  const doubled = name.length === known.length + 1 && name.replace(/(.)\1/, '$1') === known;
  return doubled || isSwapped(name, known);
}

function isSwapped(a: string, b: string): boolean {
  const at = shared(a, b);
  return a.length === b.length && a.slice(at) === `${b[at + 1]}${b[at]}${b.slice(at + 2)}`;
}

function isOneSlipApart(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  const start = shared(a, b);
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return Math.max(a.length, b.length) - start - end <= 1 || isSwapped(a, b);
}
