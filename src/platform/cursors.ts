import { isUUID } from 'class-validator';
import { ValidationFailed } from './problems/domain-error.js';
import { isTime } from './validation/fields.js';
import type { Page } from './validation/page.dto.js';
import { validated } from './validation/validation.js';
import type { KeyRef } from './vault/keyring.js';
import { UnsealError } from './vault/sealing.js';
import type { Vault } from './vault/vault.js';

/** Types of the parts of a position. */
export type CursorPart = 'id' | 'time' | 'integer';

type Position = (string | number)[];

/** A page of a list, as it is to be read. */
export interface OpenedPage<Ask> {
  /** The filters and the limit: with a cursor, the filters with which the list was begun. */
  ask: Ask;
  /** Behind which item the page begins; undefined for the first one. */
  position: Position | undefined;
  /** The cursor of the page that begins behind an item. */
  next: (position: Readonly<Position>) => string;
}

/**
 * Reads the requested page of a list. A cursor is opaque and contains the filters of the first request, so that a client sends
 * the cursor alone; filters that are sent again must be the same. The content of a cursor is validated like a request.
 * @param shape of what may be asked, which is also the name of the list
 * @param places what stands at each place of a position
 * @throws ValidationFailed for a cursor that is none of this list, and for other filters than it carries
 */
export function openPage<Ask extends Page>(
  shape: new () => Ask,
  sent: Ask,
  places: readonly CursorPart[],
): OpenedPage<Ask> {
  if (sent.cursor === undefined) return opened(shape, sent, undefined);
  const { carried, position } = readContent(shape, Buffer.from(sent.cursor, 'base64url').toString('utf8'));
  if (position.length !== places.length || !position.every((each, i) => checks[places[i]!](each))) throw noCursor();
  return opened(shape, continued(sent, begunWith(shape, carried)), position);
}

/** @throws ValidationFailed for a cursor with filters that no list accepts */
function begunWith<Ask extends Page>(shape: new () => Ask, carried: object): Ask {
  try {
    return validated(shape, carried);
  } catch (error) {
    throw error instanceof ValidationFailed ? noCursor() : error;
  }
}

/** The same for a list whose positions or filters hold names: its cursors are sealed with a key. */
export async function openSealedPage<Ask extends Page>(
  shape: new () => Ask,
  sent: Ask,
  { vault, key }: { vault: Vault; key: KeyRef },
): Promise<Omit<OpenedPage<Ask>, 'next'> & { next: (position: Readonly<Position>) => Promise<string> }> {
  const context = ['cursor', shape.name];
  const sealing = ({ ask, position, next }: OpenedPage<Ask>) => ({
    ask,
    position,
    next: async (last: Readonly<Position>) => {
      const content = Buffer.from(next(last), 'base64url').toString('utf8');
      return (await vault.seal(key, content, context)).toString('base64url');
    },
  });
  if (sent.cursor === undefined) return sealing(opened(shape, sent, undefined));
  try {
    const content = await vault.open(key, Buffer.from(sent.cursor, 'base64url'), context);
    const { carried, position } = readContent(shape, content);
    return sealing(opened(shape, continued(sent, carried as Ask), position));
  } catch (error) {
    throw error instanceof UnsealError ? noCursor() : error;
  }
}

const checks: Record<CursorPart, (value: unknown) => boolean> = {
  id: (value) => isUUID(value),
  time: isTime,
  integer: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31,
};

function opened<Ask extends Page>({ name }: new () => Ask, ask: Ask, position: Position | undefined): OpenedPage<Ask> {
  const next = (last: Readonly<Position>) =>
    Buffer.from(JSON.stringify([name, filtersOf(ask), last])).toString('base64url');
  return { ask, position, next };
}

function readContent({ name }: new () => Page, text: string): { carried: object; position: Position } {
  try {
    const content: unknown = JSON.parse(text);
    if (Array.isArray(content) && content.length === 3) {
      const [list, carried, position] = content as unknown[];
      const isObject = typeof carried === 'object' && carried !== null && !Array.isArray(carried);
      if (list === name && isObject && Array.isArray(position)) return { carried, position: position as Position };
    }
  } catch {
    // Falls through: what cannot be parsed is no cursor.
  }
  throw noCursor();
}

/** @throws ValidationFailed that names each filter that differs */
function continued<Ask extends Page>(sent: Ask, begun: Ask): Ask {
  const known = new Map(Object.entries(filtersOf(begun)));
  const differing = Object.entries(filtersOf(sent)).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(known.get(name)),
  );
  if (differing.length > 0) {
    throw new ValidationFailed(
      differing.map(([field]) => ({
        field,
        code: 'cursor_differs',
        message: `The list was started with a different ${field}. Leave it out, or start again without a cursor.`,
      })),
    );
  }
  return { ...begun, limit: sent.limit };
}

/** Everything that is asked but which page of it. */
function filtersOf({ cursor: _cursor, limit: _limit, ...filters }: Page): Record<string, unknown> {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
}

const noCursor = () =>
  new ValidationFailed([{ field: 'cursor', code: 'cursor', message: 'This is not a cursor of this list.' }]);
