import { ApiProperty } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { IsIn } from 'class-validator';
import { type AccountEventKind, accountEventKinds } from '../contract/accounts.js';
import type * as wire from '../contract/index.js';
import { IsList, IsTime, Optional } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';

export class ListAccountEvents extends Page implements wire.ListAccountEvents {
  /** Only these kinds; in a query, one `kind=` for each. */
  @Optional()
  @Transform(({ value }): unknown[] => (Array.isArray(value) ? value : [value]))
  @IsList({ max: accountEventKinds.length })
  @IsIn(accountEventKinds, { each: true })
  @ApiProperty({ type: 'array', items: { type: 'string', enum: [...accountEventKinds] } })
  kind?: AccountEventKind[];

  /** Only entries at this time or later. */
  @Optional()
  @IsTime()
  since?: string;

  /** Only entries before this time. */
  @Optional()
  @IsTime()
  until?: string;
}

export class AccountEventView implements wire.AccountEventView {
  id: string;
  @IsIn(accountEventKinds)
  kind: AccountEventKind;
  /** Id of the conversation, export or session concerned. */
  subjectId: string | null;
  /** Failed sign-ins within an hour are one entry. */
  times: number;
  /** The network address of a sign-in; of IPv6 the first 64 bits. */
  network: string | null;
  at: string;
}

export class AccountEventList implements wire.AccountEventList {
  @Type(() => AccountEventView)
  items: AccountEventView[];
  nextCursor: string | null;
}
