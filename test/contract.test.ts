import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { fieldErrorCatalogue } from '../src/contract/field-errors.js';
import * as contract from '../src/contract/index.js';
import { fieldErrorText } from '../src/contract/rules/field-error-texts.js';
import { document, type JsonSchema } from './support/api-description.js';

/** The contract, the description of the API and docs/events.md say the same, and a browser can import the contract. */

const folder = resolve('src/contract');
const virtual = resolve('src/contract/page.ts');

/** As in a browser: without the types of Node. */
const options: ts.CompilerOptions = {
  strict: true,
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2024.d.ts', 'lib.dom.d.ts'],
  types: [],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  isolatedModules: true,
  experimentalDecorators: false,
  noEmit: true,
  skipLibCheck: true,
  skipDefaultLibCheck: true,
};

const parsed = new Map<string, ts.SourceFile | undefined>();

/** Compiles the contract, with a further file in its folder. */
function compiled(source = ''): { program: ts.Program; faults: string[] } {
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version) => {
    if (resolve(name) === virtual) return ts.createSourceFile(name, source, version);
    if (!parsed.has(name)) parsed.set(name, read(name, version));
    return parsed.get(name);
  };
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const program = ts.createProgram([...files.map((name) => resolve(folder, name)), virtual], options, host);
  const faults = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file ? file.text.slice(0, start).split('\n').length : 0;
    return `${file?.fileName.split('/').at(-1)}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  return { program, faults };
}

/** The TypeScript blocks of docs/events.md, by the event that each is the payload of. */
function payloads(page: string): Map<string, string> {
  const sections = page.split(/^### `([a-z-]+\.[a-z]+)`$/m).slice(1);
  const found = new Map<string, string>();
  for (let index = 0; index < sections.length; index += 2) {
    const [, block] = /^```ts\n([\s\S]*?)^```$/m.exec(sections[index + 1]!.split(/^##/m)[0]!) ?? [];
    if (block) found.set(sections[index]!, block);
  }
  return found;
}

/** A file that compiles if every block is the payload of its event. */
function comparison(blocks: Map<string, string>): string {
  const lines = [...blocks].map(
    ([event, block], index) =>
      `type Block${index} = ${block.trim()};\nexport const is${index}: Same<Block${index}, Told['${event}']> = '${event}';`,
  );
  return [
    "import type * as contract from './index.js';",
    "import type { AttachmentView, ContactView, ConversationHead, Counterpart, Deletion, LabelColor, Restriction, Told } from './index.js';",
    'type Plain<T> = T extends readonly (infer Item)[] ? Plain<Item>[] : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;',
    'type Same<A, B> = (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? string : never;',
    'export type Used = [contract.Told, AttachmentView, ContactView, ConversationHead, Counterpart, Deletion, LabelColor, Restriction];',
    ...lines,
  ].join('\n');
}

describe('the contract', () => {
  const { program, faults } = compiled();
  const checker = program.getTypeChecker();
  const index = checker.getSymbolAtLocation(program.getSourceFile(resolve(folder, 'index.ts'))!)!;
  const types = new Map(
    checker.getExportsOfModule(index).map((each) => [each.name, checker.getDeclaredTypeOfSymbol(each)]),
  );

  test('compiles for a browser, without the types of Node', () => {
    expect(faults).toEqual([]);
    expect(compiled('export const folder = process.cwd();').faults).toEqual([expect.stringContaining("'process'")]);
  });

  test('is exported whole by its index', () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.ts') && name !== 'index.ts');
    const exported = readFileSync(resolve(folder, 'index.ts'), 'utf8');
    expect(files.filter((name) => !exported.includes(`'./${name.replace('.ts', '.js')}'`))).toEqual([]);
  });

  /** Schemas that are called otherwise than their types in the contract. */
  const otherwise: Record<string, string> = {
    AuthorView: 'Author',
    CarryCodeView: 'CarryCode',
    ClaimView: 'Claim',
    BroadcastMarkView: 'BroadcastMark',
    CounterpartView: 'Counterpart',
    JoinedByView: 'JoinedBy',
    OptOutView: 'OptOut',
    RestrictionView: 'Restriction',
    DeletionView: 'Deletion',
    TurnView: 'Turn',
    WatermarksView: 'Watermarks',
  };
  const typeNamed = (schema: string) => types.get(otherwise[schema] ?? schema);
  const schemas = Object.entries(document.components.schemas);

  test('has a type for every schema of the API', () => {
    expect(schemas.length).toBeGreaterThan(90);
    expect(schemas.map(([name]) => name).filter((name) => !typeNamed(name))).toEqual([]);
  });

  test('has the fields of every schema, with the same optional and nullable ones', () => {
    for (const [name, schema] of schemas) {
      if (schema.oneOf) continue;
      expect({ name, fields: fieldsOfType(typeNamed(name)!) }).toEqual({ name, fields: fieldsOfSchema(schema) });
    }
  });

  test('has a union for every schema that is one of several', () => {
    const unions = schemas.filter(([, { oneOf }]) => oneOf);
    expect(unions.map(([name]) => name)).toEqual(['CounterpartView', 'PrincipalView']);
    for (const [name, { oneOf, discriminator }] of unions) {
      const members = (typeNamed(name) as ts.UnionType).types.map(
        ({ symbol }) => `#/components/schemas/${symbol.name}`,
      );
      expect(oneOf!.map(({ $ref }) => $ref).sort()).toEqual(members.sort());
      expect(discriminator).toMatchObject({ propertyName: 'kind' });
    }
  });

  test('has the same values as every enumerated field of the API', () => {
    const wrong: string[] = [];
    let compared = 0;
    for (const [name, { properties = {} }] of schemas) {
      for (const [field, described] of Object.entries(properties)) {
        const values = described.enum ?? described.items?.enum;
        const property = typeNamed(name)!.getProperty(field);
        if (!values || !property) continue;
        const type = checker.getNonNullableType(checker.getTypeOfSymbol(property));
        const item = checker.isArrayType(type) ? checker.getTypeArguments(type as ts.TypeReference)[0]! : type;
        const literals = literalsOf(item);
        compared++;
        if (JSON.stringify([...values].map(String).sort()) !== JSON.stringify(literals.sort()))
          wrong.push(`${name}.${field}`);
      }
    }
    expect(compared).toBeGreaterThan(40);
    expect(wrong).toEqual([]);
  });

  function literalsOf(type: ts.Type): string[] {
    const members = type.isUnion() ? type.types : [type];
    return members.map((each) => (each.isStringLiteral() ? each.value : checker.typeToString(each)));
  }

  function fieldsOfType(type: ts.Type): string[] {
    return type
      .getProperties()
      .map((property) => {
        const held = checker.getTypeOfSymbol(property);
        const nullable = held.isUnion() && held.types.some(({ flags }) => flags & ts.TypeFlags.Null);
        return `${property.name}${property.flags & ts.SymbolFlags.Optional ? '?' : ''}${nullable ? ' | null' : ''}`;
      })
      .sort();
  }

  function fieldsOfSchema({ properties = {}, required = [] }: JsonSchema & { required?: string[] }): string[] {
    return Object.entries(properties)
      .map(([name, { nullable }]) => `${name}${required.includes(name) ? '' : '?'}${nullable ? ' | null' : ''}`)
      .sort();
  }
});

