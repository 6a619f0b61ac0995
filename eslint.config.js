import { readdirSync } from 'node:fs';
import { defineConfig, includeIgnoreFile } from 'eslint/config';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import { importX } from 'eslint-plugin-import-x';
import svelte from 'eslint-plugin-svelte';
import tseslint from 'typescript-eslint';
import svelteConfig from './web/svelte.config.js';

const root = import.meta.dirname;

const slices = readdirSync(`${root}/src`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .filter((name) => !['commands', 'contract', 'platform'].includes(name));

/** Forbidden imports between folders, type imports included. */
const zones = [
  {
    target: 'src/contract',
    from: ['src', 'migrations'],
    except: ['./contract'],
    message: 'The contract imports only itself, so that clients can import it.',
  },
  {
    target: 'src/platform',
    from: 'src',
    except: ['./platform', './contract'],
    message: 'The platform knows no slice and nothing above the slices.',
  },
  {
    target: slices.map((slice) => `src/${slice}`),
    from: 'src',
    except: ['./platform', './contract', ...slices.map((slice) => `./${slice}`)],
    message: 'A slice knows nothing of what assembles, starts or commands the service.',
  },
  ...slices.map((slice) => ({
    target: `src/${slice}`,
    from: `src/!(${slice})/**/*.@(controller|gateway|queries|jobs).ts`,
    message: 'A slice uses another through its services and the types of its entities and DTOs.',
  })),
  {
    target: 'client',
    from: ['src', 'test', 'bench', 'demo', 'web'],
    except: ['./contract'],
    message: 'The engine of clients imports nothing but the contract.',
  },
  {
    target: 'src',
    from: ['client', 'test', 'bench', 'demo', 'web'],
    message: 'The service needs nothing of this to run.',
  },
  {
    target: 'web',
    from: ['src', 'migrations', 'test', 'bench', 'demo'],
    except: ['./contract'],
    message: 'The web apps know the contract and the engine of clients, and nothing of the service.',
  },
  {
    target: 'web/!(dashboard)/**',
    from: 'web/dashboard',
    message: 'Only the dashboard itself imports parts of the dashboard.',
  },
  {
    target: 'web/!(app)/**',
    from: 'web/app',
    message: 'Only the app itself imports parts of the app.',
  },
  {
    target: 'migrations/*/!(functions).ts',
    from: 'src',
    message: 'A released migration never changes, so it imports nothing that does.',
  },
];

const processModule = {
  regex: '^(node:)?process$',
  message: 'Use the global process, whose env is watched by no-restricted-properties.',
};
const socketServer = {
  regex: '^socket\\.io(/|$)',
  allowTypeImports: true,
  message: 'Only src/platform/realtime holds the Socket.IO server.',
};
const storage = {
  regex: '^(typeorm|@nestjs/typeorm)(/|$)|\\.(entity|queries)\\.js$',
  allowTypeImports: true,
  message: 'A controller or gateway asks a service; only services see the database.',
};
const sharedThreads = {
  regex: '^(bcrypt|sharp)$',
  message:
    'It takes threads that everything shares: use src/auth/passwords.ts and src/subscribers/logos.ts, which queue.',
};
const restrictedImports = (...patterns) => ({ '@typescript-eslint/no-restricted-imports': ['error', { patterns }] });

/** Core rules for what neither TypeScript nor typescript-eslint finds. */
const coreRules = {
  eqeqeq: 'error',
  'no-async-promise-executor': 'error',
  'no-case-declarations': 'error',
  'no-cond-assign': 'error',
  'no-constant-condition': ['error', { checkLoops: 'allExceptWhileTrue' }],
  'no-debugger': 'error',
  'no-empty': 'error',
  'no-empty-pattern': 'error',
  'no-fallthrough': 'error',
  'no-irregular-whitespace': 'error',
  'no-loss-of-precision': 'error',
  'no-misleading-character-class': 'error',
  'no-prototype-builtins': 'error',
  'no-self-assign': 'error',
  'no-self-compare': 'error',
  'no-sparse-arrays': 'error',
  'no-template-curly-in-string': 'error',
  'no-unreachable': 'error',
  'no-unreachable-loop': 'error',
  'no-unsafe-finally': 'error',
  'no-unsafe-optional-chaining': 'error',
  'no-useless-backreference': 'error',
  'no-useless-catch': 'error',
  'no-useless-escape': 'error',
  'no-var': 'error',
  'object-shorthand': 'error',
  'prefer-const': ['error', { destructuring: 'all' }],
  '@typescript-eslint/no-unused-vars': [
    'error',
    { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_', ignoreRestSiblings: true },
  ],
};

/** One module decides when two addresses are one mailbox; folding an address in another way makes two of one. */
const comparedAddresses = [
  {
    selector: 'CallExpression[callee.property.name=/^toLower/][callee.object.name=/^(e?mail|address)$/i]',
    message: 'Compare addresses by canonicalAddress or sameMailbox.',
  },
  {
    selector: 'CallExpression[callee.property.name=/^toLower/][callee.object.property.name=/^(e?mail|address)$/i]',
    message: 'Compare addresses by canonicalAddress or sameMailbox.',
  },
  {
    selector:
      'CallExpression[callee.property.name="lookupHash"][arguments.0.value=/^(email|(invited|stopped) address)$/]',
    message: 'AddressHashes makes the hashes of addresses.',
  },
];

const headless = /^(What|How|Whether|Who|Whose|Whom|Whoever|Whatever|Of|Those|Which|Where|When)\b/;
const headlessMessage = 'Begin with a noun or a verb instead of "{{word}}": say who does what, or what the thing is.';

/** Finds doc comments and texts of the API description that begin with a question word, and so hide their subject. */
const plainWords = {
  meta: { type: 'suggestion', schema: [], messages: { headless: headlessMessage } },
  create(context) {
    const check = (place, text) => {
      const word = headless.exec(text)?.[0];
      if (word) context.report({ ...place, messageId: 'headless', data: { word } });
    };
    return {
      Program() {
        for (const { type, value, loc } of context.sourceCode.getAllComments()) {
          if (type === 'Block' && value.startsWith('*')) check({ loc }, value.replace(/^[*\s]+/, ''));
        }
      },
      'Property[key.name=/^(description|summary)$/]'({ value: node }) {
        if (node.type === 'Literal') check({ node }, String(node.value));
        if (node.type === 'TemplateLiteral') check({ node }, node.quasis[0].value.raw);
      },
    };
  },
};

export default defineConfig([
  includeIgnoreFile(`${root}/.gitignore`),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },

  {
    name: 'plain words',
    files: ['**/*.{ts,js,mjs}'],
    plugins: { house: { rules: { 'plain-words': plainWords } } },
    rules: { 'house/plain-words': 'error' },
  },

  {
    name: 'scripts',
    files: ['**/*.{js,mjs}'],
    extends: [tseslint.configs.recommended],
    languageOptions: {
      globals: Object.fromEntries(Object.getOwnPropertyNames(globalThis).map((name) => [name, 'readonly'])),
    },
    rules: { ...coreRules, 'no-undef': 'error' },
  },

  {
    name: 'typescript',
    files: ['**/*.ts', '**/*.svelte'],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    settings: {
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createTypeScriptImportResolver({ project: `${root}/tsconfig.json` })],
    },
    rules: {
      ...coreRules,
      // It leaves files with decorators alone, where the metadata needs the classes as values.
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      // What fulfils an asynchronous interface need not wait for anything.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allow: [{ from: 'package', package: 'node:url', name: ['URL', 'URLSearchParams'] }] },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // A screen that is loaded later may lead to another one by the routes that name them all.
      'import-x/no-cycle': ['error', { allowUnsafeDynamicCyclicDependency: true }],
      'import-x/no-restricted-paths': ['error', { basePath: root, zones }],
    },
  },

  {
    name: 'service',
    files: ['src/**/*.ts'],
    rules: {
      ...restrictedImports(processModule, socketServer, sharedThreads),
      'no-restricted-syntax': ['error', ...comparedAddresses],
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only src/main.ts and src/commands hand it to loadConfig.' },
      ],
    },
  },
  {
    name: 'service/entries',
    files: ['src/main.ts', 'src/commands/*.ts'],
    rules: { 'no-console': 'off', 'no-restricted-properties': 'off' },
  },
  {
    name: 'service/embedded-postgres',
    // On Windows PostgreSQL does not start without a few variables of the system; no setting of ours is read.
    files: ['src/platform/embedded-postgres/system.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    name: 'service/realtime',
    files: ['src/platform/realtime/*.ts'],
    rules: restrictedImports(processModule, sharedThreads),
  },
  {
    name: 'service/shared threads',
    files: ['src/auth/passwords.ts', 'src/media/drawing.worker.ts', 'src/subscribers/logos.ts', 'src/**/*.spec.ts'],
    rules: restrictedImports(processModule, socketServer),
  },
  {
    name: 'service/contract',
    files: ['src/contract/**/*.ts'],
    rules: {
      ...restrictedImports(
        { regex: '^(?!\\.)', message: 'The contract imports only itself, so that clients can import it.' },
        { regex: '^\\.', allowTypeImports: true, message: 'The contract imports only types.' },
      ),
      'no-restricted-syntax': [
        'error',
        {
          selector: ':function, ClassBody, ImportExpression',
          message: 'The contract is types and constants; no code.',
        },
      ],
    },
  },
  {
    name: 'service/contract index and rules',
    // Functions that a client shares with the server; whether a browser can run them, test/contract.test.ts checks.
    files: ['src/contract/index.ts', 'src/contract/rules/*.ts'],
    rules: {
      ...restrictedImports({
        regex: '^(?!\\.)',
        message: 'The contract imports only itself, so that clients can import it.',
      }),
      'no-restricted-syntax': 'off',
    },
  },
  {
    name: 'service/controllers and gateways',
    files: ['src/**/*.{controller,gateway}.ts'],
    rules: {
      ...restrictedImports(processModule, socketServer, sharedThreads, storage),
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'ImportDeclaration[source.value=/\\.dto\\.js$/]:matches([importKind="type"], :has([importKind="type"]))',
          message: 'Import DTO classes as values here: as a mere type, a parameter is silently not validated.',
        },
      ],
    },
  },
  {
    name: 'service/health',
    // It asks the database for a sign of life, and for no data.
    files: ['src/health/health.controller.ts'],
    rules: restrictedImports(processModule, socketServer),
  },

  {
    name: 'client',
    // It is compiled without the types of Node and of browsers.
    files: ['client/*.ts'],
    ignores: ['client/*.spec.ts'],
    rules: restrictedImports({ regex: '^(?!\\.)', message: 'The engine of clients needs no package.' }),
  },

  ...svelte.configs.recommended,
  {
    name: 'web/svelte',
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: {
        projectService: true,
        extraFileExtensions: ['.svelte'],
        parser: tseslint.parser,
        svelteConfig,
      },
    },
    rules: {
      'svelte/no-at-html-tags': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'SvelteAttribute[key.name="style"]',
          message: 'The policy of the pages refuses it: use a class, or style:name={value}.',
        },
      ],
      // Links of the apps are real addresses, which their router watches.
      'svelte/no-navigation-without-resolve': 'off',
      // State that changes is declared as such; sets that are no state stay plain.
      'svelte/prefer-svelte-reactivity': 'off',
      // Props are told apart from constants by the compiler.
      'prefer-const': 'off',
    },
  },

  {
    name: 'tests/quick',
    files: ['test/*.{test,long}.ts', 'src/**/*.spec.ts'],
    rules: restrictedImports({
      regex: '/(support/(installation|home)|crash/(ordeal|misfortunes|oblivion)|fuzz/siege)\\.js$',
      message: 'Tests that start the service as a process are in test/process; npm run test:quick leaves them out.',
    }),
  },
  {
    name: 'tests',
    files: ['test/**/*.ts', 'bench/**/*.ts', 'src/**/*.spec.ts'],
    rules: {
      // Answers come as JSON, and what they hold is what a test asserts.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
]);
