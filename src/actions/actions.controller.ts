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

  /** The audit log: actions of the members, newest first, as kinds and ids. For the owner. */
  @Get()
  list(@Caller() member: MemberPrincipal, @Query() ask: ListActions): Promise<ActionList> {
    return this.actions.list(member, ask);
  }
}
