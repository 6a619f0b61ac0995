import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, OwnerOnly } from '../auth/session.guard.js';
import { ActionList, ListActions } from './actions.dto.js';
import { Actions } from './actions.service.js';

@ApiTags('members')
@OwnerOnly()
@Controller('actions')
export class ActionsController {
  constructor(private readonly actions: Actions) {}

  /**
   * The audit log, newest first, as kinds and ids: what the members did and when they signed in, consents and requests of
   * contacts, and new versions of policies. For the owner. Entries are deleted after a year unless the settings of the
   * installation say otherwise.
   */
  @Get()
  list(@Caller() member: MemberPrincipal, @Query() ask: ListActions): Promise<ActionList> {
    return this.actions.list(member, ask);
  }
}
