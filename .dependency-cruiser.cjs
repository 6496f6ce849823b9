/**
 * The order of the folders under src/: each imports only from itself and from folders to its left.
 * And the edges: bullmq, nodemailer and smtp-server each behind its adapter, mail/ on nothing that does I/O.
 */
const order = [
  'mail',
  'config',
  'telemetry',
  'store',
  'network',
  'events',
  'accounts',
  'listeners',
  'queue',
  'bounces',
  'submission',
  'delivery',
  'webhooks',
  'mailbox',
  'http-api',
  'cli',
];

const spec = '\\.spec\\.ts$';

const leftToRight = order.slice(0, -1).map((folder, index) => ({
  name: `order-${folder}`,
  comment: `${folder}/ imports only from itself and from ${order.slice(0, index).join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: `^src/(${order.slice(index + 1).join('|')})/` },
}));

/** A package that only its adapter may import, so that it can be replaced in one place. Specs may drive it directly. */
const adapterOnly = (library, adapters) => ({
  name: `adapter-${library}`,
  comment: `${library} is imported by its adapter alone: ${adapters}`,
  severity: 'error',
  from: { path: '^src/', pathNot: [spec, adapters] },
  to: { path: `^node_modules/(@types/)?${library}/` },
});

module.exports = {
  forbidden: [
    ...leftToRight,
    {
      name: 'known-folder',
      comment: `src/ holds these folders and nothing else: ${order.join(', ')}`,
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: `^src/(${order.join('|')})/` },
    },
    {
      name: 'never-submission',
      comment: 'What leaves and what comes back does not know how mail came in.',
      severity: 'error',
      from: { path: '^src/(bounces|delivery|mailbox)/' },
      to: { path: '^src/submission/' },
    },
    {
      name: 'mail-is-pure',
      comment:
        'mail/ is the pure kernel: no I/O and no packages, of Node only bytes, hashes and the forms of names and addresses.',
      severity: 'error',
      from: { path: '^src/mail/', pathNot: spec },
      to: { pathNot: '^(src/mail/|(node:)?(buffer|crypto|net|url)$)' },
    },
    adapterOnly('bullmq', '^src/queue/bullmq-[^/]+\\.ts$'),
    adapterOnly('nodemailer', '^src/(delivery|http-api|submission)/nodemailer-[^/]+\\.ts$'),
    adapterOnly('smtp-server', '^src/listeners/(smtp-server-door|door-[a-z]+)\\.ts$'),
    {
      name: 'no-circle',
      comment: 'Two files that need each other are one file, or miss a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-tests-in-the-service',
      comment: 'The service does not import its tests, its bench, or what is installed for developing only.',
      severity: 'error',
      from: { path: '^src/', pathNot: spec },
      to: { path: ['^(test|bench)/', spec] },
    },
    {
      name: 'no-development-packages',
      comment: 'A package that the service imports is among the dependencies of package.json.',
      severity: 'error',
      from: { path: '^src/', pathNot: spec },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'resolvable',
      comment: 'The import names nothing that exists.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    // Imports of types count: the order is about what a reader must know.
    tsPreCompilationDeps: true,
    detectJSDocImports: false,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};