describe('docs/events.md', () => {
  const page = readFileSync('docs/events.md', 'utf8');

  test('describes every event with the payload of the contract', () => {
    const blocks = payloads(page);
    const events = /export interface Told \{([\s\S]*?)^\}/m.exec(readFileSync('src/contract/events.ts', 'utf8'))![1]!;
    const names = [...events.matchAll(/^ {2}'([a-z.-]+)':/gm)].map(([, name]) => name);
    expect([...blocks.keys()].sort()).toEqual(names.sort());
    expect(page.match(/^```ts$/gm)).toHaveLength(blocks.size);
    expect(compiled(comparison(blocks)).faults).toEqual([]);
  });

  test('is found to differ by an optional, mistyped, additional or missing field', () => {
    const wrong = [
      '{ id?: string; reports: number }',
      '{ id: string; reports: string }',
      '{ id: string; reports: number; more: true }',
      '{ id: string }',
    ];
    const right = '{ reports: number; id: string }';
    const source = [...wrong, right].map((block) => comparison(new Map([['broadcast.reported', block]])));
    const [head, rest] = [source[0]!.split('\n').slice(0, -2), source.map((each) => each.split('\n').slice(-2))];
    const numbered = rest.map((lines, index) => lines.join('\n').replace(/\b(Block|is)0\b/g, `$1${index}`));
    const { faults } = compiled([...head, ...numbered].join('\n'));
    expect(faults).toEqual(wrong.map(() => expect.stringContaining('not assignable')));
  });
});

describe('the contract for clients', () => {
  test('includes the sentences of field errors in the user’s language', () => {
    const error = { field: 'name', code: 'too_long', message: '', values: { limit: 10_000 } } as const;
    expect(fieldErrorText(error, 'en', 'The name')).toBe('The name can have at most 10,000 characters.');
    expect(fieldErrorText(error, 'it', 'Il nome')).toBe('Il nome può avere al massimo 10.000 caratteri.');
    expect(Object.keys(fieldErrorCatalogue)).toContain(error.code);
  });

  test('exports limits, colours of labels and lists of values from its index', () => {
    expect(contract.limits.previewLength).toBe(120);
    expect(contract.labelColors).toContain('teal');
    expect(contract.locales).toEqual(['it', 'en']);
  });
});
