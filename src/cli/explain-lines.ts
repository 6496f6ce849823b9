/**
 * `./posthorn explain --jsonl`: a refusal a line in, a finding a line out, as they come. What cannot be read has a line with
 * its `error`, so that what comes out stands beside what went in.
 */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { once } from 'node:events';
import type { Classifier, RefusalFacts } from '../bounces/classify/classifier.js';
import { EXIT_DONE, EXIT_FAILED } from './command-line.js';
import { DIALOGUE_STAGES } from '../mail/classification.js';
import { findingJson, isStage } from './finding-json.js';

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
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    number++;
    const line = number === 1 ? text.replace(/^\uFEFF/, '') : text;
    if (line.trim() === '') continue;
    const read = readLine(line);
    if (read.kind === 'fault') {
      process.stderr.write(`posthorn explain: line ${number}: ${read.why}\n`);
      exitCode = EXIT_FAILED;
    }
    const answer =
      read.kind === 'fault'
        ? { id: read.id, line: number, error: read.why }
        : { id: read.id, ...findingJson(classifier.classify(read.facts)) };
    if (!process.stdout.write(`${JSON.stringify(answer)}\n`)) await once(process.stdout, 'drain');
  }
  return exitCode;
}

type LineReading =
  | { readonly kind: 'read'; readonly id: unknown; readonly facts: RefusalFacts }
  | { readonly kind: 'fault'; readonly id: unknown; readonly why: string };

function readLine(line: string): LineReading {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch {
    return { kind: 'fault', id: null, why: 'is not JSON' };
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return { kind: 'fault', id: null, why: 'is no object with "id" and "reply"' };
  }
  const fields = data as Readonly<Record<string, unknown>>;
  const id = fields.id ?? null;
  const text = fields.reply ?? fields.text;
  if (typeof text !== 'string') return { kind: 'fault', id, why: '"reply" is no text' };
  const named = fields.stage ?? '';
  const stage = stageOf(named);
  if (named !== '' && stage === undefined) {
    return { kind: 'fault', id, why: `"stage" is none of ${DIALOGUE_STAGES.join(', ')}` };
  }
  const mx = textOf(fields.mx) ?? textOf(fields.rhost);
  // Others have commands of their own, which say nothing here.
  return { kind: 'read', id, facts: { text, mx, stage: stage ?? stageOf(fields.command) } };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function stageOf(name: unknown): RefusalFacts['stage'] {
  const lower = typeof name === 'string' ? name.toLowerCase() : '';
  return isStage(lower) ? lower : STAGE_OF_COMMAND[lower];
}
