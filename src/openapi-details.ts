import { getMetadataStorage } from 'class-validator';
import { limits } from './contract/limits.js';
import type { TextLimits } from './platform/validation/text.js';

/** The part of a schema that is filled in here. */
export interface Described {
  type?: string;
  format?: string;
  items?: Described;
  properties?: Record<string, Described>;
  description?: string;
  /** Branches of a union. */
  oneOf?: Described[];
  allOf?: Described[];
  discriminator?: object;
  title?: string;
  $ref?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  pattern?: string;
  [other: string]: unknown;
}

/** Formats of texts by the names of their fields, in requests and answers alike. */
const formats: [name: RegExp, format: string][] = [
  [/^id$|[a-z]Id$/, 'uuid'],
  [/^at$|[a-z]At$|^(changedSince|updatedAfter|seenTimesSince)$/, 'date-time'],
  [/^email$/, 'email'],
  [/^url$/, 'uri'],
];
/** Names that match a format but do not have it: ids that clients choose, and a time whose zone may be left out. */
const free = new Set(['clientId', 'externalId', 'requestId', 'sendAt']);
const lists: Record<string, string> = { label: 'uuid', labels: 'uuid', add: 'uuid', remove: 'uuid' };

const logoUrl = 'uri-reference';

/** Gives a field its format: by its name, and every number as the integer that it is. */
export function describeField(name: string, field: Described): void {
  if (field.type === 'number') field.type = 'integer';
  if (field.type === 'integer') field.format ??= /^size$|Bytes$/.test(name) ? 'int64' : 'int32';
  if (field.type === 'string' && !field['enum']) {
    const format = name === 'logoUrl' ? logoUrl : formats.find(([each]) => each.test(name))?.[1];
    if (format && !free.has(name)) field.format ??= format;
  }
  if (field.type === 'array' && field.items?.type === 'string') {
    const format = lists[name] ?? (/Ids$|Labels$/.test(name) ? 'uuid' : undefined);
    if (format && !field.items['enum']) field.items.format ??= format;
  }
  if (field.items?.type === 'number') describeField('', field.items);
  for (const [inner, schema] of Object.entries(field.properties ?? {})) describeField(inner, schema);
}

/** The classes with rules, by their names, which are those of the schemas. */
export function classesWithRules(): Map<string, abstract new () => object> {
  const { validationMetadatas } = getMetadataStorage() as unknown as {
    validationMetadatas: Map<abstract new () => object, unknown>;
  };
  return new Map([...validationMetadatas.keys()].map((each) => [each.name, each]));
}

/** Describes the limits of our own validation rules, which the Swagger plugin does not know. */
export function describeRules(shape: abstract new () => object, fields: Record<string, Described | undefined>): void {
  const storage = getMetadataStorage();
  for (const rule of storage.getTargetValidationMetadatas(shape, '', false, false)) {
    const field = fields[rule.propertyName];
    if (!field) continue;
    const described = rule.each && field.items ? field.items : field;
    describers[rule.name ?? '']?.(described, rule.constraints?.[0] as TextLimits);
    if (rule.name === 'arrayMaxSize') field.maxItems = rule.constraints[0] as number;
  }
}

const describers: Record<string, (field: Described, bounds: TextLimits) => void> = {
  isPlainText: (field, { min = 1, max }) => Object.assign(field, { minLength: min, maxLength: max }),
  isEmailAddress: (field) => Object.assign(field, { format: 'email', maxLength: limits.emailLength }),
  messageBody: (field) => Object.assign(field, { minLength: 0, maxLength: limits.messageLength }),
  broadcastBody: (field) => Object.assign(field, { minLength: 0, maxLength: limits.messageLength }),
  quickReplyText: (field) => Object.assign(field, { minLength: 1, maxLength: limits.messageLength }),
  isUsername: (field) =>
    Object.assign(field, { minLength: limits.usernameMinLength, maxLength: limits.usernameMaxLength }),
  maxLength: (field, bounds) => Object.assign(field, { maxLength: bounds as unknown as number }),
  isUuid: (field) => Object.assign(field, { format: 'uuid' }),
  isTime: (field) => Object.assign(field, { format: 'date-time' }),
};
