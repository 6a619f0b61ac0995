import { Body, Controller, Delete, Get, HttpCode, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { InterlocutorPrincipal } from '../auth/principal.js';
import { Caller, Only } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import { ListRequests, RequestList } from '../rights/rights.dto.js';
import { DeletionRequests } from './deletion-requests.service.js';
import { MadeDeletionRequests, NewDeletionRequest } from './leaving.dto.js';

@ApiTags('rights')
@Only('interlocutor')
@Controller('deletion-requests')
export class DeletionRequestsController {
  constructor(private readonly deletions: DeletionRequests) {}

  /**
   * Ask a business, or all of yours, to delete everything about you. The conversation is frozen at once: nothing is sent or
   * received in it, and promotions end. The business can carry it out, or refuse it for a legal reason; without an answer, it
   * is carried out when it is due. At the end you get a certificate by mail. If you have no other business, your account is
   * erased too. The answer is 201, or 200 if you had already asked for all of it. For interlocutors.
   */
  @Post()
  @ApiCreatedResponse({ type: MadeDeletionRequests })
  @ApiOkResponse({ type: MadeDeletionRequests, description: 'You had already asked for all of it.' })
  async ask(
    @Caller() principal: InterlocutorPrincipal,
    @Body() wanted: NewDeletionRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<MadeDeletionRequests> {
    const { items, made } = await this.deletions.ask(principal, wanted);
    if (!made) response.status(200);
    return { items };
  }

  /** Your deletion requests, newest first. For interlocutors. */
  @Get()
  list(@Caller() principal: InterlocutorPrincipal, @Query() ask: ListRequests): Promise<RequestList> {
    return this.deletions.list(principal, ask);
  }

  /** Take a deletion request back before it is carried out; the conversation continues. For interlocutors. */
  @Delete(':id')
  @HttpCode(204)
  async takeBack(@Caller() principal: InterlocutorPrincipal, @Id() id: string): Promise<void> {
    await this.deletions.takeBack(principal, id);
  }
}
