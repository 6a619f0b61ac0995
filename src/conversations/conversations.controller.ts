import { Body, Controller, Delete, Get, HttpCode, Post, Put, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { MemberPrincipal, Principal } from '../auth/principal.js';
import { Caller, Only } from '../auth/session.guard.js';
import { sendLogo } from '../subscribers/logo-answer.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Id, Seq } from '../platform/validation/id.js';
import {
  AnsweredUpTo,
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
import { Answers } from './answers.service.js';
import { Claims } from './claims.service.js';
import { Conversations } from './conversations.service.js';
import { MessageLimits } from './message-limits.js';
import { Messages } from './messages.service.js';
import { Receipts } from './receipts.service.js';

@ApiTags('conversations')
@Controller('conversations')
export class ConversationsController {
  constructor(
    private readonly answers: Answers,
    private readonly claims: Claims,
    private readonly conversations: Conversations,
    private readonly messages: Messages,
    private readonly limits: MessageLimits,
    private readonly receipts: Receipts,
    private readonly subscribers: Subscribers,
  ) {}

  /**
   * The heads of your conversations, latest message first. Conversations without a message come last, newest contact first.
   * With `unread`, `unanswered` or `withoutBroadcasts` the latest turn comes first, with `changedSince` the latest change.
   * Filters combine; send the same ones again with the cursor.
   */
  @Get()
  list(@Caller() principal: Principal, @Query() ask: ListConversations): Promise<ConversationList> {
    return this.conversations.list(principal, ask);
  }

  /** The same list with its filters in the body, where no proxy logs them. */
  @Post('search')
  @HttpCode(200)
  search(@Caller() principal: Principal, @Body() ask: ListConversations): Promise<ConversationList> {
    return this.conversations.list(principal, ask);
  }

  /** The totals of unread messages. A client that holds all heads can add up their `unread` instead. */
  @Get('unread')
  unread(@Caller() principal: Principal): Promise<UnreadTotals> {
    return this.conversations.unread(principal);
  }

  /** The head of one conversation, as in the list. */
  @Get(':id')
  head(@Caller() principal: Principal, @Id() id: string): Promise<ConversationHead> {
    return this.conversations.head(principal, id);
  }

  /** Messages in ascending order; by default the latest page. */
  @Get(':id/messages')
  messagesOf(@Caller() principal: Principal, @Id() id: string, @Query() ask: ListMessages): Promise<MessageList> {
    return this.messages.list(principal, id, ask);
  }

  /** Send a message: 201 if it was stored now, 200 if it had been stored before under the same clientId. */
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

  /** Withdraw a message that you sent: its text is erased, its entry keeps its number, and every device is told. */
  @Delete(':id/messages/:seq')
  @HttpCode(204)
  async withdraw(@Caller() principal: Principal, @Id() id: string, @Seq() seq: number): Promise<void> {
    await this.limits.countMessage(principal);
    await this.messages.withdraw(principal, id, seq);
  }

  /** Report the last message that was delivered and the last that was seen. These watermarks only rise. */
  @Put(':id/receipt')
  @HttpCode(204)
  async receipt(@Caller() principal: Principal, @Id() id: string, @Body() receipt: MessageReceipt): Promise<void> {
    await this.limits.countReceipt(principal);
    await this.receipts.send(principal, id, receipt);
  }

  /**
   * Mark a conversation as needing no answer until the other party writes again: it is no longer `unanswered` for the members,
   * whose devices are told. The other party does not learn of it.
   */
  @Only('member')
  @Put(':id/answered')
  @HttpCode(204)
  async answered(@Caller() principal: Principal, @Id() id: string, @Body() { seq }: AnsweredUpTo): Promise<void> {
    await this.limits.countReceipt(principal);
    await this.answers.needNone(principal, id, seq);
  }

  /**
   * Take a conversation, or take it over from a colleague: its `claim` names you, and the members' devices are told. The other
   * party does not learn of it.
   */
  @Only('member')
  @Put(':id/claim')
  @HttpCode(204)
  async claim(@Caller() member: MemberPrincipal, @Id() id: string): Promise<void> {
    await this.limits.countReceipt(member);
    await this.claims.take(member, id);
  }

  /** Give a conversation back, also one that a colleague has taken. */
  @Only('member')
  @Delete(':id/claim')
  @HttpCode(204)
  async unclaim(@Caller() member: MemberPrincipal, @Id() id: string): Promise<void> {
    await this.limits.countReceipt(member);
    await this.claims.giveBack(member, id);
  }

  /** The logo of the conversation's subscriber. */
  @Get(':id/logo')
  async logo(@Caller() principal: Principal, @Id() id: string, @Res() response: Response): Promise<void> {
    const { subscriberId } = await this.conversations.access(principal, id);
    sendLogo(response, await this.subscribers.logo(subscriberId));
  }
}
