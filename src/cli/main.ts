/** The program: finds the command that was asked for and runs it. */
import 'reflect-metadata';
import type { Command } from './command.js';

/** Loaded only when asked for, so that each starts fast. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./up.js')).upCommand,
  send: async () => (await import('./send.js')).sendCommand,
  account: async () => (await import('./account.js')).accountCommand,
  credential: async () => (await import('./credential.js')).credentialCommand,
  domain: async () => (await import('./domain.js')).domainCommand,
  suppression: async () => (await import('./suppression.js')).suppressionCommand,
  message: async () => (await import('./message.js')).messageCommand,
  explain: async () => (await import('./explain.js')).explainCommand,
  demo: async () => (await import('./demo.js')).demoCommand,
  bench: async () => (await import('./bench.js')).benchCommand,
};

async function usage(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const rows = commands.map(({ name, summary }) => `  ${name.padEnd(11)} ${summary}`);
  return [
    'usage: ./posthorn COMMAND [options]',
    '',
    ...rows,
    `  ${'test'.padEnd(11)} run every check and test suite`,
    '',
    './posthorn COMMAND --help documents each.',
    '',
  ].join('\n');
}

async function main([name, ...argv]: readonly string[]): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(await usage());
    return name === undefined ? 2 : 0;
  }
  const load = COMMANDS[name];
  if (!load) {
    process.stderr.write(`posthorn: there is no command "${name}"\n${await usage()}`);
    return 2;
  }
  const command = await load();
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(command.help);
    return 0;
  }
  return command.run(argv);
}

/** Those that start other programs, and end them themselves. */
const HAVE_CHILDREN = ['up', 'demo', 'bench'];

/** `... | head -1`: whoever read the answer has had enough of it, which is no fault. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}

if (!HAVE_CHILDREN.includes(process.argv[2] ?? '')) endWithReader();
process.exitCode = await main(process.argv.slice(2));
