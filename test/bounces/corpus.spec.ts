/**
 * Real bounces, complaints and ordinary mail, judged by the scorer that lies with them beside the project: how many
 * bounces are known, whose they are, and that no live address is called dead.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openClassifier } from '../../src/bounces/classify/open-classifier.js';
import { readReturnedMail } from '../../src/bounces/returned-mail/read-returned-mail.js';
import type { ReturnedMail } from '../../src/bounces/returned-mail/returned-mail.js';
import { mailLine } from '../../src/cli/explain-mail.js';
import { cpuMsOf } from '../cpu-time.js';

const CORPUS = join(import.meta.dirname, '../../../shared/corpus/bounces');
const SCORER = join(CORPUS, 'score.py');

/** Some were changed in more than their line endings. */
function isTwin(...files: readonly string[]): boolean {
  const paths = files.map((file) => join(CORPUS, 'corpora', file));
  if (!paths.every((path) => existsSync(path))) return false;
  const [one, other] = paths.map((path) => readFileSync(path, 'latin1').replace(/\r\n|\r/g, '\n'));
  return one === other;
}

const describeCorpus = existsSync(SCORER) ? describe : describe.skip;

/** What the scorer says of a corpus; percentages are null where there is nothing to count. */
interface Score {
  readonly bounces: number;
  readonly recall: number | null;
  readonly negatives: number;
  readonly false_bounces: number;
  readonly delayed: number;
  readonly delayed_not_hard: number;
  readonly rcpt_files: number;
  readonly rcpt_exact: number | null;
  readonly hard_n: number;
  readonly hard_agree: number | null;
  readonly false_hard: number;
  readonly cat_n: number;
  readonly cat_strict: number | null;
  readonly cat_lenient: number | null;
  readonly complaints: number;
  readonly complaint_kind: number;
}

type Scores = Readonly<Record<string, Score>>;
const ALL = 'ALL(no mac/dos)';
/** The same mails as in `sisimai`, their lines ending in CRLF and in CR. */
const TWINS = ['sisimai_dos', 'sisimai_mac'];
const EACH_WITHIN_MS = 100;

describeCorpus(`the corpus of bounces${existsSync(SCORER) ? '' : ' (missing: ../shared/corpus/bounces)'}`, () => {
  const read = new Map<string, ReturnedMail>();
  let slowestMs = 0;
  let folder = '';
  let scores: Scores = {};

  beforeAll(async () => {
    const classifier = openClassifier();
    const root = join(CORPUS, 'corpora');
    for (const file of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const path = join(file.parentPath, file.name);
      const raw = await readFile(path);
      const tookMs = cpuMsOf(() => read.set(path.slice(root.length + 1), readReturnedMail(raw, classifier)));
      // The first ones pay for what the engine compiles.
      if (read.size > 10) slowestMs = Math.max(slowestMs, tookMs);
    }
    folder = await mkdtemp(join(tmpdir(), 'posthorn-bounces-'));
    const predictions = join(folder, 'predictions.jsonl');
    const lines = [...read].map(([file, mail]) => JSON.stringify(mailLine(file, mail)));
    await writeFile(predictions, lines.join('\n'));
    const json = join(folder, 'scores.json');
    await promisify(execFile)('python3', [SCORER, '--half', 'shared', '--pred', predictions, '--json', json]);
    scores = JSON.parse(await readFile(json, 'utf8')) as Scores;
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const scoreOf = (name: string): Score => {
    const score = scores[name];
    if (!score) throw new Error(`the scorer says nothing of ${name}`);
    return score;
  };

  /** A percentage over all corpora but one, weighed by what was counted in each. */
  function others(but: string, value: (score: Score) => number | null, count: (score: Score) => number): number {
    const rest = Object.entries(scores).filter(([name]) => name !== but && name !== ALL && !TWINS.includes(name));
    const total = rest.reduce((sum, [, score]) => sum + count(score), 0);
    return rest.reduce((sum, [, score]) => sum + (value(score) ?? 0) * count(score), 0) / total;
  }

  it('knows the bounces', () => {
    expect(scoreOf('sisimai').recall).toBeGreaterThanOrEqual(98);
    expect(
      others(
        'sisimai',
        ({ recall }) => recall,
        ({ bounces }) => bounces,
      ),
    ).toBeGreaterThanOrEqual(95);
  });

  it('takes at most one of a hundred other mails for a bounce', () => {
    const { false_bounces, negatives } = scoreOf(ALL);
    expect(negatives).toBeGreaterThan(100);
    expect(false_bounces / negatives).toBeLessThanOrEqual(0.01);
  });

  it('never calls an address dead whose mail is only late', () => {
    const { delayed, delayed_not_hard } = scoreOf(ALL);
    expect(delayed).toBeGreaterThan(0);
    expect(delayed_not_hard).toBe(delayed);
  });

  it('finds exactly the recipients that failed', () => {
    expect(scoreOf('sisimai').rcpt_exact).toBeGreaterThanOrEqual(97);
    expect(
      others(
        'sisimai',
        (score) => score.rcpt_exact,
        (score) => score.rcpt_files,
      ),
    ).toBeGreaterThanOrEqual(92);
  });

  it('knows the dead addresses, and calls no live one dead', () => {
    expect(scoreOf(ALL).hard_agree).toBeGreaterThanOrEqual(95);
    expect(scoreOf(ALL).false_hard).toBe(0);
  });

  it('finds the class', () => {
    expect(scoreOf(ALL).cat_lenient).toBeGreaterThanOrEqual(93);
    expect(scoreOf(ALL).cat_strict).toBeGreaterThanOrEqual(78);
  });

  it('knows every complaint', () => {
    const { complaints, complaint_kind } = scoreOf(ALL);
    expect(complaints).toBeGreaterThan(0);
    expect(complaint_kind).toBe(complaints);
  });

  it.each(TWINS)('reads the mails of %s as their twins', (twin) => {
    const files = [...read.keys()].filter((file) => file.startsWith(`${twin}/`));
    const both = files.filter((file) => isTwin(file, file.replace(twin, 'sisimai')));
    expect(both.length).toBeGreaterThan(0);
    for (const file of both) expect([file, read.get(file)]).toEqual([file, read.get(file.replace(twin, 'sisimai'))]);
  });

  it(`reads each within ${EACH_WITHIN_MS} ms`, () => {
    expect(slowestMs).toBeLessThan(EACH_WITHIN_MS);
  });
});
