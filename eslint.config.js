/**
 * What the compiler cannot say about the code: no `any`, no promise left floating, every switch exhaustive, settings
 * read in config/ alone, small files. The order of the folders is checked by dependency-cruiser, the form by Prettier.
 */
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const readInConfig = 'Settings are read once, in src/config, and handed in.';
const noFocus = ['describe', 'it', 'test'].map((object) => ({
  object,
  property: 'only',
  message: 'It would silence every other test.',
}));

export default defineConfig(
  globalIgnores(['.cache/', 'coverage/', 'data/', 'dist/', 'dist.new/', 'dist.old/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-definitions': 'off', // A union member reads best as a type.
      // Does nothing in files with decorators, where Nest needs the class itself: the compiler marks those (TS1272).
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-deprecated': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off', // `async` turns a throw into a rejection, which a contract may ask for.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: ['error', 'always'],
      'no-control-regex': 'off', // Mail is made of control characters.
      'no-restricted-properties': ['error', ...noFocus],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'max-lines': ['error', { max: 300 }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportAllDeclaration', message: 'No barrel files: import from where it is declared.' },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/**', '**/*.spec.ts'],
    rules: {
      'no-restricted-properties': ['error', ...noFocus, { object: 'process', property: 'env', message: readInConfig }],
      'no-restricted-imports': [
        'error',
        {
          paths: ['node:process', 'process'].map((name) => ({ name, importNames: ['env'], message: readInConfig })),
        },
      ],
    },
  },
  {
    // Dependency-cruiser lets mail/ see node:net; of it, only what does no I/O.
    files: ['src/mail/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [{ name: 'node:net', allowImportNames: ['isIP', 'isIPv4', 'isIPv6'], message: 'mail/ does no I/O.' }],
        },
      ],
    },
  },
  {
    files: ['**/*.{js,cjs}'],
    languageOptions: { globals: { URL: 'readonly', module: 'writable', process: 'readonly' } },
  },
);
