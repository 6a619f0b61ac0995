import { Body, Controller, Delete, Get, HttpCode, Post, Query, Res } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only, OwnerOnly, Public } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import { fingerprintOf, SigningKey } from '../platform/vault/signing-key.js';
import { certificatePage, certificatePagePolicy } from './certificate-page.js';
import {
  BegunErasure,
  Certificate,
  ErasureKey,
  ErasureList,
  ErasureProposalList,
  ListErasureProposals,
  ListErasures,
  NewErasure,
  NewErasureProposals,
  PrintCertificate,
  ProposedErasures,
} from './erasures.dto.js';
import { Erasures } from './erasures.service.js';
import { Proposals } from './proposals.service.js';

@ApiTags('erasures')
@OwnerOnly()
@Controller()
export class ErasuresController {
  constructor(
    private readonly erasures: Erasures,
    private readonly proposals: Proposals,
    private readonly signingKey: SigningKey,
  ) {}

  /**
   * Erase a contact for good, with its conversation and everything in it. Once you get the answer, none of it can be read any
   * more, not even in older backups; rows and files are deleted afterwards. If you are the contact's last business here, its
   * account is erased too.
   */
  @Delete('contacts/:id')
  @HttpCode(202)
  async eraseContact(@Caller() member: MemberPrincipal, @Id() id: string): Promise<BegunErasure> {
    return { erasureId: await this.erasures.eraseOne(member, id) };
  }

  /**
   * Erase many contacts for good: those you name, or all that match a filter. Confirm with their number and the name of your
   * business; if either differs, nothing is erased, and the answer is `confirmation_wrong`, which states both.
   */
  @Post('erasures')
  @HttpCode(202)
  async erase(@Caller() member: MemberPrincipal, @Body() wanted: NewErasure): Promise<BegunErasure> {
    return { erasureId: await this.erasures.eraseMany(member, wanted) };
  }

  /** The erasures, newest first. */
  @Get('erasures')
  list(@Caller() member: MemberPrincipal, @Query() ask: ListErasures): Promise<ErasureList> {
    return this.erasures.list(member, ask);
  }

  /**
   * The certificate of an erasure: what was erased and when, and what is kept by law. It is signed once the erasure is
   * finished.
   */
  @Get('erasures/:id')
  certificate(@Caller() member: MemberPrincipal, @Id() id: string): Promise<Certificate> {
    return this.erasures.certificate(member, id);
  }

  /** The certificate as a page to print. */
  @Get('erasures/:id/page')
  @ApiProduces('text/html')
  async page(
    @Caller() member: MemberPrincipal,
    @Id() id: string,
    @Query() { locale = member.locale }: PrintCertificate,
    @Res() response: Response,
  ): Promise<void> {
    const certificate = await this.erasures.certificate(member, id);
    response.setHeader('Content-Security-Policy', certificatePagePolicy);
    response.type('html').send(certificatePage(certificate, fingerprintOf(certificate.publicKey), locale));
  }

  /** The public key with which this installation signs certificates. */
  @Public({ session: 'ignored', withoutTurn: true })
  @Get('erasure-key')
  key(): ErasureKey {
    const { publicKey } = this.signingKey;
    return { algorithm: 'Ed25519', publicKey, fingerprint: fingerprintOf(publicKey) };
  }

  /** The contacts that members have proposed to erase. */
  @Only('member')
  @Get('erasure-proposals')
  proposed(@Caller() member: MemberPrincipal, @Query() ask: ListErasureProposals): Promise<ErasureProposalList> {
    return this.proposals.list(member, ask);
  }

  /** Propose contacts for erasure. Only the owner can erase them. */
  @Only('member')
  @Post('erasure-proposals')
  @HttpCode(200)
  propose(@Caller() member: MemberPrincipal, @Body() { contactIds }: NewErasureProposals): Promise<ProposedErasures> {
    return this.proposals.propose(member, contactIds);
  }

  /** Take back your own proposal; the owner can take back any. */
  @Only('member')
  @Delete('erasure-proposals/:id')
  @HttpCode(204)
  async withdraw(@Caller() member: MemberPrincipal, @Id() id: string): Promise<void> {
    await this.proposals.withdraw(member, id);
  }
}
