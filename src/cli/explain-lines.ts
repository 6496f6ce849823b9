/** `./posthorn explain --jsonl`: a refusal a line in, a finding a line out, as they come. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { once } from 'node:events';
import type { Classifier, RefusalFacts } from '../bounces/classifier.js';
import { EXIT_DONE, EXIT_FAILED } from './command-line.js';
import { findingJson, isStage } from './explain.js';

/** The commands of SMTP as others name the stages. */
const STAGE_OF_COMMAND: Readonly<Record<string, RefusalFacts['stage']>> = {
  conn: 'connect',
  helo: 'ehlo',
  'mail from': 'mail',
  'rcpt to': 'rcpt',
  'final dot': 'content',
};

/** @returns the exit code: 1 where a line was none that can be read; the others are answered nevertheless */
export async function explainLines(classifier: Classifier, input: Readable): Promise<number> {
  let number = 0;
  let exitCode = EXIT_DONE;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number++;
    if (line.trim() === '') continue;
    const read = readLine(line);
    if (read.kind === 'fault') {
      process.stderr.write(`posthorn explain: line ${number}: ${read.why}\n`);
      exitCode = EXIT_FAILED;
      continue;
    }
    const answer = { id: read.id, ...findingJson(classifier.classify(read.facts)) };
    if (!process.stdout.write(`${JSON.stringify(answer)}\n`)) await once(process.stdout, 'drain');
  }
  return exitCode;
}

type LineReading =
  | { readonly kind: 'read'; readonly id: unknown; readonly facts: RefusalFacts }
  | { readonly kind: 'fault'; readonly why: string };

function readLine(line: string): LineReading {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch {
    return { kind: 'fault', why: 'is not JSON' };
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return { kind: 'fault', why: 'is no object with "id" and "reply"' };
  }
  const fields = data as Readonly<Record<string, unknown>>;
  const text = fields.reply ?? fields.text;
  if (typeof text !== 'string') return { kind: 'fault', why: '"reply" is no text' };
  const mx = textOf(fields.mx) ?? textOf(fields.rhost);
  const stage = stageOf(textOf(fields.stage) ?? textOf(fields.command));
  return { kind: 'read', id: fields.id ?? null, facts: { text, mx, stage } };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function stageOf(name: string | undefined): RefusalFacts['stage'] {
  const lower = name?.toLowerCase() ?? '';
  return isStage(lower) ? lower : STAGE_OF_COMMAND[lower];
}
