import { Body, Controller, Get, HttpCode, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, OwnerOnly } from '../auth/session.guard.js';
import { AskRetention, RetentionPreview, RetentionSetting, SetRetention } from './retention.dto.js';
import { Retention } from './retention.service.js';

@ApiTags('subscribers')
@OwnerOnly()
@Controller('subscriber/retention')
export class RetentionController {
  constructor(private readonly retention: Retention) {}

  /** Get the time for which the business keeps messages, and what the last runs have deleted. For the owner. */
  @Get()
  get(@Caller() owner: MemberPrincipal): Promise<RetentionSetting> {
    return this.retention.get(owner);
  }

  /** Count the messages that would be deleted if messages were kept for so many months. For the owner. */
  @Get('preview')
  preview(@Caller() owner: MemberPrincipal, @Query() { months }: AskRetention): Promise<RetentionPreview> {
    return this.retention.preview(owner, months);
  }

  /**
   * Keep messages for a number of months, or permanently. Older messages are then deleted every night, with their files,
   * receipts and index entries, as are broadcasts whose messages have all been deleted. Frozen conversations are left out until
   * they are unfrozen, and nothing is deleted while the business has paused or is closing. A shorter time than before must be
   * confirmed with the number of messages in the preview and the name of your business (otherwise `confirmation_wrong`, which
   * says both), and begins after 7 days, of which your contacts are told. For the owner.
   */
  @Put()
  @HttpCode(200)
  set(@Caller() owner: MemberPrincipal, @Body() wanted: SetRetention): Promise<RetentionSetting> {
    return this.retention.set(owner, wanted);
  }
}
