import { ValidationFailed } from './problems/domain-error.js';

/** An opaque cursor: where a list goes on. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/**
 * Reads a cursor that {@link encodeCursor} made.
 * @param shape the type of each element
 * @throws ValidationFailed for anything else
 */
export function decodeCursor(cursor: string, shape: readonly ('string' | 'number')[]): (string | number)[] {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (
      Array.isArray(position) &&
      position.length === shape.length &&
      position.every((each, i) => typeof each === shape[i])
    ) {
      return position as (string | number)[];
    }
  } catch {
    // Falls through: what cannot be parsed is no cursor.
  }
  throw new ValidationFailed([{ field: 'cursor', code: 'cursor', message: 'This is not a cursor of this list.' }]);
}
