import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only } from '../auth/session.guard.js';
import { Invitations } from '../invitations/invitations.service.js';
import { Id } from '../platform/validation/id.js';
import { InLocale } from '../subscribers/subscribers.dto.js';
import { PrintedLetters } from './printed-letters.js';

@ApiTags('invitations')
@Only('member')
@Controller('invitations/:id/letter')
export class LettersController {
  constructor(
    private readonly invitations: Invitations,
    private readonly printed: PrintedLetters,
  ) {}

  /** The letter for one person who was invited and has not joined: HTML to print, one A4 page with the personal QR code. */
  @Get()
  @ApiProduces('text/html')
  async one(
    @Caller() member: MemberPrincipal,
    @Id() id: string,
    @Query() { locale }: InLocale,
    @Res() response: Response,
  ): Promise<void> {
    await this.printed.send(member, response, [await this.invitations.letter(member, id)], locale);
  }
}
