import type { ContactFilter } from '../../../src/contract/contacts.js';

/** Filters and order of the address book in the page's address. Search terms are not in it. */
export interface BookFilter {
  region: string | undefined;
  province: string | undefined;
  sector: string | undefined;
  /** Ids of labels; contacts must have all of them. */
  label: readonly string[];
  unlabelled: boolean;
  promotions: boolean | undefined;
  sort: 'name' | 'joined' | 'updated';
  descending: boolean;
}

const segments = ['region', 'province', 'sector'] as const;
export type Segment = (typeof segments)[number];

export function filterOf(query: URLSearchParams): BookFilter {
  const promotions = query.get('promotions');
  const sort = query.get('sort');
  const [region, province, sector] = segments.map((segment) => query.get(segment) ?? undefined);
  return {
    ...{ region, province, sector },
    label: query.getAll('label'),
    unlabelled: query.get('hasLabel') === 'none',
    promotions: promotions === 'true' ? true : promotions === 'false' ? false : undefined,
    sort: sort === 'joined' || sort === 'updated' ? sort : 'name',
    descending: query.get('order') === 'desc',
  };
}

export function queryOf(filter: BookFilter): URLSearchParams {
  const query = audienceOf(filter);
  if (filter.unlabelled) query.set('hasLabel', 'none');
  if (filter.promotions !== undefined) query.set('promotions', String(filter.promotions));
  if (filter.sort !== 'name') query.set('sort', filter.sort);
  if (filter.descending) query.set('order', 'desc');
  return query;
}

/** The part of a filter that an audience of a broadcast can have as well. */
export function audienceOf(filter: BookFilter): URLSearchParams {
  const query = new URLSearchParams();
  for (const segment of segments) {
    const value = filter[segment];
    if (value !== undefined) query.set(segment, value);
  }
  for (const label of filter.label) query.append('label', label);
  return query;
}

/** True when an audience finds just those whom a filter finds: of several labels it wants one, a filter all. */
export const isAudience = ({ unlabelled, promotions, label }: BookFilter): boolean =>
  !unlabelled && promotions === undefined && label.length <= 1;

/** The filter as the service is asked. */
export function asked(filter: BookFilter, search: string): ContactFilter {
  const { region, province, sector, label, unlabelled, promotions, sort, descending } = filter;
  return {
    ...(search.trim() !== '' && { query: search.trim() }),
    ...(region !== undefined && { region }),
    ...(province !== undefined && { province }),
    ...(sector !== undefined && { sector }),
    ...(label.length > 0 && { label: [...label] }),
    ...(unlabelled && { hasLabel: 'none' as const }),
    ...(promotions !== undefined && { promotions }),
    sort,
    order: descending ? 'desc' : 'asc',
  };
}

/** Number of filters that are set; the order is none. */
export const activeIn = ({ region, province, sector, label, unlabelled, promotions }: BookFilter): number =>
  [region, province, sector, promotions].filter((each) => each !== undefined).length +
  label.length +
  Number(unlabelled);
