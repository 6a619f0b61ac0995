import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import type * as wire from '../../contract/index.js';
import { limits } from '../../contract/limits.js';
import { Optional, ToNumber } from './fields.js';

/** Page of a list that is asked for. */
export class Page implements wire.PageAsked {
  /**
   * `nextCursor` of the previous page; leave it out for the first page. It contains the filters: you need not send them again,
   * and if you do, they must be the same.
   */
  @Optional()
  @IsString()
  @MaxLength(limits.cursorLength)
  cursor?: string;

  /** Maximum number of items on the page: 1 to 200. */
  @ToNumber()
  @IsInt()
  @Min(1)
  @Max(limits.pageMax)
  limit: number = limits.pageSize;
}
