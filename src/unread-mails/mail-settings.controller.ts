import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Principal } from '../auth/principal.js';
import { Caller } from '../auth/session.guard.js';
import { MailSettings } from './mail-settings.dto.js';
import { UnreadMails } from './unread-mails.service.js';

@ApiTags('profile')
@Controller('mail-settings')
export class MailSettingsController {
  constructor(private readonly mails: UnreadMails) {}

  /** Your choice of mails about unread messages. */
  @Get()
  get(@Caller() { accountId }: Principal): Promise<MailSettings> {
    return this.mails.settingsOf(accountId);
  }

  /** Choose when a mail tells you of unread messages, or that none does. It applies to your account alone. */
  @Put()
  change(@Caller() { accountId }: Principal, @Body() settings: MailSettings): Promise<MailSettings> {
    return this.mails.change(accountId, settings);
  }
}
