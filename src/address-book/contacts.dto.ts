import { Type } from 'class-transformer';
import { IsInt, IsISO8601, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import type { ContactView as ContactContract } from '../contract/events.js';
import { limits } from '../contract/limits.js';

export class ContactSearch {
  /** Beginnings of words of the name or of the address; all must be found. */
  @IsOptional()
  @IsString()
  @MaxLength(limits.searchLength)
  query?: string;

  @IsOptional()
  @IsString()
  @MaxLength(limits.nameLength)
  region?: string;

  @IsOptional()
  @IsString()
  @MaxLength(limits.nameLength)
  province?: string;

  @IsOptional()
  @IsString()
  @MaxLength(limits.nameLength)
  sector?: string;

  /** Only contacts changed at this time or later. */
  @IsOptional()
  @IsISO8601({ strict: true })
  updatedAfter?: string;

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

export class ContactView implements ContactContract {
  id: string;
  displayName: string;
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email: string;
  region: string | null;
  province: string | null;
  sector: string | null;
  /** Whether the contact said yes to promotions. */
  promotions: boolean;
  joinedAt: string;
  updatedAt: string;
}

export class ContactList {
  items: ContactView[];
  nextCursor: string | null;
  /** How many contacts match, on all pages. */
  total: number;
}
