import { Controller, Delete, HttpCode, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Principal } from '../auth/principal.js';
import { Caller } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import { ConversationRestrictions } from './rights.dto.js';
import { Restrictions } from './restrictions.service.js';

@ApiTags('rights')
@Controller('conversations/:id/restriction')
export class RestrictionsController {
  constructor(private readonly restrictions: Restrictions) {}

  /**
   * Restrict a conversation: it is kept and can be read, exported and erased, but messages, uploads and receipts are refused,
   * and broadcasts skip it. Both parties are told who asked for this, and only that party can lift it. Restricting it again
   * changes nothing.
   */
  @Put()
  @HttpCode(200)
  async restrict(@Caller() principal: Principal, @Id() id: string): Promise<ConversationRestrictions> {
    return { restrictions: await this.restrictions.set(principal, id, true) };
  }

  /** Lift your own restriction of a conversation. The restriction of the other party stays. */
  @Delete()
  @HttpCode(200)
  async lift(@Caller() principal: Principal, @Id() id: string): Promise<ConversationRestrictions> {
    return { restrictions: await this.restrictions.set(principal, id, false) };
  }
}
