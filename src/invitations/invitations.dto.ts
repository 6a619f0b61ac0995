import { Type } from 'class-transformer';
import { IsIn, IsInt, IsISO8601, IsOptional, IsString, Max, MaxLength, Min, ValidateIf } from 'class-validator';
import { limits } from '../contract/limits.js';
import { IsEmailAddress, NormalisedEmail } from '../platform/validation/text.js';
import { type Locale, locales } from '../subscribers/subscribers.dto.js';

const kinds = ['personal', 'open'] as const;

export class NewInvitation {
  @IsIn(kinds)
  kind: 'personal' | 'open';

  /** Who is invited: for a personal invitation. */
  @ValidateIf(({ kind }: NewInvitation) => kind === 'personal')
  @NormalisedEmail()
  @IsEmailAddress()
  email?: string;

  /** Language of the mail to the invited person; the subscriber's without it. */
  @IsOptional()
  @IsIn(locales)
  locale?: Locale;

  /** How many may join with an open invitation; no limit without it. */
  @ValidateIf(({ maxUses }: NewInvitation) => maxUses !== undefined)
  @IsInt()
  @Min(1)
  @Max(limits.invitationUsesMax)
  maxUses?: number;

  /** Until when an open invitation holds; for ever without it. A personal one holds 14 days. */
  @ValidateIf(({ expiresAt }: NewInvitation) => expiresAt !== undefined)
  @IsISO8601({ strict: true })
  expiresAt?: string;
}

export class InvitationView {
  id: string;
  @IsIn(kinds)
  kind: 'personal' | 'open';
  code: string;
  /** The address to open, as the QR code has it. */
  url: string;
  /** Who is invited, of a personal one. */
  email?: string;
  expiresAt?: string;
  maxUses?: number;
  uses: number;
  @IsIn(['active', 'revoked', 'expired', 'used'])
  state: 'active' | 'revoked' | 'expired' | 'used';
  createdAt: string;
  /** Said when PUBLIC_URL is localhost: then only this machine can open the link. */
  notice?: string;
}

export class InvitationList {
  items: InvitationView[];
  nextCursor: string | null;
}

export class ListInvitations {
  @IsOptional()
  @IsString()
  @MaxLength(500)
  cursor?: string;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(limits.pageMax)
  limit: number = limits.pageSize;
}
