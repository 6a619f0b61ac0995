import { isUUID } from 'class-validator';
import { ValidationFailed } from './problems/domain-error.js';
import { isTime } from './validation/fields.js';

/** What stands at one place of a cursor. */
export type CursorPart = 'id' | 'time' | 'integer';

const checks: Record<CursorPart, (value: unknown) => boolean> = {
  id: (value) => isUUID(value),
  time: isTime,
  integer: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31,
};

/** An opaque cursor: where a list goes on. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/**
 * Reads a cursor that {@link encodeCursor} made.
 * @param shape what stands at each place: a kind of value, or the words of which one has to
 * @throws ValidationFailed for anything else
 */
export function decodeCursor(cursor: string, shape: readonly (CursorPart | readonly string[])[]): (string | number)[] {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (
      Array.isArray(position) &&
      position.length === shape.length &&
      position.every((each, i) => fits(each, shape[i]!))
    ) {
      return position as (string | number)[];
    }
  } catch {
    // Falls through: what cannot be parsed is no cursor.
  }
  throw new ValidationFailed([{ field: 'cursor', code: 'cursor', message: 'This is not a cursor of this list.' }]);
}

function fits(value: unknown, part: CursorPart | readonly string[]): boolean {
  return typeof part === 'string' ? checks[part](value) : part.includes(value as string);
}
