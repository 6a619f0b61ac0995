import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import type * as wire from '../../contract/index.js';
import { limits } from '../../contract/limits.js';
import { Optional, ToNumber } from './fields.js';

/** Page of a list that is asked for. */
export class Page implements wire.PageAsked {
  /**
   * `nextCursor` of the page before; the first page without it. It carries the filters: they need not be sent again, and
   * when they are, they have to be the same.
   */
  @Optional()
  @IsString()
  @MaxLength(limits.cursorLength)
  cursor?: string;

  /** Most items of the page: 1 to 200. */
  @ToNumber()
  @IsInt()
  @Min(1)
  @Max(limits.pageMax)
  limit: number = limits.pageSize;
}
