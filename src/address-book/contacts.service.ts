import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { MemberPrincipal } from '../auth/principal.js';
import { decodeCursor, encodeCursor } from '../platform/cursors.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { Contact } from './contact.entity.js';
import type { ContactList, ContactSearch, ContactView } from './contacts.dto.js';
import { Directory, type DirectoryEntry, fold } from './directory.js';

@Injectable()
export class Contacts {
  constructor(
    @InjectRepository(Contact) private readonly contacts: Repository<Contact>,
    private readonly directory: Directory,
  ) {}

  /** A page of the address book, sorted by name. */
  async search({ subscriberId }: MemberPrincipal, search: ContactSearch): Promise<ContactList> {
    const matching = (await this.directory.sorted(subscriberId)).filter(matches(search));
    const start = search.cursor === undefined ? 0 : placeAfter(search.cursor, matching);
    const page = matching.slice(start, start + search.limit);
    const last = page.at(-1);
    const more = last && start + page.length < matching.length;
    return {
      items: page.map(({ contact }) => contact),
      nextCursor: more ? encodeCursor([last.contact.id, start + page.length]) : null,
      total: matching.length,
    };
  }

  /** @throws NotFound */
  async get({ subscriberId }: MemberPrincipal, id: string): Promise<ContactView> {
    const row = await this.contacts.findOneBy({ subscriberId, id });
    const [view] = row ? await this.directory.views(subscriberId, [row]) : [];
    if (!view) throw new NotFound();
    return view;
  }
}

function matches({ query, region, province, sector, updatedAfter }: ContactSearch) {
  const parts = fold(query ?? '')
    .split(/[^\p{L}\p{N}@._+-]+/u)
    .filter(Boolean);
  const since = updatedAfter && new Date(updatedAfter).toISOString();
  const same = (wanted: string | undefined, value: string | null) =>
    wanted === undefined || fold(wanted) === fold(value ?? '');
  return ({ contact, words }: DirectoryEntry) =>
    parts.every((part) => words.some((word) => word.startsWith(part))) &&
    same(region, contact.region) &&
    same(province, contact.province) &&
    same(sector, contact.sector) &&
    (!since || contact.updatedAt >= since);
}

/** A cursor holds the id of the last contact and its place, no name; the place serves when that contact is gone. */
function placeAfter(cursor: string, entries: readonly DirectoryEntry[]): number {
  const [id, place] = decodeCursor(cursor, ['string', 'number']) as [string, number];
  const index = entries.findIndex(({ contact }) => contact.id === id);
  return index >= 0 ? index + 1 : Math.max(0, Math.min(Math.trunc(place) - 1, entries.length));
}
