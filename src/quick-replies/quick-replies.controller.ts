import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import {
  ChangeQuickReply,
  ListQuickReplies,
  NewQuickReply,
  QuickReplyList,
  QuickReplyView,
} from './quick-replies.dto.js';
import { QuickReplies } from './quick-replies.service.js';

@ApiTags('conversations')
@Only('member')
@Controller('quick-replies')
export class QuickRepliesController {
  constructor(private readonly quickReplies: QuickReplies) {}

  /** The subscriber's quick replies, sorted by title. */
  @Get()
  list(@Caller() member: MemberPrincipal, @Query() ask: ListQuickReplies): Promise<QuickReplyList> {
    return this.quickReplies.list(member, ask);
  }

  /** Create a quick reply. You can have at most 200. */
  @Post()
  create(@Caller() member: MemberPrincipal, @Body() quickReply: NewQuickReply): Promise<QuickReplyView> {
    return this.quickReplies.create(member, quickReply);
  }

  /** Change the title or the text of a quick reply. */
  @Patch(':id')
  change(
    @Caller() member: MemberPrincipal,
    @Id() id: string,
    @Body() change: ChangeQuickReply,
  ): Promise<QuickReplyView> {
    return this.quickReplies.change(member, id, change);
  }

  /** Delete a quick reply. */
  @Delete(':id')
  @HttpCode(204)
  async remove(@Caller() member: MemberPrincipal, @Id() id: string): Promise<void> {
    await this.quickReplies.remove(member, id);
  }
}
