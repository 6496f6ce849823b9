/** `./posthorn demo`: shows on this machine alone what becomes of mail. */
import { EXIT_DONE, EXIT_FAILED, readCommandLine } from './command-line.js';
import type { Command } from './command.js';

const HELP = `usage: ./posthorn demo

Starts a relay and a small internet on loopback: a DNS, and mail servers that accept, greylist and refuse. Sends real
mail through the relay by SMTP and HTTP, shows each message's way until it is delivered or bounced, and verifies the
DKIM signature of what was delivered. Takes some seconds; no mail leaves the machine, your own relay and its settings
are left alone, and all of it is stopped and removed at the end, after Ctrl-C too.

Colours: on a terminal, unless NO_COLOR is set.
Exit codes: 0 everything went as it should, 1 it did not, 2 bad usage, 130 interrupted.
`;

const EXIT_INTERRUPTED = 130;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export const demoCommand: Command = {
  name: 'demo',
  summary: 'see mail on its way, on this machine alone',
  help: HELP,
  async run(argv) {
    const line = readCommandLine(demoCommand, argv, {});
    return line.kind === 'over' ? line.exitCode : demo();
  },
};

async function demo(): Promise<number> {
  const { Cleanup } = await import('./bench/cleanup.js');
  const { Narration } = await import('./demo/narration.js');
  const { runDemo } = await import('./demo/run-demo.js');
  const { MESSAGES } = await import('./demo/scenario.js');
  const { stdout, stderr } = process;
  const cleanup = new Cleanup();
  const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<'interrupted'>();
  let isInterrupted = false;
  const onInterruption = (): void => {
    if (isInterrupted) return;
    isInterrupted = true;
    complain(new Error('stopping what runs'));
    interrupt('interrupted');
  };
  // Kept to the end: cleaning up is bounded, and a second Ctrl-C would only leave things behind.
  for (const signal of SIGNALS) process.on(signal, onInterruption);
  // Whoever read it, such as `head`, has gone.
  for (const output of [stdout, stderr]) output.on('error', onInterruption);
  const write = (text: string): void => void (isInterrupted || stdout.write(text));
  const narration = new Narration(write, stdout.isTTY && stdout.hasColors(), performance.timeOrigin);
  try {
    const verdict = await Promise.race([runDemo(narration, cleanup), interrupted]);
    await cleanup.run(complain);
    if (verdict === 'interrupted') return EXIT_INTERRUPTED;
    narration.closing(MESSAGES.length, verdict, Date.now());
    for (const difference of verdict.differences) complain(new Error(difference));
    return verdict.differences.length === 0 ? EXIT_DONE : EXIT_FAILED;
  } catch (error) {
    complain(error);
    return EXIT_FAILED;
  } finally {
    await cleanup.run(complain);
    for (const signal of SIGNALS) process.off(signal, onInterruption);
  }
}

function complain(error: unknown): void {
  process.stderr.write(`posthorn demo: ${(error as Error).message}\n`);
}
