// Type-aware lint. IMPORT_TABLE is the house's picture as a rule: which folder of src/ may import
// which. To move a thing, change the table in the same commit and say why in docs/architecture.md.
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const GROUND = ['config', 'lib'];
export const IMPORT_TABLE = {
  supervisor: ['authenticators', 'http', ...GROUND],
  lib: [],
  i18n: ['lib'],
  config: ['lib'],
  crypto: [...GROUND],
  store: ['crypto', ...GROUND],
  jobs: ['store', 'crypto', ...GROUND],
  metrics: [...GROUND],
  tracing: [...GROUND],
  http: ['i18n', 'store', 'crypto', 'jobs', ...GROUND],
  audit: ['store', 'crypto', 'jobs', ...GROUND],
  accounts: ['audit', 'store', 'crypto', 'jobs', ...GROUND],
  clients: ['audit', 'store', 'crypto', 'jobs', ...GROUND],
  authenticators: ['accounts', 'audit', 'http', 'store', 'crypto', 'jobs', ...GROUND],
  import: ['authenticators', 'accounts', 'audit', 'store', 'crypto', 'jobs', ...GROUND],
  'sign-in': [
    ...['authenticators', 'accounts', 'clients', 'audit', 'http'],
    ...['i18n', 'store', 'crypto', 'jobs', ...GROUND],
  ],
  oidc: [
    ...['sign-in', 'authenticators', 'accounts', 'clients', 'audit', 'http'],
    ...['i18n', 'store', 'crypto', 'jobs', ...GROUND],
  ],
  routes: [
    ...['oidc', 'sign-in', 'authenticators', 'accounts', 'clients', 'audit', 'http'],
    ...['i18n', 'store', 'crypto', 'jobs', ...GROUND],
  ],
};

const importRules = Object.entries(IMPORT_TABLE).map(([folder, allowed]) => ({
  files: [`src/${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^#(?!(?:${[folder, ...allowed].join('|')})/)`,
            message: `src/${folder}/ may import only: ${[...allowed].sort().join(', ') || 'nothing of src/'} (IMPORT_TABLE in eslint.config.js).`,
          },
          {
            regex: '^\\.\\./',
            message: 'Write #folder/file.ts across folders and ./file.ts inside one, never ../.',
          },
        ],
      },
    ],
  },
}));

/** Names that one file each may use. */
const OWNED = [
  {
    file: 'src/lib/clock.ts',
    selector: "MemberExpression[object.name='Date'][property.name='now']",
    use: 'a Clock (lib/clock.ts)',
  },
  {
    file: 'src/config/environment.ts',
    selector: "MemberExpression[object.name='process'][property.name='env']",
    use: 'the Settings (config/environment.ts reads the environment)',
  },
  {
    file: 'src/lib/random.ts',
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    use: 'lib/random.ts',
  },
];
const restrict = (entries) => [
  'error',
  ...entries.map(({ selector, use }) => ({ selector, message: `Use ${use} instead.` })),
];

export default tseslint.config(
  { ignores: ['node_modules', 'data', 'keys', 'coverage', '.tmp', 'views/assets/vendor'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'max-lines': ['error', { max: 300, skipBlankLines: false }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-params': 'off',
      '@typescript-eslint/max-params': ['error', { max: 4 }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
    },
  },
  ...importRules,
  { files: ['src/**/*.ts'], rules: { 'no-restricted-syntax': restrict(OWNED) } },
  ...OWNED.map(({ file }) => ({
    files: [file],
    rules: { 'no-restricted-syntax': restrict(OWNED.filter((entry) => entry.file !== file)) },
  })),
  {
    files: ['examples/**/*.ts', 'test/integration/interop/*.ts'],
    rules: {
      // Marked deprecated by its author only to stand out; http://localhost needs it.
      '@typescript-eslint/no-deprecated': [
        'error',
        { allow: [{ from: 'package', name: 'allowInsecureRequests', package: 'openid-client' }] },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // describe() bodies are lists of cases, and chai's assertions are property reads.
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        URLSearchParams: 'readonly',
        AbortSignal: 'readonly',
        document: 'readonly',
        window: 'readonly',
        customElements: 'readonly',
        HTMLElement: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        navigator: 'readonly',
        FormData: 'readonly',
        fetch: 'readonly',
      },
    },
  },
);
