import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, LessThan, type Repository } from 'typeorm';
import { Actions } from '../actions/actions.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import type { JoinedBy } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import { Identities } from '../interlocutors/identities.js';
import type { StatedInterlocutor } from '../interlocutors/interlocutors.service.js';
import type { Segment } from '../places/segments.js';
import { openSealedPage } from '../platform/cursors.js';
import { lockHashes } from '../platform/locks.js';
import { Log } from '../platform/log.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { isForeignKeyViolation, isUniqueViolation } from '../platform/sqlstate.js';
import type { CanonicalAddress } from '../platform/validation/email-addresses.js';
import { AddressHashes } from '../platform/vault/address-hashes.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import {
  addLabelsQuery,
  aloneQuery,
  type ContactRow,
  contactRowsQuery,
  joinedBeforeQuery,
  keepLabelsQuery,
  lockContactsQuery,
  lockToEraseQuery,
  overlabelledQuery,
  removeLabelsQuery,
  startingLabelsQuery,
  setEmailVerifiedQuery,
  toEraseQuery,
  touchContactsQuery,
  twinsQuery,
} from './address-book.queries.js';
import { type BookEntry, type BookFilter, type BookPlace, type Facets, isBlank, lettersOf } from './book.js';
import { Contact } from './contact.entity.js';
import { ExternalIdTaken, TooManyLabelsOnContact, UnknownLabel } from './contacts.errors.js';
import {
  type ChangeContact,
  type ContactFilter,
  type ContactList,
  ContactSearch,
  type ContactView,
  type FoundContacts,
  type LabelledContacts,
  type LabelContacts,
} from './contacts.dto.js';
import { Directory } from './directory.js';
import { openInvitationName } from './invitation-names.js';
import { normalisedPhone } from './phones.js';

/** Initial values of a contact. */
export interface NewContact {
  subscriberId: string;
  id: string;
  interlocutorId: string;
  stated: StatedInterlocutor;
  promotions: boolean;
  privacyVersion: number;
  /** The subscriber's own number for this person, where it gave one with the invitation. */
  externalId: string | undefined;
  /** Likewise, as are the next two. */
  note?: string | undefined;
  phone?: string | undefined;
  labels?: readonly string[] | undefined;
  joinedAt: Date;
  invitationId?: string;
  /** True when the interlocutor has verified the address that it states. */
  emailVerified?: boolean;
  /** Hashes of the acceptance, where its client gave it an id. */
  joiningKey?: Buffer | null;
  joiningDigest?: Buffer | null;
}

/** A contact as a repeated acceptance finds it. */
export interface KnownJoining {
  contact: Contact;
  accountId: string;
}

/** Marks of a repeated acceptance: its address and password within minutes, or the key that its client chose. */
export interface JoiningAttempt {
  email: string;
  passwordHash: string;
  since: Date;
  joiningKey: Buffer | null;
}

/** Names a contact. */
export type ContactRef = Pick<Contact, 'subscriberId' | 'id'>;

export interface ContactToErase {
  id: string;
  interlocutorId: string;
  addressHash: Buffer | null;
}

/** Locks the conversation of a contact until the transaction ends. */
type LockConversation = (manager: EntityManager, contact: ContactRef) => Promise<void>;

@Injectable()
export class Contacts implements OnModuleInit {
  private lockConversation: LockConversation;

  constructor(
    @InjectRepository(Contact) private readonly contacts: Repository<Contact>,
    private readonly actions: Actions,
    private readonly addresses: AddressHashes,
    private readonly directory: Directory,
    private readonly identities: Identities,
    private readonly log: Log,
    private readonly realtime: Realtime,
    private readonly vault: Vault,
  ) {}

  /** Registers the function that locks the conversation of a contact; must be called before the application has started. */
  lockConversationsBy(lock: LockConversation): void {
    this.lockConversation = lock;
  }

  /** @throws Error when no slice has registered what locks a conversation */
  onModuleInit(): void {
    if (!this.lockConversation) throw new Error('no slice locks the conversation of a contact');
  }

