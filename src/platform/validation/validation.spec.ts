import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { PartialType } from '@nestjs/swagger';
import { plainToInstance } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Matches, MaxLength, Min, validateSync } from 'class-validator';
import fc from 'fast-check';
import { limits } from '../../contract/limits.js';
import { ValidationFailed } from '../problems/domain-error.js';
import { IsId, IsIds, IsList, IsPart, IsParts, Clearable, Nullable, Omittable, Optional } from './fields.js';
import { planOf } from './plan.js';
import { read } from './validation.js';
import { IsPlainText, Trimmed } from './text.js';

class Line {
  @IsIn(['bread', 'cake'])
  article: string;

  @Optional()
  @IsInt()
  @Min(1)
  pieces?: number;
}

class Order {
  @IsId()
  id: string;

  @IsOptional()
  @IsList({ max: 3 })
  @Trimmed()
  @IsPlainText({ max: 3 }, { each: true })
  notes?: string[] | null;

  @Optional()
  @IsPart(() => Line)
  first?: Line;

  @IsParts(() => Line, { max: 2 })
  lines: Line[];
}

const strict = { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true };
const id = '01900000-0000-7000-8000-000000000000';

const errorsOf = (shape: new () => object, sent: object) => {
  try {
    read(shape, sent);
    return [];
  } catch (error) {
    if (!(error instanceof ValidationFailed)) throw error;
    return error.data.errors!;
  }
};

