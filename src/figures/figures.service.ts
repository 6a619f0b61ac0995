import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { MemberPrincipal } from '../auth/principal.js';
import { policyAudiences } from '../contract/consents.js';
import { type Config, CONFIG } from '../platform/config.js';
import { Policies } from '../policies/policies.service.js';
import type { Figures as FiguresView } from './figures.dto.js';
import { figuresQuery, type FiguresRow } from './figures.queries.js';

/** Counts that a business can show an auditor: no names, and nothing that identifies a person. */
@Injectable()
export class Figures {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: DataSource,
    private readonly policies: Policies,
  ) {}

  async of({ subscriberId, locale }: MemberPrincipal): Promise<FiguresView> {
    const at = new Date();
    const version = this.policies.versionToAccept('interlocutor', 'privacy');
    const [row] = await this.database.query<FiguresRow[]>(figuresQuery, [subscriberId, version, at]);
    const policies = policyAudiences.flatMap((audience) =>
      this.policies
        .inForce(audience, locale)
        .map(({ purpose, version: inForce, effective }) => ({ audience, purpose, version: inForce, effective })),
    );
    return { ...row!, at: at.toISOString(), policies, consentProofYears: this.config.consentProofYears };
  }
}
