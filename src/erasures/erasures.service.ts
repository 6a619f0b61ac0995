import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import { type ContactToErase, Contacts } from '../address-book/contacts.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { ConsentProofs } from '../consents/consent-proofs.service.js';
import type { ErasureOrigin } from '../contract/erasures.js';
import { Conversations } from '../conversations/conversations.service.js';
import { Interlocutors } from '../interlocutors/interlocutors.service.js';
import { openPage } from '../platform/cursors.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { Vault } from '../platform/vault/vault.js';
import { isNameOf } from '../subscribers/business.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { CertificateMails, type SealedAddress } from './certificate-mails.service.js';
import { Certificates } from './certificates.service.js';
import { ErasureRuns, proceedWithErasures } from './erasure-runs.service.js';
import {
  type Certificate,
  type ErasureFilter,
  type ErasureList,
  ListErasures,
  type NewErasure,
} from './erasures.dto.js';
import { selectionInvalid, ConfirmationWrong, NobodyToErase, selectionEmpty } from './erasures.errors.js';
import {
  beginQuery,
  contactsAmongQuery,
  contactsOfInterlocutorsQuery,
  erasureOfQuery,
  erasureQuery,
  type ErasureRow,
  erasuresQuery,
  knownErasuresQuery,
  ofSubscriberQuery,
  retakeQuery,
  subjectsQuery,
} from './erasures.queries.js';

/** Erases people again whom a backup older than their erasure has brought back. */
const replayErasures = defineJob('erasure.replay', { expireInSeconds: 3_600 });

const replayedAtOnce = 500;
const firstId = '00000000-0000-0000-0000-000000000000';

/** Reason for an erasure, and the member who asked for it; null for the service itself, after a restore say. */
export interface ErasureRequest {
  subscriberId: string;
  memberId: string | null;
  origin: ErasureOrigin;
  /** The erasure of the keyring's ledger that is done again, and when it was done first: its proofs get no longer term. */
  erasureId?: string;
  erasedAt?: Date | undefined;
  /** The account whose confirmed address gets the certificate. */
  certificateTo?: string | undefined;
}

