import { Body, Controller, Delete, HttpCode, Post, Put, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, OwnerOnly } from '../auth/session.guard.js';
import { SubscriberView } from '../subscribers/subscribers.dto.js';
import { Closings } from './closings.service.js';
import { ClosingView, NewClosing, PauseSubscriber } from './leaving.dto.js';
import { Pauses } from './pauses.service.js';

@ApiTags('subscribers')
@OwnerOnly()
@Controller('subscriber')
export class StandingController {
  constructor(
    private readonly closings: Closings,
    private readonly pauses: Pauses,
  ) {}

  /**
   * Pause the business, or resume it. While it pauses everything is kept and can be read and exported; nothing is sent or received,
   * nobody joins, and broadcasts wait. For the owner.
   */
  @Put('pause')
  @HttpCode(200)
  pause(@Caller() owner: MemberPrincipal, @Body() { paused }: PauseSubscriber): Promise<SubscriberView> {
    return this.pauses.set(owner, paused);
  }

  /**
   * Close the business: after 7 days everything it holds is erased for good, contacts and members included. Nothing is sent from
   * now on; its contacts are told, and can export their conversations first. Confirm with your password and the name of the
   * business. Asking again changes nothing (200). For the owner.
   */
  @Post('closing')
  @ApiCreatedResponse({ type: ClosingView })
  @ApiOkResponse({ type: ClosingView, description: 'It was asked already.' })
  async close(
    @Caller() owner: MemberPrincipal,
    @Body() wanted: NewClosing,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ClosingView> {
    const { closing, made } = await this.closings.ask(owner, wanted);
    if (!made) response.status(200);
    return closing;
  }

  /** Take the closing back, before it is carried out. For the owner. */
  @Delete('closing')
  @HttpCode(204)
  async stay(@Caller() owner: MemberPrincipal): Promise<void> {
    await this.closings.takeBack(owner);
  }
}
