import { Body, Controller, Delete, Get, HttpCode, Post, Put, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Principal } from '../auth/principal.js';
import { Caller } from '../auth/session.guard.js';
import { sendLogo } from '../subscribers/logo-answer.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Id, Seq } from '../platform/validation/id.js';
import {
  ConversationHead,
  ConversationList,
  ListConversations,
  ListMessages,
  MessageContent,
  MessageList,
  MessageReceipt,
  SentMessage,
  UnreadTotals,
} from './conversations.dto.js';
import { Conversations } from './conversations.service.js';
import { MessageLimits } from './message-limits.js';
import { Messages } from './messages.service.js';
import { Receipts } from './receipts.service.js';

@ApiTags('conversations')
@Controller('conversations')
export class ConversationsController {
  constructor(
    private readonly conversations: Conversations,
    private readonly messages: Messages,
    private readonly limits: MessageLimits,
    private readonly receipts: Receipts,
    private readonly subscribers: Subscribers,
  ) {}

  /**
   * The heads of the own conversations, latest message first; those without a message come last, the newest contact first.
   * With `unread`, `unanswered` or `withoutBroadcasts` the latest turn comes first, with `changedSince` the latest change.
   * Filters combine, and are repeated with the cursor.
   */
  @Get()
  list(@Caller() principal: Principal, @Query() ask: ListConversations): Promise<ConversationList> {
    return this.conversations.list(principal, ask);
  }

  /** The same list with its filters in the body, where no proxy writes them down. */
  @Post('search')
  @HttpCode(200)
  search(@Caller() principal: Principal, @Body() ask: ListConversations): Promise<ConversationList> {
    return this.conversations.list(principal, ask);
  }

  /** How much is unread altogether. A client that holds all heads adds up their `unread` and need not ask. */
  @Get('unread')
  unread(@Caller() principal: Principal): Promise<UnreadTotals> {
    return this.conversations.unread(principal);
  }

  /** The head of one conversation, as the list has it. */
  @Get(':id')
  head(@Caller() principal: Principal, @Id() id: string): Promise<ConversationHead> {
    return this.conversations.head(principal, id);
  }

  /** The latest page without after, before or changedAfter; always in ascending order. */
  @Get(':id/messages')
  messagesOf(@Caller() principal: Principal, @Id() id: string, @Query() ask: ListMessages): Promise<MessageList> {
    return this.messages.list(principal, id, ask);
  }

  /** Send a message: 201 when it was stored now, 200 when the same clientId had been stored before. */
  @Post(':id/messages')
  @ApiCreatedResponse({ type: SentMessage })
  @ApiOkResponse({ type: SentMessage, description: 'The same message had been stored before.' })
  async send(
    @Caller() principal: Principal,
    @Id() id: string,
    @Body() content: MessageContent,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SentMessage> {
    await this.limits.countMessage(principal);
    const { seq, sentAt, repeated } = await this.messages.send(principal, id, content);
    if (repeated) response.status(200);
    return { seq, sentAt };
  }

  /** Withdraw an own message: its text is erased, its entry stays with its number, and every device learns it. */
  @Delete(':id/messages/:seq')
  @HttpCode(204)
  async withdraw(@Caller() principal: Principal, @Id() id: string, @Seq() seq: number): Promise<void> {
    await this.limits.countMessage(principal);
    await this.messages.withdraw(principal, id, seq);
  }

  /** Say up to where the conversation was delivered and seen. Watermarks only rise. */
  @Put(':id/receipt')
  @HttpCode(204)
  async receipt(@Caller() principal: Principal, @Id() id: string, @Body() receipt: MessageReceipt): Promise<void> {
    await this.limits.countReceipt(principal);
    await this.receipts.send(principal, id, receipt);
  }

  /** The logo of the conversation's subscriber. */
  @Get(':id/logo')
  async logo(@Caller() principal: Principal, @Id() id: string, @Res() response: Response): Promise<void> {
    const { subscriberId } = await this.conversations.access(principal, id);
    sendLogo(response, await this.subscribers.logo(subscriberId));
  }
}