  /** @returns undefined when the interlocutor is a contact of this subscriber already */
  async add(
    manager: EntityManager,
    { stated, externalId, note, phone, labels, ...contact }: NewContact,
  ): Promise<Contact | undefined> {
    const { identity, ...segments } = stated;
    const { subscriberId, id, joinedAt } = contact;
    const sealed = await this.identities.sealCopy(subscriberId, id, identity);
    const numbered = await this.numbering(manager, subscriberId, id, externalId);
    const added = {
      note: await this.sealAdded(subscriberId, id, 'note', note ?? null),
      phone: await this.sealAdded(subscriberId, id, 'phone', phone ?? null),
      ...numbered,
      addressHash: this.addressHash(subscriberId, identity.email),
      profileChangedAt: null,
    };
    const row: Contact = {
      ...{ invitationId: null, emailVerified: false, joiningKey: null, joiningDigest: null },
      ...contact,
      ...segments,
      ...added,
      identity: sealed,
      updatedAt: joinedAt,
    };
    const inserted = await this.insertOnce(manager, row);
    if (inserted && labels && labels.length > 0) await manager.query(startingLabelsQuery, [subscriberId, id, labels]);
    return inserted;
  }

  /** The second of two requests at once finds what the first has inserted: the person, or the number, which is left out. */
  private async insertOnce(manager: EntityManager, row: Contact): Promise<Contact | undefined> {
    if (await this.insert(manager, row)) return row;
    const { subscriberId, interlocutorId } = row;
    if (row.externalId === null || (await manager.existsBy(Contact, { subscriberId, interlocutorId })))
      return undefined;
    const unnumbered = { ...row, externalId: null, externalIdHash: null };
    return (await this.insert(manager, unnumbered)) ? unnumbered : undefined;
  }

  /**
   * Waits for a concurrent insertion of the same.
   * @returns whether it was not there yet
   */
  private async insert(manager: EntityManager, row: Contact): Promise<boolean> {
    const insert = manager.createQueryBuilder().insert().into(Contact).values(row).orIgnore().returning('id');
    return ((await insert.execute()).raw as unknown[]).length > 0;
  }

  /**
   * Locks an address of a subscriber until the transaction ends. Must be called before any contact is locked.
   */
  lockAddress(manager: EntityManager, subscriberId: string, email: string): Promise<void> {
    return lockHashes(manager, [this.addressHash(subscriberId, email)]);
  }

  /** @returns the contact that was alone with the address of a new one, and to be told of as changed */
  async touchTwin(manager: EntityManager, { subscriberId, id, addressHash }: Contact): Promise<ContactRef[]> {
    return this.touchTwins(manager, [{ subscriberId, id, hash: addressHash! }]);
  }

  /**
   * Finds contacts with this password that joined a subscriber under an address since a time, or that the acceptance with
   * this key made. The newest comes first.
   */
  async joinedBefore(
    manager: EntityManager,
    subscriberId: string,
    { email, passwordHash, since, joiningKey }: JoiningAttempt,
  ): Promise<KnownJoining[]> {
    const addressHash = this.addressHash(subscriberId, email);
    const rows = await manager.query<{ id: string; account_id: string }[]>(joinedBeforeQuery, [
      ...[subscriberId, addressHash, since, joiningKey, passwordHash],
    ]);
    const contacts = await manager.findBy(Contact, { subscriberId, id: In(rows.map(({ id }) => id)) });
    return rows.flatMap(({ id, account_id: accountId }) => {
      const contact = contacts.find((each) => each.id === id);
      return contact ? { contact, accountId } : [];
    });
  }

  /**
   * Writes down whether an interlocutor has verified its address.
   * @returns the contacts for which that is new, to be told of after the commit
   */
  setEmailVerified(manager: EntityManager, interlocutorId: string, verified: boolean): Promise<ContactRef[]> {
    return manager.query<ContactRef[]>(setEmailVerifiedQuery, [interlocutorId, verified]);
  }

