import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn } from 'class-validator';
import { type ActionKind, actionKinds } from '../contract/businesses.js';
import type * as wire from '../contract/index.js';
import { IsId, IsList, IsTime, Optional } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';

export class ListActions extends Page implements wire.ListActions {
  /** Only what this member did. */
  @Optional()
  @IsId()
  memberId?: string;

  /** Only these kinds; in a query, one `kind=` for each. */
  @Optional()
  @Transform(({ value }): unknown[] => (Array.isArray(value) ? value : [value]))
  @IsList({ max: actionKinds.length })
  @IsIn(actionKinds, { each: true })
  @ApiProperty({ type: 'array', items: { type: 'string', enum: [...actionKinds] } })
  kind?: ActionKind[];

  /** Only entries at this time or later. */
  @Optional()
  @IsTime()
  since?: string;

  /** Only entries before this time. */
  @Optional()
  @IsTime()
  until?: string;
}

export class ActionView implements wire.ActionView {
  id: string;
  /**
   * The member who did it; names are in GET /api/authors. Null for actions of the service (`broadcast.held`,
   * `policy.published`) and of the contact in `subjectId` (consents, requests).
   */
  memberId: string | null;
  @IsIn(actionKinds)
  kind: ActionKind;
  /** Id of the object of the action, such as a broadcast, an invitation or a member. */
  subjectId: string | null;
  /** Failed sign-ins within an hour are one entry. */
  times: number;
  /** The network address of a sign-in; of IPv6 the first 64 bits. */
  network: string | null;
  at: string;
}

export class ActionList implements wire.ActionList {
  items: ActionView[];
  nextCursor: string | null;
}
