import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { limits } from '../contract/limits.js';
import { Clearable } from '../platform/validation/fields.js';
import { IsPlainText, trimmed } from '../platform/validation/text.js';
import { italianProvinceCode, italianRegionName } from './italy.js';

/** The fields by which contacts are sorted into segments. */
export type Segment = 'region' | 'province' | 'sector';

/** One spelling for a place of Italy: its province's code, its region's name. Any other text stays as it is. */
export function canonicalSegment(segment: Segment, text: string): string {
  if (segment === 'province') return italianProvinceCode(text) ?? text;
  return segment === 'region' ? (italianRegionName(text) ?? text) : text;
}

function stated(segment: Segment, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = trimmed(value);
  // What is over the limit is for the validator to refuse, not worth folding.
  return text.length > 2 * limits.segmentLength ? text : canonicalSegment(segment, text);
}

/** A region, province or sector of at most 60 characters that may be left out; null and blank mean the same. */
export const StatedSegment = (segment: Segment) =>
  applyDecorators(
    IsOptional(),
    Transform(({ value }: { value: unknown }) => stated(segment, value) || undefined),
    IsPlainText({ max: limits.segmentLength }),
  );

/** As {@link StatedSegment} for a correction: left out it stays, null or blank takes it away. */
export const ChangedSegment = (segment: Segment) =>
  applyDecorators(
    Clearable(),
    Transform(({ value }: { value: unknown }) => (value === undefined ? undefined : stated(segment, value) || null)),
    IsPlainText({ max: limits.segmentLength }),
  );