describe('a request is read by the rules of a class', () => {
  test('and accepted exactly where class-validator finds no fault', () => {
    const anything = fc.oneof(
      fc.constantFrom<unknown>(undefined, null, [], {}, [[]], 'all', 7, 1.5, true),
      fc.string({ maxLength: 4 }),
    );
    const mostly = <Value>(value: fc.Arbitrary<Value>) => fc.oneof({ weight: 30, arbitrary: value }, anything);
    const line = fc.record(
      {
        article: mostly(fc.constantFrom('bread', 'cake')),
        pieces: mostly(fc.integer({ min: 0, max: 9 })),
        x: anything,
      },
      { requiredKeys: ['article'] },
    );
    const orders = fc.record(
      {
        id: mostly(fc.uuid({ version: 7 })),
        notes: mostly(fc.array(mostly(fc.string({ maxLength: 4 })), { maxLength: 4 })),
        first: mostly(line),
        lines: mostly(fc.array(mostly(line), { maxLength: 3 })),
        other: mostly(fc.constant(undefined)),
      },
      { requiredKeys: ['id', 'lines'] },
    );
    let taken = 0;
    fc.assert(
      fc.property(orders, (order) => {
        // What has no value is not sent.
        const sent = JSON.parse(JSON.stringify(order)) as object;
        const judged = validateSync(plainToInstance(Order, sent), strict).length === 0;
        // class-validator takes a list of objects for an object.
        const { first, lines } = sent as { first?: unknown; lines?: unknown };
        fc.pre(![first, ...(Array.isArray(lines) ? lines : [])].some(Array.isArray));
        expect(errorsOf(Order, sent).length === 0).toBe(judged);
        if (judged) taken++;
      }),
      { numRuns: 1_000 },
    );
    expect(taken).toBeGreaterThan(10);
  });

  test('as an instance with converted values', () => {
    const order = read(Order, { id: id.toUpperCase(), notes: [' a  b '], lines: [{ article: 'cake' }] });
    expect(order).toBeInstanceOf(Order);
    expect(order.lines[0]).toBeInstanceOf(Line);
    expect(order).toMatchObject({ id, notes: ['a b'] });
  });

  test('and null means the same as leaving out an optional field, unless declared otherwise', () => {
    class Changes extends PartialType(Order) {}
    const sent = { id: null, notes: null, first: null, lines: null };
    expect(Object.values(read(Changes, sent)).filter((value) => value !== undefined)).toEqual([]);
    expect(read(Changes, { lines: [{ article: 'cake', pieces: null }] }).lines![0]!.pieces).toBeUndefined();
    expect(errorsOf(Order, sent).map(({ field, code }) => [field, code])).toEqual([
      ['id', 'required'],
      ['lines', 'required'],
    ]);
    class Correction {
      @Clearable()
      @IsPlainText({ max: 3 })
      note?: string | null;

      @Omittable()
      @IsPlainText({ max: 3 })
      name?: string;

      @Nullable()
      @IsInt()
      pieces: number | null;
    }
    expect(read(Correction, { note: null, pieces: null })).toMatchObject({ note: null, pieces: null });
    expect(read(Correction, { pieces: 2 })).toMatchObject({ pieces: 2 });
    expect(read(Correction, { pieces: 2 }).note).toBeUndefined();
    expect(errorsOf(Correction, { name: null }).map(({ field, code }) => [field, code])).toEqual([
      ['name', 'required'],
      ['pieces', 'required'],
    ]);
  });

  test('and each wrong field is reported by a code with its values', () => {
    const sent = { notes: ['a', '\u200B'], lines: [{ article: 'x', pieces: 0 }, null], color: 'red' };
    expect(errorsOf(Order, sent)).toEqual([
      { field: 'color', code: 'unknown_field', message: 'There is no field color.' },
      { field: 'id', code: 'required', message: 'id is missing.' },
      { field: 'notes', code: 'empty', values: { item: 1 }, message: 'notes.1 is empty.' },
      {
        field: 'lines.0.article',
        code: 'not_one_of',
        values: { allowed: ['bread', 'cake'] },
        message: 'lines.0.article must be one of: bread, cake.',
      },
      {
        field: 'lines.0.pieces',
        code: 'too_small',
        values: { limit: 1 },
        message: 'lines.0.pieces must be at least 1.',
      },
      {
        field: 'lines.1',
        code: 'not_an_object',
        message: 'lines.1 must be an object.',
      },
    ]);
  });

  test('and a list that is too long, or in place of another value, is not inspected', () => {
    const untouchable = new Proxy([1, 2, 3, 4], {
      get: (list, key, receiver) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) throw new Error('an item was looked at');
        return Reflect.get(list, key, receiver) as unknown;
      },
    });
    const sent = { id, notes: untouchable, first: untouchable, lines: untouchable };
    expect(errorsOf(Order, sent).map(({ field, code, values }) => [field, code, values])).toEqual([
      ['notes', 'too_many', { limit: 3 }],
      ['first', 'not_an_object', undefined],
      ['lines', 'too_many', { limit: 2 }],
    ]);
  });

  test('and at most 20 errors are reported, with shortened names', () => {
    const sent = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${'x'.repeat(1_000)}${index}`, 1]));
    let refused: ValidationFailed | undefined;
    try {
      read(Order, sent);
    } catch (error) {
      refused = error as ValidationFailed;
    }
    expect(refused!.data.errors).toHaveLength(limits.fieldErrors);
    expect(refused!.data.detail).toMatch(/There are more errors\.$/);
    expect(JSON.stringify(refused!.data).length).toBeLessThan(8_000);
  });
});

describe('a class of requests is rejected', () => {
  class Unbounded {
    @IsString()
    text: string;
  }
  class Endless {
    @MaxLength(3, { each: true })
    texts: string[];
  }
  class Uncoded {
    @Matches(/^a$/)
    text: string;
  }

  test.each([
    [Unbounded, /Unbounded\.text can be of any size/],
    [Endless, /Endless\.texts is a list without a maximum/],
    [Uncoded, /Uncoded\.text has a rule without a code of its own, matches/],
  ])('%p', (shape, problem) => {
    expect(() => planOf(shape)).toThrow(problem);
  });

  test('only where it is unsound', () => {
    class Sound {
      @IsIds({ max: 2 })
      ids: string[];
    }
    expect(planOf(Sound).names).toEqual(new Set(['ids']));
  });
});
