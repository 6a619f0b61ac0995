import { type TextField, textFields } from '../broadcasts.js';
import type { Identity } from '../events.js';
import { limits } from '../limits.js';
import { bodyFault, codePoints, type Fault } from './texts.js';

/** Values of the fields. A recipient without one of the names is addressed by its displayed name. */
export type FieldValues = { businessName: string } & Partial<Pick<Identity, Exclude<TextField, 'businessName'>>>;

const field = new RegExp(`\\{\\{\\s*(${textFields.join('|')})\\s*\\}\\}`, 'g');
const known = textFields.map((name) => `{{${name}}}`);

/** Finds what keeps a text with fields from being sent, whatever the fields stand for; undefined when nothing does. */
export function personalTextFault(body: unknown): Fault | undefined {
  const fault = bodyFault(body);
  if (fault) return fault;
  const text = body as string;
  const rest = text.replace(field, '');
  if (rest.includes('{{') || rest.includes('}}')) {
    const message = `The message contains "{{" or "}}" outside a known field. The fields are ${known.join(', ')}.`;
    return { code: 'unknown_placeholder', values: { allowed: known }, message };
  }
  const fields = text.match(field)?.length ?? 0;
  const length = codePoints(rest) + fields * limits.broadcastFieldLength;
  const limit = limits.messageLength;
  if (length <= limit) return undefined;
  const message = `The message can have ${length} characters, counting ${limits.broadcastFieldLength} for each field; the limit is ${limit}.`;
  return { code: 'too_long', values: { limit, length }, message };
}

/** Tells if a text differs for each recipient. */
export function isPersonal(body: string): boolean {
  return [...body.matchAll(field)].some(([, name]) => name !== 'businessName');
}

/** Puts values in for the fields, once: what looks like a field within a value stays as it is. */
export function filledIn(body: string, values: FieldValues): string {
  return body.replace(field, (_, name: TextField) => values[name] ?? values.displayName ?? '');
}
