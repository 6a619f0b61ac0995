import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, LessThan, type Repository } from 'typeorm';
import type { MemberPrincipal } from '../auth/principal.js';
import { Identities } from '../interlocutors/identities.js';
import type { StatedInterlocutor } from '../interlocutors/interlocutors.service.js';
import { decodeCursor, encodeCursor } from '../platform/cursors.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { Contact } from './contact.entity.js';
import type { ContactList, ContactSearch, ContactView } from './contacts.dto.js';
import { Directory, type DirectoryEntry, fold } from './directory.js';

/** What a contact begins with. */
export interface NewContact {
  subscriberId: string;
  id: string;
  interlocutorId: string;
  stated: StatedInterlocutor;
  promotions: boolean;
  privacyVersion: number;
  joinedAt: Date;
}

@Injectable()
export class Contacts {
  constructor(
    @InjectRepository(Contact) private readonly contacts: Repository<Contact>,
    private readonly directory: Directory,
    private readonly identities: Identities,
  ) {}

  /** @returns undefined when the interlocutor is a contact of this subscriber already */
  async add(manager: EntityManager, { stated, ...contact }: NewContact): Promise<Contact | undefined> {
    const { identity, ...segments } = stated;
    const { subscriberId, id, joinedAt } = contact;
    const sealed = await this.identities.sealCopy(subscriberId, id, identity);
    const row: Contact = { ...contact, ...segments, identity: sealed, updatedAt: joinedAt };
    const insert = manager.createQueryBuilder().insert().into(Contact).values(row).orIgnore().returning('id');
    return ((await insert.execute()).raw as unknown[]).length > 0 ? row : undefined;
  }

  /** @throws NotFound when it is not a contact of this interlocutor */
  async ofInterlocutor(interlocutorId: string, id: string): Promise<Contact> {
    const contact = await this.contacts.findOneBy({ id, interlocutorId });
    if (!contact) throw new NotFound();
    return contact;
  }

  allOfInterlocutor(interlocutorId: string): Promise<Contact[]> {
    return this.contacts.findBy({ interlocutorId });
  }

  between(subscriberId: string, interlocutorId: string): Promise<Contact | null> {
    return this.contacts.findOneBy({ subscriberId, interlocutorId });
  }

  /** @returns whether that changes anything */
  async setPromotions(
    manager: EntityManager,
    { subscriberId, id }: Contact,
    promotions: boolean,
    at: Date,
  ): Promise<boolean> {
    const which = { subscriberId, id, promotions: !promotions };
    const { affected } = await manager.update(Contact, which, { promotions, updatedAt: at });
    return Boolean(affected);
  }

  /** @returns whether that changes anything */
  async acceptPrivacy(manager: EntityManager, { subscriberId, id }: Contact, version: number): Promise<boolean> {
    const which = { subscriberId, id, privacyVersion: LessThan(version) };
    const { affected } = await manager.update(Contact, which, { privacyVersion: version });
    return Boolean(affected);
  }

  /** After a commit: brings the directory up to date, and gives the contact as its subscriber sees it. */
  async published({ subscriberId, id }: Contact): Promise<ContactView> {
    await this.directory.refresh(subscriberId, id);
    return this.view(subscriberId, id);
  }

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
  get({ subscriberId }: MemberPrincipal, id: string): Promise<ContactView> {
    return this.view(subscriberId, id);
  }

  private async view(subscriberId: string, id: string): Promise<ContactView> {
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
