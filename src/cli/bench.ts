/** `./posthorn bench`: how fast, beside Postfix on the same machine. */
import { parseArgs } from 'node:util';
import { SYSTEM_NAMES, type SystemName } from './bench/mail-system.js';
import type { BenchOptions } from './bench/run-bench.js';
import type { Command } from './command.js';

const MESSAGES = { min: 100, max: 1_000_000 };
const ROUNDS = { min: 1, max: 100 };

const HELP = `usage: ./posthorn bench [--messages N] [--rounds N] [--systems LIST] [--json] [--assert]

Measures Posthorn, Postfix, and Postfix with OpenDKIM beside each other: messages a second from the client to the sink,
the time until the 250 at half of that, and memory. 4 KiB messages, 20 sessions, each message on the disk before its 250,
signed with RSA-2048 (but for Postfix alone). The rivals are set up where Debian's packages postfix and opendkim are
installed and you are root; your own Postfix is left alone. All of it runs on loopback, takes about two minutes, and
is gone afterwards.

  --messages N     messages for each system, ${MESSAGES.min} to ${MESSAGES.max}; without it as many as it carries in about 12 s
  --rounds N       repeat all of it so many times, one system after the other, and report medians; default 1
  --systems LIST   some of ${SYSTEM_NAMES.join(',')}; default all
  --json           print the figures as JSON
  --assert         exit 1 where a goal is missed
`;

type Parsed =
  { readonly kind: 'options'; readonly options: BenchOptions } | { readonly kind: 'fault'; readonly why: string };

export async function bench(argv: readonly string[]): Promise<number> {
  const parsed = parse(argv);
  if (parsed.kind === 'fault') {
    process.stderr.write(`posthorn bench: ${parsed.why}\n${HELP}`);
    return 2;
  }
  const { runBench } = await import('./bench/run-bench.js');
  return runBench(parsed.options);
}

export const benchCommand: Command = {
  name: 'bench',
  summary: 'measure the speed, beside Postfix and OpenDKIM',
  help: HELP,
  run: bench,
};

function parse(argv: readonly string[]): Parsed {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        messages: { type: 'string' },
        rounds: { type: 'string', default: '1' },
        systems: { type: 'string', default: SYSTEM_NAMES.join(',') },
        json: { type: 'boolean', default: false },
        assert: { type: 'boolean', default: false },
      },
    });
    return {
      kind: 'options',
      options: {
        messages: values.messages === undefined ? undefined : wholeNumber('--messages', values.messages, MESSAGES),
        rounds: wholeNumber('--rounds', values.rounds, ROUNDS),
        systems: systemNames(values.systems),
        json: values.json,
        assert: values.assert,
        print: (text) => void process.stdout.write(text),
        say: (text) => void process.stderr.write(`posthorn bench: ${text}\n`),
      },
    };
  } catch (error) {
    return { kind: 'fault', why: (error as Error).message };
  }
}

function wholeNumber(option: string, text: string, { min, max }: { min: number; max: number }): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Error(`${option} is "${text}", it must be a whole number from ${min} to ${max}`);
}

function systemNames(text: string): SystemName[] {
  const asked = text.split(',').map((name) => name.trim());
  const unknown = asked.find((name) => !SYSTEM_NAMES.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`--systems has "${unknown}", it may have ${SYSTEM_NAMES.join(', ')}`);
  return SYSTEM_NAMES.filter((name) => asked.includes(name));
}
