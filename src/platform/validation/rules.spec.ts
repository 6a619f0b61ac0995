import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { plainToInstance } from 'class-transformer';
import { IsInt, IsOptional, IsString, Matches, MaxLength, Min, validate, ValidateNested } from 'class-validator';
import fc from 'fast-check';
import { IsId, Optional } from './fields.js';
import { plainlyKeepsRules } from './rules.js';

class Order {
  @IsId()
  id: string;

  @Matches(/^[a-z]{1,3}$/)
  code: string;

  @Optional()
  @IsInt()
  @Min(1)
  pieces?: number;

  @IsOptional()
  @IsString({ each: true })
  @MaxLength(3, { each: true })
  notes?: string[] | null;
}

class Nested {
  @ValidateNested()
  order: Order;
}

const strict = { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true };
const anything = fc.oneof(
  fc.constant(undefined),
  fc.constant(null),
  fc.string({ maxLength: 4 }),
  fc.integer(),
  fc.double(),
);
const mostly = <Value>(value: fc.Arbitrary<Value>) => fc.oneof({ weight: 9, arbitrary: value }, anything);

describe('the short way through the rules of a class', () => {
  test('says yes only where class-validator finds nothing wrong', async () => {
    let kept = 0;
    const orders = fc.record(
      {
        id: mostly(fc.uuid({ version: 7 })),
        code: mostly(fc.constantFrom('a', 'abc', 'abcd')),
        pieces: mostly(fc.integer({ min: -1, max: 3 })),
        notes: mostly(fc.array(fc.string({ maxLength: 4 }))),
        other: anything,
      },
      { requiredKeys: ['id', 'code'] },
    );
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        const errors = await validate(plainToInstance(Order, order), strict);
        if (!plainlyKeepsRules(Order, plainToInstance(Order, order))) return;
        kept++;
        expect(errors).toEqual([]);
      }),
      { numRuns: 500 },
    );
    expect(kept).toBeGreaterThan(10);
  });

  test('leaves classes with rules that it does not look at to class-validator', () => {
    const order = { id: '01900000-0000-7000-8000-000000000000', code: 'abc' };
    expect(plainlyKeepsRules(Order, plainToInstance(Order, order))).toBe(true);
    expect(plainlyKeepsRules(Nested, plainToInstance(Nested, { order }))).toBe(false);
    expect(plainlyKeepsRules(class Empty {}, {})).toBe(false);
  });
});
