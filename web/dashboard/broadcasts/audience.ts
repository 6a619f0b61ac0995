import type { Audience } from '../../../src/contract/broadcasts.js';
import { limits } from '../../../src/contract/limits.js';
import { type AudienceList, b } from '../../words/broadcasts.js';
import { labels } from '../labels.svelte.js';

export const namingLists = ['labels', 'regions', 'provinces', 'sectors', 'contactIds'] as const;
export const exceptLists = ['exceptLabels', 'exceptContactIds'] as const;

const parameters: readonly (readonly [parameter: string, list: AudienceList])[] = [
  ['contacts', 'contactIds'],
  ['label', 'labels'],
  ['region', 'regions'],
  ['province', 'provinces'],
  ['sector', 'sectors'],
];

/** Most values of a kind. */
export const mostOf = (list: AudienceList): number =>
  list === 'contactIds' || list === 'exceptContactIds' ? limits.broadcastContacts : limits.audienceValues;

/** An audience without empty fields. */
export function cleaned(audience: Audience): Audience {
  const entries = Object.entries(audience).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value));
  return Object.fromEntries(entries);
}

export const isChosen = (audience: Audience): boolean =>
  audience.all === true || audience.notSeenOf !== undefined || namingLists.some((list) => audience[list]?.length);

/** An audience with another list of values. Choosing somebody ends "everybody"; choosing nobody restores it. */
export function withList(audience: Audience, list: AudienceList, values: readonly string[]): Audience {
  const next = cleaned({ ...audience, [list]: [...values] });
  const names = next.notSeenOf !== undefined || namingLists.some((each) => next[each]?.length);
  const { all: _, ...rest } = next;
  return names ? rest : { all: true, ...rest };
}

/**
 * The audience that the address of the screen names: `contacts=id,id`, or filters as the address book has them (`label`, `region`,
 * `province`, `sector`, each more than once or with commas).
 */
export function audienceOf(query: URLSearchParams): { audience: Audience | undefined; cut?: number } {
  let audience: Audience = {};
  let cut: number | undefined;
  for (const [parameter, list] of parameters) {
    // Only ids never hold a comma.
    const isIds = list === 'contactIds' || list === 'labels';
    const given = query.getAll(parameter).flatMap((value) => (isIds ? value.split(',') : [value]));
    const values = [...new Set(given.map((value) => value.trim()).filter(Boolean))];
    if (values.length > mostOf(list)) cut = mostOf(list);
    if (values.length > 0) audience = { ...audience, [list]: values.slice(0, mostOf(list)) };
  }
  return { audience: isChosen(audience) ? audience : undefined, ...(cut !== undefined && { cut }) };
}

export interface AudienceNames {
  /** Name of a region or province. */
  place: (code: string) => string;
  /** The first words of the broadcast that `notSeenOf` names. */
  earlier: string | undefined;
}

/** Sentence about an audience. */
export function inSentence(audience: Audience, { place, earlier }: AudienceNames): string {
  const { sentence, lost } = b.audience;
  const either = (names: readonly string[]) => names.map(sentence.quoted).join(sentence.or);
  const labelNames = (ids: readonly string[]) => either(ids.map((id) => labels.byId.get(id)?.name ?? lost));
  const { labels: own, regions, provinces, sectors, contactIds = [], notSeenOf } = audience;
  const conditions = [
    ...(notSeenOf ? [sentence.notSeen(earlier ?? b.audience.earlier)] : []),
    ...(own?.length ? [sentence.labels(labelNames(own))] : []),
    ...(regions?.length ? [sentence.regions(either(regions.map(place)))] : []),
    ...(provinces?.length ? [sentence.provinces(either(provinces.map(place)))] : []),
    ...(sectors?.length ? [sentence.sectors(either(sectors))] : []),
  ];
  const people = sentence.people(contactIds.length);
  const only = contactIds.length === 1 ? sentence.onlyPerson(people) : sentence.onlyPeople(people);
  const named =
    conditions.length > 0
      ? `${sentence.who} ${conditions.join(sentence.and)}${contactIds.length > 0 ? sentence.besides(people) : ''}`
      : only;
  const who = audience.all ? sentence.all : named;
  const excepted = [
    ...(audience.exceptLabels?.length ? [sentence.exceptLabels(labelNames(audience.exceptLabels))] : []),
    ...(audience.exceptContactIds?.length
      ? [sentence.exceptPeople(sentence.people(audience.exceptContactIds.length))]
      : []),
  ];
  return `${[who, ...excepted].join(', ')}.`;
}

/** The first words of a text, in one line. */
export function firstWords(body: string, most = 60): string {
  const line = body.trim().split(/\s+/).join(' ');
  const letters = [...line];
  return letters.length > most
    ? `${letters
        .slice(0, most - 1)
        .join('')
        .trimEnd()}…`
    : line;
}
