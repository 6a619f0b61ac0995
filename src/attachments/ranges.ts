import rangeParser from 'range-parser';

/** Bytes from `start` up to `end`, which is not included. */
export interface ByteRange {
  start: number;
  end: number;
}

interface RangeHeaders {
  range?: string | undefined;
  'if-range'?: string | undefined;
}

/**
 * The part of a file that a request asks for (RFC 9110, section 14); undefined for all of it. Several ranges at once are
 * answered with all of it, as the RFC allows.
 */
export function rangeOf(headers: RangeHeaders, size: number, etag: string): ByteRange | 'unsatisfiable' | undefined {
  const { range, 'if-range': ifRange } = headers;
  if (range === undefined || (ifRange !== undefined && ifRange.trim() !== etag)) return undefined;
  // More of the end than there is means all of it, which the parser takes for outside.
  const [, ending] = /^bytes=-(\d+)$/.exec(range) ?? [];
  if (ending !== undefined && Number(ending) >= size && size > 0) return { start: 0, end: size };
  const ranges = rangeParser(size, range, { combine: true });
  if (ranges === -1) return 'unsatisfiable';
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return undefined;
  const [{ start, end }] = ranges as unknown as [{ start: number; end: number }];
  return { start, end: end + 1 };
}
