import type { ErasureFilter } from '../../../src/contract/erasures.js';
import { limits } from '../../../src/contract/limits.js';

/** The people to erase according to the page's address: chosen ones, or all that match a filter. */
export type Selection =
  | { readonly kind: 'chosen'; readonly ids: readonly string[] }
  | { readonly kind: 'filter'; readonly filter: ErasureFilter }
  | { readonly kind: 'nobody' };

const idForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Reads `?contacts=id,id`, or filters of the address book, or `?all=1` for everybody. */
export function selectionOf(query: URLSearchParams): Selection {
  const ids = (query.get('contacts') ?? '').split(',').filter((id) => idForm.test(id));
  if (ids.length > 0) return { kind: 'chosen', ids: [...new Set(ids.map((id) => id.toLowerCase()))] };
  if (query.has('contacts')) return { kind: 'nobody' };
  const texts = (['query', 'region', 'province', 'sector'] as const).flatMap((name) => {
    const value = query.get(name)?.trim();
    return value ? [[name, value] as const] : [];
  });
  const label = query.getAll('label').filter((id) => idForm.test(id));
  const hasLabel = query.get('hasLabel');
  const filter: ErasureFilter = {
    ...Object.fromEntries(texts),
    ...(label.length > 0 && { label: label.slice(0, limits.labelsPerContact) }),
    ...(hasLabel === 'any' || hasLabel === 'none' ? { hasLabel } : {}),
  };
  if (Object.keys(filter).length > 0) return { kind: 'filter', filter };
  return query.has('all') ? { kind: 'filter', filter: { all: true } } : { kind: 'nobody' };
}

/**
 * A name for comparing with a typed one: ignores case, accents, spaces, invisible marks and the forms of quotes and dashes,
 * because phones insert different ones.
 */
const compared = (text: string) =>
  text
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}]/gu, '')
    .replace(/[‘’‛′ʼ`´]/g, "'")
    .replace(/[“”„‟″]/g, '"')
    .replace(/\p{Pd}/gu, '-')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();

/** True if the typed name matches. */
export const isSameName = (typed: string, name: string): boolean =>
  compared(typed) !== '' && compared(typed) === compared(name);
