import { IsIn, IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { limits } from '../contract/limits.js';
import { Optional, ToNumber } from '../platform/validation/fields.js';
import { type ActionKind, actionKinds } from './action.entity.js';

export class ListActions {
  @Optional()
  @IsString()
  @MaxLength(500)
  cursor?: string;

  @ToNumber()
  @IsInt()
  @Min(1)
  @Max(limits.pageMax)
  limit: number = limits.pageSize;
}

export class ActionView {
  id: string;
  /** Who did it; names are in GET /api/authors. */
  memberId: string;
  @IsIn(actionKinds)
  kind: ActionKind;
  /** The invitation or member it was done to. */
  subjectId: string | null;
  at: string;
}

export class ActionList {
  items: ActionView[];
  nextCursor: string | null;
}
