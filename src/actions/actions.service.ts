import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, LessThan, MoreThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { MemberPrincipal } from '../auth/principal.js';
import type { ActionKind } from '../contract/businesses.js';
import { openPage } from '../platform/cursors.js';
import { Action } from './action.entity.js';
import { type ActionList, type ActionView, ListActions } from './actions.dto.js';

/** A member of a subscriber, or the service for it. */
export type Actor = Pick<MemberPrincipal, 'subscriberId'> & { memberId: string | null };

/** The audit log of a subscriber's members, for its owner. */
@Injectable()
export class Actions {
  constructor(@InjectRepository(Action) private readonly actions: Repository<Action>) {}

  /** Writes an action down, in the transaction in which it is done. */
  async record(
    manager: EntityManager,
    { subscriberId, memberId }: Actor,
    kind: ActionKind,
    subjectId: string | null = null,
  ): Promise<void> {
    await manager.insert(Action, { subscriberId, id: uuid(), memberId, kind, subjectId, at: new Date() });
  }

  /** The actions that concern a contact, in the order of the ids: a page behind one. They do not say who did it. */
  async about(
    subscriberId: string,
    subjectId: string,
    { after, limit }: { after: string; limit: number },
  ): Promise<Omit<ActionView, 'memberId'>[]> {
    const found = await this.actions.find({
      where: { subscriberId, subjectId, id: MoreThan(after) },
      order: { id: 'ASC' },
      take: limit,
    });
    return found.map(({ id, kind, at }) => ({ id, kind, subjectId, at: at.toISOString() }));
  }

  /** Newest first. */
  async list({ subscriberId }: MemberPrincipal, wanted: ListActions): Promise<ActionList> {
    const { ask, position, next } = openPage(ListActions, wanted, ['id']);
    const { limit } = ask;
    const wantedOnes = {
      ...(position && { id: LessThan(String(position[0])) }),
      ...(ask.memberId !== undefined && { memberId: ask.memberId }),
      ...(ask.kind !== undefined && { kind: In(ask.kind) }),
    };
    const found = await this.actions.find({
      where: { subscriberId, ...wantedOnes },
      order: { id: 'DESC' },
      take: limit + 1,
    });
    const items = found
      .slice(0, limit)
      .map(({ id, memberId, kind, subjectId, at }) => ({ id, memberId, kind, subjectId, at: at.toISOString() }));
    return { items, nextCursor: found.length > limit ? next([items.at(-1)!.id]) : null };
  }
}
