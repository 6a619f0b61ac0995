import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Actions } from '../actions/actions.service.js';
import { isMember, type Principal } from '../auth/principal.js';
import type { Locale } from '../contract/common.js';
import type { ConversationHead } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import { Conversations } from '../conversations/conversations.service.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { ConversationParts } from './conversation-parts.service.js';
import { zipped } from './zip-writer.js';

const exported = defineLimit('conversationExport', {
  points: limits.conversationExportsPerHour,
  seconds: 60 * 60,
  keyedById: true,
});

/** Conversations as one of their parties may have them, as zips that are made while they are sent. */
@Injectable()
export class ConversationExports {
  constructor(
    private readonly actions: Actions,
    private readonly conversations: Conversations,
    private readonly database: DataSource,
    private readonly parts: ConversationParts,
    private readonly rateLimits: RateLimits,
  ) {}

  /**
   * Finds a conversation that the principal may export, and writes down that a member does.
   * @throws NotFound, also for staff; DomainError `rate_limited`
   */
  async open(principal: Principal, id: string): Promise<ConversationHead> {
    if (isMember(principal) && principal.role !== 'owner') throw new NotFound();
    const head = await this.conversations.head(principal, id);
    await this.rateLimits.count(exported, principal.accountId);
    if (isMember(principal)) await this.actions.record(this.database.manager, principal, 'conversation.exported', id);
    return head;
  }

  /** The zip, in pieces. */
  zip(principal: Principal, head: ConversationHead, locale: Locale): AsyncGenerator<Buffer, void, undefined> {
    const exportedAt = new Date();
    return zipped(exportedAt, (zip) => this.parts.add(zip, principal, head, { locale, exportedAt, folder: '' }));
  }
}
