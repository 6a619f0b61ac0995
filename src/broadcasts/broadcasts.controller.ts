import { Body, Controller, Get, HttpCode, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { Downloads } from '../auth/downloads.js';
import type { InterlocutorPrincipal, MemberPrincipal } from '../auth/principal.js';
import { Caller, Only, OwnerOnly } from '../auth/session.guard.js';
import { Id, Seq } from '../platform/validation/id.js';
import {
  AudienceAsked,
  AudienceContacts,
  BroadcastList,
  BroadcastPreview,
  BroadcastResults,
  BroadcastView,
  ChangedBroadcast,
  ExportRecipients,
  ListBroadcasts,
  ListRecipients,
  MadeBroadcast,
  NewBroadcast,
  PreviewedBroadcast,
  RecipientList,
} from './broadcasts.dto.js';
import { Broadcasts } from './broadcasts.service.js';
import { RecipientExport } from './recipient-export.service.js';

@ApiTags('broadcasts')
@Only('member')
@Controller()
export class BroadcastsController {
  constructor(
    private readonly broadcasts: Broadcasts,
    private readonly downloads: Downloads,
    private readonly recipientExport: RecipientExport,
  ) {}

  /**
   * Send one text to many contacts. Each gets it in its own conversation, and replies are private. The answer is 202 if the
   * broadcast was accepted now, or 200 if the same clientId and content had been accepted before.
   */
  @Post('broadcasts')
  @ApiAcceptedResponse({ type: MadeBroadcast })
  @ApiOkResponse({ type: MadeBroadcast, description: 'The same broadcast had been accepted before.' })
  async make(
    @Caller() member: MemberPrincipal,
    @Body() wanted: NewBroadcast,
    @Res({ passthrough: true }) response: Response,
  ): Promise<MadeBroadcast> {
    const { repeated, ...made } = await this.broadcasts.make(member, wanted);
    response.status(repeated ? 200 : 202);
    return made;
  }

  /** Preview a broadcast: the contacts it would reach now, those skipped and why, and the text for one contact. Stores nothing. */
  @Post('broadcasts/preview')
  @HttpCode(200)
  preview(@Caller() member: MemberPrincipal, @Body() wanted: PreviewedBroadcast): Promise<BroadcastPreview> {
    return this.broadcasts.preview(member, wanted);
  }

  /** List contacts of an audience as they are now: those who would get a broadcast, and those who would be skipped. Stores nothing. */
  @Post('broadcasts/preview/contacts')
  @HttpCode(200)
  contactsOf(@Caller() member: MemberPrincipal, @Body() wanted: AudienceAsked): Promise<AudienceContacts> {
    return this.broadcasts.contactsOf(member, wanted);
  }

  /** The broadcasts, newest first. */
  @Get('broadcasts')
  list(@Caller() member: MemberPrincipal, @Query() ask: ListBroadcasts): Promise<BroadcastList> {
    return this.broadcasts.list(member, ask);
  }

  /** A broadcast with its progress and results. For 5,000 recipients or more `delivered` and `seen` may be five seconds old. */
  @Get('broadcasts/:id')
  get(@Caller() member: MemberPrincipal, @Id() id: string): Promise<BroadcastView> {
    return this.broadcasts.get(member, id);
  }

  /** The results of a broadcast over its first 48 hours, and its answers. For 5,000 recipients or more they may be five seconds old. */
  @Get('broadcasts/:id/results')
  results(@Caller() member: MemberPrincipal, @Id() id: string): Promise<BroadcastResults> {
    return this.broadcasts.results(member, id);
  }

  /** Export the result for each contact as a CSV file. For the owner. */
  @OwnerOnly()
  @Get('broadcasts/:id/recipients/export')
  @ApiProduces('text/csv')
  async export(
    @Caller() member: MemberPrincipal,
    @Id() id: string,
    @Query() { locale = member.locale }: ExportRecipients,
    @Res() response: Response,
  ): Promise<void> {
    const csv = await this.recipientExport.csv(member, id, locale);
    const name = locale === 'it' ? 'comunicazione' : 'broadcast';
    await this.downloads.send(member, response, csv, {
      'Content-Type': 'text/csv; charset=utf-8; header=present',
      'Content-Disposition': `attachment; filename="${name}.csv"`,
    });
  }

  /** The result for each contact. */
  @Get('broadcasts/:id/recipients')
  recipients(
    @Caller() member: MemberPrincipal,
    @Id() id: string,
    @Query() ask: ListRecipients,
  ): Promise<RecipientList> {
    return this.broadcasts.recipients(member, id, ask);
  }

  /** Change a scheduled broadcast. Once it has started, the answer is `broadcast_begun`. */
  @Patch('broadcasts/:id')
  change(
    @Caller() member: MemberPrincipal,
    @Id() id: string,
    @Body() change: ChangedBroadcast,
  ): Promise<BroadcastView> {
    return this.broadcasts.change(member, id, change);
  }

  /** Release a broadcast that is held because its time has passed: this starts or resumes it. No contact gets it twice. */
  @Post('broadcasts/:id/release')
  @HttpCode(200)
  release(@Caller() member: MemberPrincipal, @Id() id: string): Promise<BroadcastView> {
    return this.broadcasts.release(member, id);
  }

  /** Cancel a broadcast before it starts, or stop it while it is being sent. Contacts that have received it keep it. */
  @Post('broadcasts/:id/cancellation')
  @HttpCode(200)
  cancel(@Caller() member: MemberPrincipal, @Id() id: string): Promise<BroadcastView> {
    return this.broadcasts.cancel(member, id);
  }

  /**
   * Report a service message as advertising. The business learns the number of reports, not who sent them (although for a
   * message to a single person the number reveals it).
   */
  @Only('interlocutor')
  @Post('conversations/:id/messages/:seq/advertising-report')
  @HttpCode(204)
  async report(@Caller() interlocutor: InterlocutorPrincipal, @Id() id: string, @Seq() seq: number): Promise<void> {
    await this.broadcasts.report(interlocutor, id, seq);
  }
}
