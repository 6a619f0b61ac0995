import { ValidateBy, type ValidationOptions } from 'class-validator';
import type { Identity } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import { bodyProblem } from '../conversations/message-body.js';
import { codePoints } from '../platform/validation/text.js';

/** What `{{…}}` may name in the text of a broadcast. All but the last say something of the recipient. */
export const textFields = ['firstName', 'surname', 'companyName', 'displayName', 'businessName'] as const;
export type TextField = (typeof textFields)[number];

/** What the fields stand for. A recipient without a name of some kind is called by its displayed name. */
export type FieldValues = { businessName: string } & Partial<Pick<Identity, Exclude<TextField, 'businessName'>>>;

const field = new RegExp(`\\{\\{\\s*(${textFields.join('|')})\\s*\\}\\}`, 'g');
const known = textFields.map((name) => `{{${name}}}`).join(', ');

/** Why a text cannot be broadcast; undefined when it can. */
export function broadcastBodyProblem(body: unknown): string | undefined {
  const problem = bodyProblem(body);
  if (problem !== undefined) return problem;
  const text = body as string;
  const rest = text.replace(field, '');
  if (rest.includes('{{') || rest.includes('}}')) {
    return `The message holds "{{" or "}}" that is no field; the fields are ${known}.`;
  }
  const fields = text.match(field)?.length ?? 0;
  const length = codePoints(rest) + fields * limits.broadcastFieldLength;
  if (length <= limits.messageLength) return undefined;
  return `The message can have ${length} characters, counting ${limits.broadcastFieldLength} for each field; at most ${limits.messageLength} are possible.`;
}

export function IsBroadcastBody(options?: ValidationOptions): PropertyDecorator {
  const validator = {
    validate: (value: unknown) => broadcastBodyProblem(value) === undefined,
    defaultMessage: (args?: { value: unknown }) => broadcastBodyProblem(args?.value) ?? '',
  };
  return ValidateBy({ name: 'broadcastBody', validator }, options);
}

/** Whether a text becomes another one for each recipient. */
export function isPersonal(body: string): boolean {
  return [...body.matchAll(field)].some(([, name]) => name !== 'businessName');
}

/** Puts values in for the fields, once: what looks like a field within a value stays as it is. */
export function filledIn(body: string, values: FieldValues): string {
  return body.replace(field, (_, name: TextField) => values[name] ?? values.displayName ?? '');
}
