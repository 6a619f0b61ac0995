import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Actions } from '../actions/actions.service.js';
import { Contacts } from '../address-book/contacts.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { openPage } from '../platform/cursors.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { type ErasureProposalList, ListErasureProposals, type ProposedErasures } from './erasures.dto.js';

interface ProposalRow {
  contact_id: string;
  proposed_by: string;
  proposed_at: Date;
}

/** Contacts that staff thinks should be erased: the owner alone erases, and sees them in one list. */
@Injectable()
export class Proposals {
  constructor(
    private readonly actions: Actions,
    private readonly contacts: Contacts,
    private readonly database: DataSource,
    private readonly realtime: Realtime,
  ) {}

  async propose(member: MemberPrincipal, contactIds: readonly string[]): Promise<ProposedErasures> {
    const { subscriberId, memberId } = member;
    const proposed = await this.database.transaction(async (manager) => {
      const ids: string[] = [];
      for (const id of [...new Set(contactIds)].sort())
        if (await this.contacts.keepFromErasure(manager, subscriberId, id)) ids.push(id);
      const rows = await manager.query<{ contact_id: string }[]>(proposeQuery, [subscriberId, ids, memberId]);
      if (rows.length > 0) await this.actions.record(manager, member, 'erasure.proposed');
      return rows.map((row) => row.contact_id);
    });
    if (proposed.length > 0) this.tell(subscriberId, proposed);
    return { proposed: proposed.length };
  }

  /** In the order of the contacts' ids. */
  async list({ subscriberId }: MemberPrincipal, wanted: ListErasureProposals): Promise<ErasureProposalList> {
    const { ask, position, next } = openPage(ListErasureProposals, wanted, ['id']);
    const { limit } = ask;
    const rows = await this.database.query<ProposalRow[]>(proposalsQuery, [
      subscriberId,
      position?.[0] ?? null,
      limit + 1,
    ]);
    const items = rows.slice(0, limit).map((row) => ({
      contactId: row.contact_id,
      proposedBy: row.proposed_by,
      proposedAt: row.proposed_at.toISOString(),
    }));
    return { items, nextCursor: rows.length > limit ? next([items.at(-1)!.contactId]) : null };
  }

  /**
   * Takes a proposal back: one's own, or, as the owner, any.
   * @throws NotFound
   */
  async withdraw(member: MemberPrincipal, contactId: string): Promise<void> {
    const { subscriberId, memberId, role } = member;
    await this.database.transaction(async (manager) => {
      const rows = await manager.query<unknown[]>(withdrawQuery, [
        subscriberId,
        contactId,
        role === 'owner' ? null : memberId,
      ]);
      if (rows.length === 0) throw new NotFound();
      await this.actions.record(manager, member, 'erasure.proposal_withdrawn', contactId);
    });
    this.tell(subscriberId, [contactId]);
  }

  /** After a commit. */
  private tell(subscriberId: string, contactIds: string[]): void {
    this.realtime.tell(rooms.ofSubscriber(subscriberId), 'erasure-proposals.changed', { contactIds });
  }
}

/** $1 subscriber, $2 contacts, $3 member. */
const proposeQuery = `
  INSERT INTO erasure_proposal (subscriber_id, contact_id, proposed_by, proposed_at)
  SELECT $1, contact_id, $3, clock_timestamp() FROM unnest($2::uuid[]) AS contact_id ORDER BY contact_id
  ON CONFLICT DO NOTHING RETURNING contact_id`;

/** $1 subscriber, $2 behind which contact, or null, $3 how many. */
const proposalsQuery = `
  SELECT contact_id, proposed_by, proposed_at FROM erasure_proposal
  WHERE subscriber_id = $1 AND ($2::uuid IS NULL OR contact_id > $2) ORDER BY contact_id LIMIT $3`;

/** $1 subscriber, $2 contact, $3 the member who proposed it, or null for anyone. */
const withdrawQuery = `
  WITH gone AS (
    DELETE FROM erasure_proposal
    WHERE subscriber_id = $1 AND contact_id = $2 AND ($3::uuid IS NULL OR proposed_by = $3) RETURNING contact_id
  )
  SELECT contact_id FROM gone`;