/** Erases contacts for good, with everything about them. */
@Injectable()
export class Erasures {
  constructor(
    private readonly actions: Actions,
    private readonly certificates: Certificates,
    private readonly contacts: Contacts,
    private readonly conversations: Conversations,
    private readonly database: DataSource,
    private readonly interlocutors: Interlocutors,
    private readonly jobs: Jobs,
    private readonly mails: CertificateMails,
    private readonly proofs: ConsentProofs,
    private readonly runs: ErasureRuns,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {
    jobs.handle(replayErasures, async () => void (await this.replay()));
  }

  /**
   * Erases one contact. Once this resolves, its data is unreadable.
   * @returns the erasure; for a contact that is already being erased, the existing one
   * @throws NotFound
   */
  async eraseOne({ subscriberId, memberId }: MemberPrincipal, contactId: string): Promise<string> {
    const erasureId = await this.eraseContacts({ subscriberId, memberId, origin: 'subscriber' }, [contactId]);
    if (erasureId) return erasureId;
    const [known] = await this.database.query<{ id: string; unreadable: boolean }[]>(erasureOfQuery, [
      subscriberId,
      contactId,
    ]);
    if (!known) throw new NotFound();
    // The other request may not have finished its first steps.
    if (!known.unreadable) await this.runs.begin({ subscriberId, id: known.id });
    return known.id;
  }

  /**
   * Erases the named contacts, or all that match a filter, if the number and the name of the business were typed correctly.
   * @throws ConfirmationWrong, NobodyToErase, ValidationFailed
   */
  async eraseMany(member: MemberPrincipal, { contactIds, filter, confirmation }: NewErasure): Promise<string> {
    const { subscriberId, memberId } = member;
    if ((contactIds === undefined) === (filter === undefined)) throw selectionInvalid();
    const wanted = contactIds ? [...new Set(contactIds)] : await this.found(subscriberId, filter!);
    const there = await this.contacts.toErase(subscriberId, wanted);
    if (there.length === 0) throw new NobodyToErase();
    const { businessName } = await this.subscribers.get(subscriberId);
    const named = isNameOf(confirmation.businessName, businessName);
    if (confirmation.contacts !== there.length || !named) throw new ConfirmationWrong(there.length, businessName);
    const ids = there.map(({ id }) => id);
    const erasureId = await this.eraseContacts({ subscriberId, memberId, origin: 'subscriber' }, ids);
    if (!erasureId) throw new NobodyToErase();
    return erasureId;
  }

  /**
   * Erases a contact who has asked for it, and mails the certificate to its confirmed address. When this resolves nothing of the
   * contact is readable any more. Calling it again does no harm.
   * @param memberId the owner who carries it out before its time
   */
  async eraseAtRequest(
    { subscriberId, contactId }: { subscriberId: string; contactId: string },
    memberId: string | null = null,
  ): Promise<void> {
    const certificateTo = await this.interlocutors.accountOfContact(subscriberId, contactId);
    await this.eraseContacts({ subscriberId, memberId, origin: 'interlocutor', certificateTo }, [contactId]);
  }

  /**
   * Erases a whole subscriber whose time has come: its contacts, and everything else it holds. When this resolves nothing of it is
   * readable any more.
   * @param certificateTo the owner's account
   * @returns undefined if its owner has changed its mind meanwhile
   */
  async eraseSubscriber(subscriberId: string, certificateTo: string | undefined): Promise<string | undefined> {
    const ids = await this.database.query<{ id: string }[]>('SELECT id FROM contact WHERE subscriber_id = $1', [
      subscriberId,
    ]);
    const contacts = await this.contacts.toErase(
      subscriberId,
      ids.map(({ id }) => id),
    );
    const request = { subscriberId, memberId: null, origin: 'closing', certificateTo } as const;
    return this.erase(request, contacts);
  }

  /** @throws NotFound */
  async certificate({ subscriberId }: Pick<MemberPrincipal, 'subscriberId'>, id: string): Promise<Certificate> {
    const [row] = await this.database.query<ErasureRow[]>(erasureQuery, [subscriberId, id]);
    if (!row) throw new NotFound();
    const { businessName } = await this.subscribers.get(subscriberId);
    return this.certificates.of(row, businessName);
  }

  /** Newest first. */
  async list({ subscriberId }: MemberPrincipal, wanted: ListErasures): Promise<ErasureList> {
    const { ask, position, next } = openPage(ListErasures, wanted, ['id']);
    const { limit } = ask;
    const rows = await this.database.query<ErasureRow[]>(erasuresQuery(limit + 1), [
      subscriberId,
      position?.[0] ?? null,
    ]);
    const items = rows.slice(0, limit).map((row) => this.certificates.view(row));
    return { items, nextCursor: rows.length > limit ? next([items.at(-1)!.id]) : null };
  }

  /**
   * Continues interrupted erasures, and erases people again whom an older backup has brought back; to be called once the
   * workers have started.
   */
  async resume(): Promise<void> {
    await this.database.transaction(async (manager) => {
      await this.jobs.add(manager, proceedWithErasures, {});
      await this.jobs.add(manager, replayErasures, {});
    });
  }

  /**
   * Erases whatever the main database still holds of contacts and interlocutors that the keyring's ledger names. Erasures that
   * the main database knows are left out, so that a service without a restore has nothing to do.
   * @returns the number of contacts that were found
   */
  async replay(): Promise<number> {
    let found = 0;
    let after = firstId;
    for (;;) {
      const ids = await this.vault.erasuresAfter(after, replayedAtOnce);
      const known = await this.database.query<{ id: string }[]>(knownErasuresQuery, [ids]);
      const there = new Set(known.map(({ id }) => id));
      for (const id of ids) if (!there.has(id)) found += await this.replayOne(id);
      if (ids.length < replayedAtOnce) return found;
      after = ids.at(-1)!;
    }
  }

  private async replayOne(erasureId: string): Promise<number> {
    const refs = await this.vault.erasedBy(erasureId);
    const erasedAt = refs[0]?.erasedAt;
    const idsOf = (scope: 'contact' | 'interlocutor') => refs.filter((ref) => ref.scope === scope).map(({ id }) => id);
    const rows = [
      ...(await this.database.query<{ subscriberId: string; id: string }[]>(contactsAmongQuery, [idsOf('contact')])),
      ...(await this.database.query<{ subscriberId: string; id: string }[]>(contactsOfInterlocutorsQuery, [
        idsOf('interlocutor'),
      ])),
    ];
    for (const [subscriberId, contacts] of Map.groupBy(rows, (row) => row.subscriberId)) {
      const ids = [...new Set(contacts.map(({ id }) => id))];
      await this.eraseContacts({ subscriberId, memberId: null, origin: 'replay', erasureId, erasedAt }, ids);
    }
    const subscribers = refs.filter(({ scope }) => scope === 'subscriber').map(({ id }) => id);
    for (const subscriberId of subscribers) await this.replaySubscriber(subscriberId, erasureId, erasedAt);
    return rows.length;
  }

  private async replaySubscriber(subscriberId: string, id: string, erasedAt: Date | undefined): Promise<void> {
    const begunAt = new Date();
    if (!(await this.subscribers.closeAgain(subscriberId, id))) return;
    const term = await this.proofs.term(subscriberId, erasedAt ?? begunAt);
    await this.database.transaction(async (manager) => {
      await manager.query(beginQuery, [subscriberId, id, 'replay', null, begunAt, term.keepUntil]);
      await manager.query(ofSubscriberQuery, [subscriberId, id]);
      await this.jobs.add(manager, proceedWithErasures, {});
    });
    await this.runs.begin({ subscriberId, id });
  }

  /**
   * Erases contacts of a subscriber, for whatever reason; none of them is readable when this resolves.
   * @returns the erasure; undefined when none of the contacts is there, or all of them are being erased already
   */
  async eraseContacts(request: ErasureRequest, ids: readonly string[]): Promise<string | undefined> {
    const contacts = await this.contacts.toErase(request.subscriberId, ids);
    return contacts.length === 0 ? undefined : this.erase(request, contacts);
  }

  private async erase(request: ErasureRequest, contacts: readonly ContactToErase[]): Promise<string | undefined> {
    const { subscriberId, memberId, origin, erasureId = uuid(), erasedAt, certificateTo } = request;
    const address = certificateTo === undefined ? undefined : await this.mails.seal(certificateTo);
    const begunAt = new Date();
    const term = await this.proofs.term(subscriberId, erasedAt ?? begunAt);
    const subjects = await this.subjects(contacts, term.keyId);
    const begun = await this.database
      .transaction(async (manager) => {
        if (origin === 'closing' && !(await this.subscribers.beginClosing(manager, subscriberId, erasureId)))
          throw new NothingToBegin();
        await manager.query(beginQuery, [subscriberId, erasureId, origin, memberId, begunAt, term.keepUntil]);
        const values = [subscriberId, erasureId, ...subjects];
        if (origin === 'replay') await manager.query(retakeQuery, values);
        const noted = await manager.query<unknown[]>(subjectsQuery, values);
        if (noted.length === 0 && origin !== 'replay' && origin !== 'closing') throw new NothingToBegin();
        if (origin === 'closing') await manager.query(ofSubscriberQuery, [subscriberId, erasureId]);
        if (address) await this.mails.note(manager, { subscriberId, id: erasureId }, address);
        await this.actions.record(manager, { subscriberId, memberId }, 'contacts.erased', erasureId);
        // For a crash in the next moment; otherwise the run that follows is there first.
        await this.jobs.add(manager, proceedWithErasures, {}, { startAfter: new Date(Date.now() + 30_000) });
        return true;
      })
      .catch((error: unknown) => {
        if (error instanceof NothingToBegin) return false;
        throw error;
      });
    if (!begun) {
      if (address) await this.mailByAnother(subscriberId, contacts, address);
      return undefined;
    }
    await this.runs.begin({ subscriberId, id: erasureId });
    return erasureId;
  }

  /** Has the certificate mailed by the erasure that was there before. */
  private async mailByAnother(
    subscriberId: string,
    [contact]: readonly ContactToErase[],
    address: SealedAddress,
  ): Promise<void> {
    const noted = await this.database.transaction(async (manager) => {
      const [known] = await manager.query<{ id: string }[]>(erasureOfQuery, [subscriberId, contact?.id]);
      if (known) await this.mails.note(manager, { subscriberId, id: known.id }, address);
      return Boolean(known);
    });
    if (!noted) await this.mails.discard(address);
  }

  /** Columns of what an erasure notes of its contacts. */
  private async subjects(contacts: readonly ContactToErase[], keyId: string): Promise<unknown[]> {
    const proofHashes: (Buffer | null)[] = [];
    for (const { addressHash } of contacts)
      proofHashes.push(addressHash ? await this.proofs.hash(keyId, addressHash) : Buffer.alloc(0));
    return [
      contacts.map(({ id }) => id),
      contacts.map(({ interlocutorId }) => interlocutorId),
      contacts.map(({ addressHash }) => addressHash),
      keyId,
      proofHashes,
      contacts.map(({ interlocutorId }) => this.conversations.readerHash(interlocutorId)),
    ];
  }

  /** @throws ValidationFailed for a filter that asks for nothing, such as a blank search */
  private async found(subscriberId: string, { all, ...filter }: ErasureFilter): Promise<string[]> {
    const asked = this.contacts.isNarrowed(filter);
    if (!all && !asked) throw selectionEmpty();
    if (all && asked) throw selectionInvalid();
    return this.contacts.found(subscriberId, filter);
  }
}

/** Every contact is being erased already, or the owner of a business that was to be closed has changed its mind. */
class NothingToBegin extends Error {}
