import { Body, Controller, Delete, Get, HttpCode, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { InterlocutorPrincipal, MemberPrincipal, Principal } from '../auth/principal.js';
import { Caller, Only, OwnerOnly } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import { RightsRequests } from './requests.service.js';
import { ListRequests, NewRequest, RequestAnswer, RequestExtension, RequestList, RequestView } from './rights.dto.js';

@ApiTags('rights')
@Controller('requests')
export class RequestsController {
  constructor(private readonly requests: RightsRequests) {}

  /**
   * Ask a business something about your data. It has 30 days to answer, and its owner is reminded. An objection to promotions is
   * carried out at once. The answer is 201, or 200 if the same request is open already. For interlocutors.
   */
  @Only('interlocutor')
  @Post()
  @ApiCreatedResponse({ type: RequestView })
  @ApiOkResponse({ type: RequestView, description: 'The same request was open already.' })
  async make(
    @Caller() principal: InterlocutorPrincipal,
    @Body() wanted: NewRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<RequestView> {
    const { request, repeated } = await this.requests.make(principal, wanted);
    if (repeated) response.status(200);
    return request;
  }

  /** The requests of your contacts, or your own, newest first. */
  @Get()
  list(@Caller() principal: Principal, @Query() ask: ListRequests): Promise<RequestList> {
    return this.requests.list(principal, ask);
  }

  /** One request. */
  @Get(':id')
  get(@Caller() principal: Principal, @Id() id: string): Promise<RequestView> {
    return this.requests.get(principal, id);
  }

  /** Take back a request of yours that has not been answered. For interlocutors. */
  @Only('interlocutor')
  @Delete(':id')
  @HttpCode(204)
  async takeBack(@Caller() principal: InterlocutorPrincipal, @Id() id: string): Promise<void> {
    await this.requests.takeBack(principal, id);
  }

  /**
   * Answer a request: say what you did, or give the legal reason why you refuse it. The person is told. If you fulfil a request
   * for erasure, it is carried out at once, and the request is deleted with the contact. If you refuse one, it needs a
   * `legalReason`, and its conversation is no longer frozen. For the owner.
   */
  @OwnerOnly()
  @Post(':id/answer')
  @HttpCode(200)
  answer(@Caller() owner: MemberPrincipal, @Id() id: string, @Body() answer: RequestAnswer): Promise<RequestView> {
    return this.requests.answer(owner, id, answer);
  }

  /**
   * Extend the time for the answer to a complex request by 60 days. You can do that once, before the time is over, and the
   * person is told the reason. For the owner.
   */
  @OwnerOnly()
  @Post(':id/extension')
  @HttpCode(200)
  extend(
    @Caller() owner: MemberPrincipal,
    @Id() id: string,
    @Body() extension: RequestExtension,
  ): Promise<RequestView> {
    return this.requests.extend(owner, id, extension);
  }
}
