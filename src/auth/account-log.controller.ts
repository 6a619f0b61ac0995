import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { AccountEventList, ListAccountEvents } from './account-log.dto.js';
import { AccountLog } from './account-log.service.js';
import type { InterlocutorPrincipal } from './principal.js';
import { Caller, Only } from './session.guard.js';

@ApiTags('sessions')
@Only('interlocutor')
@Controller('me/activity')
export class AccountLogController {
  constructor(private readonly log: AccountLog) {}

  /**
   * The log of your account, newest first: sign-ins and failed ones, consents, requests and exports, as kinds and ids. Entries
   * are deleted after a year unless the settings of the installation say otherwise. A business has its own in `GET /api/actions`.
   */
  @Get()
  list(@Caller() principal: InterlocutorPrincipal, @Query() ask: ListAccountEvents): Promise<AccountEventList> {
    return this.log.list(principal, ask);
  }
}