  /** A number that another contact has meanwhile is left out: joining does not fail for it. */
  private async numbering(
    manager: EntityManager,
    subscriberId: string,
    id: string,
    externalId: string | undefined,
  ): Promise<Pick<Contact, 'externalId' | 'externalIdHash'>> {
    const externalIdHash = externalId === undefined ? null : await this.externalIdHash(subscriberId, externalId);
    if (!externalIdHash || (await manager.existsBy(Contact, { subscriberId, externalIdHash }))) {
      return { externalId: null, externalIdHash: null };
    }
    const context = addedContext(subscriberId, id, 'external_id');
    return { externalId: await this.vault.seal({ scope: 'contact', id }, externalId!, context), externalIdHash };
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

  /**
   * @returns when that changed, stamped under the lock of the row so that later changes have later times; undefined when
   * it was so already
   */
  async setPromotions(
    manager: EntityManager,
    { subscriberId, id }: Contact,
    promotions: boolean,
  ): Promise<Date | undefined> {
    // A chunk being sent locks the conversation: its promotion is stored before the opt-out is answered, and none follows.
    if (!promotions) await this.lockConversation(manager, { subscriberId, id });
    const [[row]] = await manager.query<[{ updated_at: Date }[], number]>(
      `UPDATE contact SET promotions = $3, updated_at = greatest(change_time(), updated_at + interval '1 ms')
       WHERE subscriber_id = $1 AND id = $2 AND promotions <> $3 RETURNING updated_at`,
      [subscriberId, id, promotions],
    );
    return row?.updated_at;
  }

  /** The account of the person or company behind a contact. */
  async accountOf(manager: EntityManager, { subscriberId, id }: Pick<Contact, 'subscriberId' | 'id'>): Promise<string> {
    const [{ accountId }] = await manager.query<[{ accountId: string }]>(
      `SELECT interlocutor.account_id AS "accountId"
       FROM contact JOIN interlocutor ON interlocutor.id = contact.interlocutor_id
       WHERE contact.subscriber_id = $1 AND contact.id = $2`,
      [subscriberId, id],
    );
    return accountId;
  }

  /** @returns whether that changes anything */
  async acceptPrivacy(manager: EntityManager, { subscriberId, id }: Contact, version: number): Promise<boolean> {
    const which = { subscriberId, id, privacyVersion: LessThan(version) };
    const { affected } = await manager.update(Contact, which, { privacyVersion: version });
    return Boolean(affected);
  }

  /**
   * Gives every contact of an interlocutor a fresh copy of what it says of itself. Of region, province and sector those named
   * by `segments` are written; the others stay, because a business may have given them with the invitation.
   * @returns the contacts, but those whose key was destroyed meanwhile, and who begins or ceases to share an address with one
   */
  async restate(
    manager: EntityManager,
    interlocutorId: string,
    { identity, region, province, sector }: StatedInterlocutor,
    { segments, emailVerified }: { segments: readonly Segment[]; emailVerified?: boolean },
  ): Promise<ContactRef[]> {
    const restated: ContactRef[] = [];
    const contacts = await manager.find(Contact, { where: { interlocutorId }, order: { id: 'ASC' } });
    const moves = contacts.flatMap(({ subscriberId, id, addressHash: left }) => {
      const reached = this.addressHash(subscriberId, identity.email);
      if (left?.equals(reached)) return [];
      return [...(left ? [{ subscriberId, id, hash: left }] : []), { subscriberId, id, hash: reached }];
    });
    await lockHashes(
      manager,
      moves.map(({ hash }) => hash),
    );
    for (const contact of contacts) {
      const { subscriberId, id } = contact;
      const sealed = await this.identities.sealCopy(subscriberId, id, identity).catch(unlessKeyGone);
      if (!sealed) continue;
      await manager.query(
        `UPDATE contact SET identity = $3,
                region = CASE WHEN $9 THEN $4 ELSE region END,
                province = CASE WHEN $10 THEN $5 ELSE province END,
                sector = CASE WHEN $11 THEN $6 ELSE sector END,
                address_hash = $7, email_verified = coalesce($8, email_verified),
                updated_at = greatest(change_time(), updated_at + interval '1 ms'), profile_changed_at = change_time()
         WHERE subscriber_id = $1 AND id = $2`,
        [
          ...[subscriberId, id, sealed, region, province, sector],
          this.addressHash(subscriberId, identity.email),
          emailVerified ?? null,
          ...(['region', 'province', 'sector'] as const).map((segment) => segments.includes(segment)),
        ],
      );
      restated.push({ subscriberId, id });
    }
    return [...restated, ...(await this.touchTwins(manager, moves))];
  }

  /** Contacts that are there, among these: with what an erasure needs to know of them, in the order of their ids. */
  toErase(subscriberId: string, ids: readonly string[]): Promise<ContactToErase[]> {
    return this.contacts.query<ContactToErase[]>(toEraseQuery, [subscriberId, ids]);
  }

  /**
   * Locks a contact against erasure until the transaction ends.
   * @returns whether it exists
   */
  async keepFromErasure(manager: EntityManager, subscriberId: string, id: string): Promise<boolean> {
    const rows = await manager.query<unknown[]>(
      'SELECT FROM contact WHERE subscriber_id = $1 AND id = $2 FOR KEY SHARE',
      [subscriberId, id],
    );
    return rows.length > 0;
  }

  /** Locks contacts until the transaction ends, in the order of their ids. */
  async lockToErase(manager: EntityManager, subscriberId: string, ids: readonly string[]): Promise<void> {
    await manager.query(lockToEraseQuery, [subscriberId, ids]);
  }

  /** Tells if a filter has any condition; one without finds every contact. */
  isNarrowed({ query, label, ...others }: ContactFilter): boolean {
    if (query !== undefined && !isBlank(query)) return true;
    return (label !== undefined && label.length > 0) || Object.values(others).some((value) => value !== undefined);
  }

  /** The ids of all contacts that a search finds. */
  async found(subscriberId: string, search: ContactFilter): Promise<string[]> {
    return (await this.allFound(subscriberId, { ...search, sort: 'joined', order: 'asc' })).map(({ id }) => id);
  }

  /** All contacts that a search finds, in its order, with the letters under which they stand while it is that of the names. */
  async index({ subscriberId }: MemberPrincipal, search: ContactFilter): Promise<FoundContacts> {
    const entries = await this.allFound(subscriberId, search);
    const letters = (search.sort ?? 'name') === 'name' ? lettersOf(entries) : [];
    return { ids: entries.map(({ id }) => id), letters };
  }

  private async allFound(subscriberId: string, search: ContactFilter): Promise<BookEntry[]> {
    const { sort = 'name', order = 'asc' } = search;
    const filter = await this.filterOf(subscriberId, search);
    const book = await this.directory.book(subscriberId);
    return (await book.page(filter, { sort, descending: order === 'desc', limit: Infinity })).entries;
  }

  /**
   * After a commit: takes erased contacts out of the directory, and tells of those that were two with one of them at an address
   * and are alone now.
   */
  async gone(subscriberId: string, ids: readonly string[], addressHashes: readonly Buffer[]): Promise<void> {
    await this.directory.refresh(subscriberId, ...ids);
    const alone = await this.contacts.query<{ id: string }[]>(aloneQuery, [subscriberId, addressHashes]);
    const twins = alone.map(({ id }) => id);
    if (twins.length === 0) return;
    await this.contacts.manager.transaction((manager) => manager.query(touchContactsQuery, [subscriberId, twins]));
    await this.tellChanged(subscriberId, twins);
  }

  /** The hash by which contacts and invitations of a subscriber are known to have an address. */
  hashOfAddress(subscriberId: string, email: string): Buffer {
    return this.addressHash(subscriberId, email);
  }

  /** The contacts of a subscriber with their interlocutors: ids alone. */
  links(subscriberId: string): Promise<Pick<Contact, 'id' | 'interlocutorId'>[]> {
    return this.contacts.find({ where: { subscriberId }, select: { id: true, interlocutorId: true } });
  }

  /** After a commit: brings the directory up to date, and gives the contact as its subscriber sees it. */
  async published({ subscriberId, id }: ContactRef): Promise<ContactView> {
    await this.directory.refresh(subscriberId, id);
    return this.view(subscriberId, id);
  }

  /** After a commit: tells subscribers that contacts of theirs have changed. */
  async tellOf(contacts: readonly ContactRef[]): Promise<void> {
    for (const contact of contacts) {
      await this.log.attempt(async () => {
        const view = await this.published(contact);
        this.realtime.tell(rooms.ofSubscriber(contact.subscriberId), 'contact.changed', { contact: view });
      });
    }
  }

  /** To be called before a transaction in which {@link addressesAmong} is: a second connection may not be free. */
  async openDirectory(subscriberId: string): Promise<void> {
    await this.directory.book(subscriberId);
  }

  /** Finds the addresses that contacts of the address book have. */
  async addressesAmong(subscriberId: string, addresses: ReadonlySet<CanonicalAddress>): Promise<Set<CanonicalAddress>> {
    if (addresses.size === 0) return new Set();
    return (await this.directory.book(subscriberId)).addressesAmong(addresses);
  }

  /** Finds which of the external ids a contact has. */
  async externalIdsAmong(
    manager: EntityManager,
    subscriberId: string,
    externalIds: readonly string[],
  ): Promise<Set<string>> {
    if (externalIds.length === 0) return new Set();
    const byHash = new Map<string, string>();
    for (const each of externalIds) byHash.set((await this.externalIdHash(subscriberId, each)).toString('hex'), each);
    const rows = await manager.query<{ hash: string }[]>(
      `SELECT encode(external_id_hash, 'hex') AS hash FROM contact
       WHERE subscriber_id = $1 AND external_id_hash = ANY ($2)`,
      [subscriberId, [...byHash.keys()].map((hash) => Buffer.from(hash, 'hex'))],
    );
    return new Set(rows.map(({ hash }) => byHash.get(hash)!));
  }

  /** A page of the address book. */
  async search({ subscriberId }: MemberPrincipal, wanted: ContactSearch): Promise<ContactList> {
    // Positions and filters hold names. A page goes on rightly when its last contact was changed or erased meanwhile.
    const sealed = { vault: this.vault, key: { scope: 'subscriber', id: subscriberId } } as const;
    const { ask: search, position, next } = await openSealedPage(ContactSearch, wanted, sealed);
    const { sort = 'name', order = 'asc', limit } = search;
    const after = position && placeOf(position);
    const filter = await this.filterOf(subscriberId, search);
    const book = await this.directory.book(subscriberId);
    const descending = order === 'desc';
    const { entries, more, total } = await book.page(filter, { sort, descending, limit, ...(after && { after }) });
    const items = await this.views(
      subscriberId,
      entries.map(({ id }) => id),
    );
    const last = entries.at(-1);
    return { items, nextCursor: more && last ? await next(positionOf(last)) : null, total };
  }

  /** Counts the contacts of each region, province, sector and label. */
  async facets({ subscriberId }: MemberPrincipal): Promise<Facets> {
    return (await this.directory.book(subscriberId)).facets();
  }

  /** @throws NotFound */
  get({ subscriberId }: Pick<MemberPrincipal, 'subscriberId'>, id: string): Promise<ContactView> {
    return this.view(subscriberId, id);
  }

  /**
   * Changes what the subscriber adds to a contact.
   * @throws NotFound, ExternalIdTaken, UnknownLabel
   */
  async change(member: MemberPrincipal, id: string, change: ChangeContact): Promise<ContactView> {
    const { subscriberId } = member;
    const changed = await this.changing(async (manager) => {
      await manager.query(lockContactsQuery, [subscriberId, [id]]);
      const [known] = await this.views(subscriberId, [id], manager);
      if (!known) throw new NotFound();
      const relabelled = change.labels ? await relabel(manager, subscriberId, id, change.labels) : false;
      const fields = await this.sealChange(subscriberId, known, change);
      const rewritten = Object.keys(fields).length > 0;
      if (rewritten) await manager.update(Contact, { subscriberId, id }, fields);
      if (!relabelled && !rewritten) return false;
      await manager.query(touchContactsQuery, [subscriberId, [id]]);
      await this.actions.record(manager, member, 'contact.changed', id);
      return true;
    });
    if (changed) await this.tellChanged(subscriberId, [id]);
    return this.view(subscriberId, id);
  }

  /**
   * Gives labels to many contacts and takes others off them; contacts that are not there are passed over.
   * @throws UnknownLabel, TooManyLabelsOnContact
   */
  async label(
    member: MemberPrincipal,
    { add = [], remove = [], contactIds }: LabelContacts,
  ): Promise<LabelledContacts> {
    const { subscriberId } = member;
    const changed = await this.changing(async (manager) => {
      const rows = await manager.query<{ id: string }[]>(lockContactsQuery, [subscriberId, contactIds]);
      const ids = rows.map((row) => row.id);
      const without = remove.filter((label) => !add.includes(label));
      const touched = [
        ...(await manager.query<LabelledRow[]>(removeLabelsQuery, [subscriberId, ids, without])),
        ...(await manager.query<LabelledRow[]>(addLabelsQuery, [subscriberId, ids, add])),
      ];
      const over = await manager.query<unknown[]>(overlabelledQuery, [subscriberId, ids, limits.labelsPerContact]);
      if (over.length > 0) throw new TooManyLabelsOnContact();
      const changedIds = [...new Set(touched.map((row) => row.contact_id))];
      if (changedIds.length === 0) return changedIds;
      await manager.query(touchContactsQuery, [subscriberId, changedIds]);
      await this.actions.record(manager, member, 'contacts.labelled');
      return changedIds;
    });
    await this.tellChanged(subscriberId, changed);
    return { changed: changed.length };
  }

  private async view(subscriberId: string, id: string): Promise<ContactView> {
    const [view] = await this.views(subscriberId, [id]);
    if (!view) throw new NotFound();
    return view;
  }

  /** The contacts as their subscriber sees them, in the order of the ids; without those that are gone. */
  private async views(
    subscriberId: string,
    ids: readonly string[],
    manager: EntityManager = this.contacts.manager,
  ): Promise<ContactView[]> {
    const found = await manager.query<ContactRow[]>(contactRowsQuery, [subscriberId, ids]);
    const byId = new Map(found.map((row) => [row.id, row]));
    const rows = ids.flatMap((id) => byId.get(id) ?? []);
    const identities = await this.identities.openCopies(subscriberId, rows);
    const notes = await this.openAdded(subscriberId, rows, 'note');
    const phones = await this.openAdded(subscriberId, rows, 'phone');
    const externalIds = await this.openAdded(subscriberId, rows, 'external_id');
    const joinedBy = await this.openJoinedBy(subscriberId, rows);
    return rows.flatMap((row, index) => {
      const identity = identities[index];
      if (!identity) return [];
      const { id, region, province, sector, promotions, labels } = row;
      return {
        id,
        ...identity,
        region,
        province,
        sector,
        emailVerified: row.email_verified,
        addressShared: row.address_shared,
        joinedBy: joinedBy[index] ?? null,
        promotions,
        labels,
        note: notes.get(id) ?? null,
        phone: phones.get(id) ?? null,
        externalId: externalIds.get(id) ?? null,
        joinedAt: row.joined_at.toISOString(),
        updatedAt: row.updated_at.toISOString(),
      };
    });
  }

  /** In the order of the rows. The same invitation has brought many: its name is opened once. */
  private async openJoinedBy(subscriberId: string, rows: ContactRow[]): Promise<(JoinedBy | null)[]> {
    const known = new Map<string, JoinedBy>();
    for (const { invitation_id: invitationId, invitation_kind: kind, invitation_name: sealed } of rows) {
      if (!invitationId || !kind || known.has(invitationId)) continue;
      const name = sealed && (await openInvitationName(this.vault, subscriberId, invitationId, sealed));
      known.set(invitationId, { invitationId, kind, ...(name && { name }) });
    }
    return rows.map(({ invitation_id: id }) => (id && known.get(id)) || null);
  }

  /** In the order of the contacts, as other changes lock them. */
  private async touchTwins(
    manager: EntityManager,
    moves: readonly (ContactRef & { hash: Buffer })[],
  ): Promise<ContactRef[]> {
    const twins = new Map<string, ContactRef>();
    for (const { subscriberId, id, hash } of moves) {
      const found = await manager.query<{ id: string }[]>(twinsQuery, [subscriberId, hash, id]);
      const [twin, another] = found;
      if (twin && !another) twins.set(twin.id, { subscriberId, id: twin.id });
    }
    const touched: ContactRef[] = [];
    for (const id of [...twins.keys()].sort()) {
      const twin = twins.get(id)!;
      await manager.query(touchContactsQuery, [twin.subscriberId, [id]]);
      touched.push(twin);
    }
    return touched;
  }

  private addressHash(subscriberId: string, email: string): Buffer {
    return this.addresses.of(contactAddress, email, subscriberId);
  }

  private async openAdded(
    subscriberId: string,
    rows: ContactRow[],
    field: AddedField,
  ): Promise<Map<string, string | undefined>> {
    const values = rows.flatMap(({ id, [field]: sealed }) =>
      sealed ? { id, sealed, context: addedContext(subscriberId, id, field) } : [],
    );
    const texts = await this.vault.openMany('contact', values);
    return new Map(values.map(({ id }, index) => [id, texts[index]]));
  }

  /** Seals those of note, phone and external id that differ from what is there. */
  private async sealChange(
    subscriberId: string,
    known: ContactView,
    change: ChangeContact,
  ): Promise<Partial<Pick<Contact, 'note' | 'phone' | 'externalId' | 'externalIdHash'>>> {
    const { id } = known;
    const seal = (field: AddedField, text: string | null) => this.sealAdded(subscriberId, id, field, text);
    const phone = change.phone ? normalisedPhone(change.phone, await this.countryOf(subscriberId)) : change.phone;
    const newPhone = phone === undefined ? known.phone : phone || null;
    const note = change.note === undefined ? known.note : change.note || null;
    const externalId = change.externalId === undefined ? known.externalId : change.externalId || null;
    return {
      ...(note !== known.note && { note: await seal('note', note) }),
      ...(newPhone !== known.phone && { phone: await seal('phone', newPhone) }),
      ...(externalId !== known.externalId && {
        externalId: await seal('external_id', externalId),
        externalIdHash: externalId === null ? null : await this.externalIdHash(subscriberId, externalId),
      }),
    };
  }

  private async sealAdded(
    subscriberId: string,
    id: string,
    field: AddedField,
    text: string | null,
  ): Promise<Buffer | null> {
    if (text === null) return null;
    return this.vault.seal({ scope: 'contact', id }, text, addedContext(subscriberId, id, field));
  }

  private async countryOf(subscriberId: string): Promise<string> {
    const query = 'SELECT country FROM subscriber WHERE subscriber_id = $1';
    const [row] = await this.contacts.manager.query<{ country: string }[]>(query, [subscriberId]);
    return row!.country;
  }

  private externalIdHash(subscriberId: string, externalId: string): Promise<Buffer> {
    return this.vault.digest({ scope: 'subscriber', id: subscriberId }, `external_id\0${externalId}`);
  }

  /** @throws ExternalIdTaken, UnknownLabel */
  private async changing<Result>(work: (manager: EntityManager) => Promise<Result>): Promise<Result> {
    try {
      return await this.contacts.manager.transaction(work);
    } catch (error) {
      if (isUniqueViolation(error)) throw new ExternalIdTaken();
      if (isForeignKeyViolation(error)) throw new UnknownLabel();
      throw error;
    }
  }

  private async tellChanged(subscriberId: string, ids: string[]): Promise<void> {
    await this.log.attempt(async () => {
      await this.directory.refresh(subscriberId, ...ids);
      for (const contact of await this.views(subscriberId, ids)) {
        this.realtime.tell(rooms.ofSubscriber(subscriberId), 'contact.changed', { contact });
      }
    });
  }

  private async filterOf(subscriberId: string, search: ContactFilter): Promise<BookFilter> {
    const { ids, query, region, province, sector, label: labels, hasLabel, updatedAfter, externalId } = search;
    return {
      ids: ids && new Set(ids),
      query,
      region,
      province,
      sector,
      labels,
      labelled: hasLabel && hasLabel === 'any',
      promotions: search.promotions,
      updatedSince: updatedAfter === undefined ? undefined : new Date(updatedAfter).getTime(),
      id: externalId === undefined ? undefined : await this.idByExternalId(subscriberId, externalId),
    };
  }

  /** @returns an id that no contact has when there is none */
  private async idByExternalId(subscriberId: string, externalId: string): Promise<string> {
    const externalIdHash = await this.externalIdHash(subscriberId, externalId);
    const contact = await this.contacts.findOne({ where: { subscriberId, externalIdHash }, select: { id: true } });
    return contact?.id ?? '';
  }
}

const positionOf = ({ id, name, firstName, joinedAt, updatedAt }: BookPlace) => [
  id,
  name,
  firstName,
  joinedAt,
  updatedAt,
];

function placeOf(position: (string | number)[]): BookPlace {
  const [id, name, firstName, joinedAt, updatedAt] = position as [string, string, string, number, number];
  return { id, name, firstName, joinedAt, updatedAt };
}

/** The hash of an address in the address book is the one by which an invitation to it is known. */
export const contactAddress = 'invited address';

interface LabelledRow {
  contact_id: string;
}

/** Fields that the subscriber adds to a contact, each sealed by itself. */
type AddedField = 'note' | 'phone' | 'external_id';

const addedContext = (subscriberId: string, id: string, field: AddedField) => ['contact', subscriberId, id, field];

/** @returns whether that changes anything */
async function relabel(manager: EntityManager, subscriberId: string, id: string, labels: string[]): Promise<boolean> {
  const removed = await manager.query<LabelledRow[]>(keepLabelsQuery, [subscriberId, [id], labels]);
  const added = await manager.query<LabelledRow[]>(addLabelsQuery, [subscriberId, [id], labels]);
  return removed.length > 0 || added.length > 0;
}

function unlessKeyGone(error: unknown): undefined {
  if (!(error instanceof KeyGoneError)) throw error;
}
