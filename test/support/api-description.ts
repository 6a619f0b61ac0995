import { readFileSync } from 'node:fs';
import { type AnySchema, Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';

/** An operation as openapi.json describes it. */
export interface Operation {
  operationId: string;
  summary?: string;
  method: string;
  path: string;
  parameters: { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: JsonSchema }[];
  requestBody?: { content: Record<string, { schema: JsonSchema; example?: Record<string, unknown> }> };
  responses: Record<string, { content?: Record<string, { schema: JsonSchema }> }>;
  security: Record<string, string[]>[];
  'x-callers': string[];
  'x-errors': string[];
}

export interface JsonSchema {
  $ref?: string;
  type?: string;
  format?: string;
  enum?: unknown[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  nullable?: boolean;
  [other: string]: unknown;
}

interface Document {
  paths: Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: Record<string, unknown> };
}

export const document = JSON.parse(readFileSync('openapi.json', 'utf8')) as Document;

export const operations: Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    ...operation,
    parameters: operation.parameters ?? [],
    security: operation.security ?? [],
    method: method.toUpperCase(),
    path,
  })),
);

const ajv = new Ajv({ strict: false, allErrors: true });
(formats as unknown as { default: (ajv: Ajv) => void } & ((ajv: Ajv) => void))(ajv);
for (const [name, schema] of Object.entries(document.components.schemas)) {
  ajv.addSchema(asJsonSchema(schema), `#/components/schemas/${name}`);
}
const compiled = new Map<string, ValidateFunction>();

/** Parts of an answer that its description does not allow; empty if it is as described. */
export function deviations(operation: Operation, status: number, body: unknown): string[] {
  const schema = operation.responses[status]?.content?.['application/json']?.schema;
  if (!schema) return [];
  const key = JSON.stringify(schema);
  const validate = compiled.get(key) ?? ajv.compile(asJsonSchema(schema) as AnySchema);
  compiled.set(key, validate);
  if (validate(body)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** OpenAPI 3.0 as JSON Schema: `nullable`, and that answers have no fields that are not described. */
function asJsonSchema(schema: JsonSchema): JsonSchema {
  const { nullable, ...rest } = schema;
  const plain: JsonSchema = { ...rest };
  if (plain.properties) {
    plain.properties = Object.fromEntries(
      Object.entries(plain.properties).map(([name, each]) => [name, asJsonSchema(each)]),
    );
    plain['additionalProperties'] = false;
  }
  if (plain.items) plain.items = asJsonSchema(plain.items);
  for (const word of ['oneOf', 'allOf'] as const) if (plain[word]) plain[word] = plain[word].map(asJsonSchema);
  return nullable ? { anyOf: [plain, { type: 'null' }] } : plain;
}
