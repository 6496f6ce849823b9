import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Category } from '../../src/mail/classification.js';
import { openClassifier } from '../../src/bounces/classify/open-classifier.js';
import { isHard } from '../../src/bounces/returned-mail/returned-mail.js';

/** Replies that others gathered, with what they mean; beside the project, and not always there. */
const CORPUS = join(import.meta.dirname, '../../../shared/corpus/bounces/replies.jsonl');
const ACCEPTABLE_MIN = 0.96;
const EXACT_MIN = 0.85;

interface KnownReply {
  readonly id: string;
  readonly reply: string;
  readonly rhost?: string;
  readonly category: Category | null;
  readonly category_any: readonly Category[] | null;
  readonly hard: boolean | null;
}

/** Its label comes from other words of the same mail: of this reply alone nobody can say that the mailbox is full. */
function isContradicted({ reply, category }: KnownReply): boolean {
  return category === 'mailbox_full' && /^550 5\.1\.1 <[^>]+>\.\.\. User Unknown$/.test(reply);
}

const isThere = existsSync(CORPUS);
if (!isThere) process.stderr.write(`the corpus of replies is not at ${CORPUS}: its test is skipped\n`);

describe('the corpus of replies', () => {
  const replies = isThere
    ? readFileSync(CORPUS, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as KnownReply)
    : [];
  const classifier = openClassifier();

  (isThere ? it.each : it.skip.each)([
    ['by the words alone', false],
    ['with the host', true],
  ])('is classified %s', (_, withHost) => {
    const judged = replies.map((known) => ({
      known,
      found: classifier.classify({ text: known.reply, mx: withHost ? known.rhost : undefined }),
    }));
    const classed = judged.filter(({ known }) => known.category !== null);
    const acceptable = classed.filter(({ known, found }) => known.category_any?.includes(found.category));
    const exact = classed.filter(({ known, found }) => known.category === found.category);
    const falseHard = judged.filter(
      ({ known, found }) => known.hard === false && isHard(found) === true && !isContradicted(known),
    );
    expect(classed.length).toBeGreaterThan(0);
    expect(falseHard.map(({ known }) => known.reply)).toEqual([]);
    expect(acceptable.length / classed.length).toBeGreaterThanOrEqual(ACCEPTABLE_MIN);
    expect(exact.length / classed.length).toBeGreaterThanOrEqual(EXACT_MIN);
  });
});
