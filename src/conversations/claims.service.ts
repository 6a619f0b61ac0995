import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { MemberPrincipal } from '../auth/principal.js';
import type { Claim } from '../contract/events.js';
import { Members } from '../members/members.service.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { UnknownOutcomes } from '../platform/realtime/unknown-outcomes.js';
import { claimQuery, endClaimQuery, endClaimsOfMemberQuery } from './conversations.queries.js';
import { Conversations } from './conversations.service.js';

/** Claims of members on conversations, visible to their colleagues; the interlocutor is never told. */
@Injectable()
export class Claims {
  constructor(
    private readonly conversations: Conversations,
    private readonly database: DataSource,
    private readonly members: Members,
    private readonly realtime: Realtime,
    private readonly unknownOutcomes: UnknownOutcomes,
  ) {
    // One event, whatever the member had taken: there may be thousands.
    members.onRemoval(async (manager, subscriberId, memberId) => {
      await manager.query(endClaimsOfMemberQuery, [subscriberId, memberId]);
      return () => realtime.tell(rooms.ofSubscriber(subscriberId), 'member.removed', { id: memberId });
    });
  }

  /**
   * Takes a conversation, also over from a colleague; one that the member has already stays as it is.
   * @throws NotFound
   */
  async take(member: MemberPrincipal, conversationId: string): Promise<void> {
    const { subscriberId, memberId } = member;
    await this.conversations.access(member, conversationId);
    const [row] = await this.write<{ claimed_at: Date }>(subscriberId, claimQuery, [
      subscriberId,
      conversationId,
      memberId,
    ]);
    if (!row) return this.requireThere(member, conversationId);
    const { displayName } = await this.members.author(member);
    this.tell(subscriberId, conversationId, { memberId, displayName, at: row.claimed_at.toISOString() });
  }

  /**
   * Gives a conversation back, also one that a colleague has taken.
   * @throws NotFound
   */
  async giveBack(member: MemberPrincipal, conversationId: string): Promise<void> {
    const { subscriberId } = member;
    await this.conversations.access(member, conversationId);
    const [row] = await this.write(subscriberId, endClaimQuery, [subscriberId, conversationId]);
    if (row) this.tell(subscriberId, conversationId, null);
    else await this.requireThere(member, conversationId);
  }

  private async write<Row>(subscriberId: string, query: string, parameters: unknown[]): Promise<Row[]> {
    const [rows] = await this.unknownOutcomes.guard(
      () => [rooms.ofSubscriber(subscriberId)],
      () => this.database.query<[Row[], number]>(query, parameters),
    );
    return rows;
  }

  /** Nothing was changed: it may have been erased meanwhile. @throws NotFound */
  private async requireThere(member: MemberPrincipal, conversationId: string): Promise<void> {
    if ((await this.conversations.heads(member, [conversationId])).length === 0) throw new NotFound();
  }

  private tell(subscriberId: string, conversationId: string, claim: Claim | null): void {
    this.realtime.tell(rooms.ofSubscriber(subscriberId), 'claim.changed', { conversationId, claim });
  }
}
