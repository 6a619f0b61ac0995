import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { limits } from '../contract/limits.js';
import { type ActionKind, actionKinds } from './action.entity.js';

export class ListActions {
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
