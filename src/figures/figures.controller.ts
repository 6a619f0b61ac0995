import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, OwnerOnly } from '../auth/session.guard.js';
import { Figures as FiguresView } from './figures.dto.js';
import { Figures } from './figures.service.js';

@ApiTags('rights')
@OwnerOnly()
@Controller('figures')
export class FiguresController {
  constructor(private readonly figures: Figures) {}

  /**
   * Figures to show an auditor: contacts, consents, policies in force, erasures, requests and their deadlines, exports and
   * members. They count, and name nobody. For the owner.
   */
  @Get()
  get(@Caller() owner: MemberPrincipal): Promise<FiguresView> {
    return this.figures.of(owner);
  }
}
