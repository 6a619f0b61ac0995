import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, OwnerOnly } from '../auth/session.guard.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { ConsentProofList, ConsentProofSearch } from './consent-proofs.dto.js';
import { ConsentProofs } from './consent-proofs.service.js';

/** Addresses that a business looks up among the proofs. */
const proofSearches = defineLimit('consentProofs', { points: 60, seconds: 60 * 60 });

@ApiTags('erasures')
@OwnerOnly()
@Controller('consent-proofs')
export class ConsentProofsController {
  constructor(
    private readonly proofs: ConsentProofs,
    private readonly rateLimits: RateLimits,
  ) {}

  /**
   * Find the proofs of consent of an erased contact by the address it had. They say what was agreed to, when and how. The
   * address itself is not stored, so only somebody who knows it can find a proof.
   */
  @Post('search')
  @HttpCode(200)
  async search(@Caller() member: MemberPrincipal, @Body() { email }: ConsentProofSearch): Promise<ConsentProofList> {
    await this.rateLimits.count(proofSearches, member.accountId);
    return this.proofs.search(member, email);
  }
}
