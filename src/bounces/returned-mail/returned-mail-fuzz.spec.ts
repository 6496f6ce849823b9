/** Whatever comes back, it is read: nothing is thrown, and the time is in proportion to the size. */
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cpuMsOf } from '../../../test/cpu-time.js';
import { FUZZ_RUNS, FUZZ_WITHIN_MS } from '../../../test/fuzz-runs.js';
import { findingOf } from '../../mail/categories.js';
import { Classifier } from '../classify/classifier.js';
import { readReturnedMail } from './read-returned-mail.js';
import { RETURNED_KINDS } from './returned-mail.js';

class NoClassifier extends Classifier {
  classify(): ReturnType<typeof findingOf> {
    return findingOf('unclassified', 'test');
  }
}
const classifier = new NoClassifier();

const WITHIN_MS = 100;
const SEED_OCTETS_MAX = 64 * 1024;

const SEEDS: readonly Buffer[] = [
  [
    'Return-Path: <>',
    'From: MAILER-DAEMON@mx.example.com',
    'Subject: Undelivered Mail Returned to Sender',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    '',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '<anna@dest.example>: host mx.dest.example[192.0.2.1] said: 550=205.1.1 unknown',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.com',
    '',
    'Final-Recipient: rfc822; anna@dest.example',
    'Action: failed',
    'Status: 5.1.1',
    'Diagnostic-Code: smtp; 550 5.1.1 unknown',
    '',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'From: a@shop.example',
    'To: anna@dest.example',
    'Subject: =?utf-8?Q?=C3=BC?=',
    'Message-ID: <1@shop.example>',
    '',
    'Hello',
    '--b--',
  ],
  [
    'From: MAILER-DAEMON@mx.example.com',
    'Subject: failure notice',
    '',
    'Hi. This is the mail program. I could not deliver your message to the following addresses.',
    '',
    '<anna@dest.example>:',
    '192.0.2.1 failed after I sent the message.',
    'Remote host said: 554 5.7.1 no thanks',
    '',
    '--- Below this line is a copy of the message.',
    '',
    'Return-Path: <a@shop.example>',
    'Received: from x by y; Thu, 1 Jan 2026 00:00:00 +0000',
    'From: a@shop.example',
    'To: anna@dest.example',
    '',
    'Hello',
  ],
].map((lines) => Buffer.from(lines.join('\r\n')));

/** The mails that lie beside the project, where they do: more shapes than anybody thinks of. */
function corpus(): Buffer[] {
  const folder = join(import.meta.dirname, '../../../../shared/corpus/bounces/corpora');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
    .filter(({ length }) => length <= SEED_OCTETS_MAX);
}

const seed = fc.constantFrom(...SEEDS, ...corpus());
const scrap = fc.oneof(
  fc.constantFrom(
    '--b\r\n',
    '\r\n\r\n',
    '\n',
    '\r',
    '\0',
    '<',
    '>',
    '"',
    '@',
    ': ',
    '=',
    '=?',
    '--',
    ' '.repeat(200),
    '\x1b$B',
    '\xff',
  ),
  fc.constantFrom(
    'Content-Type: message/rfc822\n\n',
    'Content-Transfer-Encoding: base64\n',
    'Final-Recipient: ',
    'a@b.c, ',
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
);
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.nat(400),
  put: scrap,
  times: fc.oneof({ weight: 20, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(500) }),
});

function changed(mail: Buffer, changes: readonly { at: number; cut: number; put: string; times: number }[]): Buffer {
  return changes.reduce((now, { at, cut, put, times }) => {
    const offset = Math.floor(at * now.length);
    return Buffer.concat([
      now.subarray(0, offset),
      Buffer.from(put.repeat(times), 'latin1'),
      now.subarray(offset + cut),
    ]);
  }, mail);
}

function timed(mail: Buffer): number {
  return cpuMsOf(() => {
    const { kind, recipients } = readReturnedMail(mail, classifier);
    expect(RETURNED_KINDS).toContain(kind);
    expect(recipients.every(({ diagnostic }) => diagnostic.length <= 1_000)).toBe(true);
  });
}

describe('readReturnedMail', () => {
  it(
    `reads any mutated bounce within ${WITHIN_MS} ms`,
    () => {
      fc.assert(
        fc.property(seed, fc.array(change, { minLength: 1, maxLength: 12 }), (mail, changes) => {
          const mutated = changed(mail, changes);
          // The first time may pay for what the engine compiles.
          if (timed(mutated) > WITHIN_MS) expect(timed(mutated)).toBeLessThan(WITHIN_MS);
        }),
        { numRuns: FUZZ_RUNS },
      );
    },
    FUZZ_WITHIN_MS,
  );

  const HEADER = 'From: MAILER-DAEMON@example.com\r\nSubject: Undelivered mail\r\n';
  const MULTIPART = `${HEADER}Content-Type: multipart/mixed; boundary="b"\r\n\r\n`;
  const SIZE = 25 * 2 ** 20;

  it.each([
    ['boundaries alone', MULTIPART, '--b\r\n'],
    ['lines that look like boundaries', MULTIPART, '--x\r\n'],
    ['rules', `${HEADER}\r\n`, '--------\n'],
    ['one line', `${HEADER}\r\n`, 'a'],
    ['spaces', `${HEADER}\r\n`, ' '],
    ['one field', 'Subject: ', 'a'],
    ['encoded words', 'From: ', '=?utf-8?Q?a?= '],
    ['fields', '', 'X: y\n'],
    ['folded lines', 'Subject: x\n', ' \n'],
    ['empty lines', '', '\n'],
    ['carriage returns', '', '\r'],
    ['messages in messages', '', 'Content-Type: message/rfc822\n\n'],
    ['multiparts in multiparts', '', 'Content-Type: multipart/mixed; boundary=b\n\n--b\n'],
    ['opening tags', `${HEADER}Content-Type: text/html\r\n\r\n`, '<a <style '],
    ['spaces in HTML', `${HEADER}Content-Type: text/html\r\n\r\n`, ' '],
    [
      'spaces in parts of HTML',
      `${HEADER}Content-Type: multipart/mixed; boundary=b\r\n\r\n`,
      `--b\r\nContent-Type: text/html\r\n\r\n${' '.repeat(130_000)}x\r\n`,
    ],
    [
      'reports of many recipients',
      `${HEADER}Content-Type: multipart/report; boundary=b\r\n\r\n`,
      `--b\r\nContent-Type: message/delivery-status\r\n\r\n${Array.from({ length: 1_000 }, (_, i) => `Final-Recipient: rfc822; a${String(i)}@b.c\r\nAction: failed\r\n\r\n`).join('')}`,
    ],
    ['equals signs', `${HEADER}Content-Transfer-Encoding: quoted-printable\r\n\r\n`, '= '],
    [
      'recipients',
      `${HEADER}Content-Type: message/delivery-status\r\n\r\n`,
      'Final-Recipient: rfc822; a@b.c\nAction: failed\n\n',
    ],
    ['at signs', `${HEADER}\r\n`, 'a@'],
    ['brackets', `${HEADER}\r\n`, '<a@b.c'],
    ['quotes', `${HEADER}\r\n`, '"a'],
    ['headers below the words', `${HEADER}\r\n`, 'Received: x\nfoo\n'],
  ])(
    'reads 25 MiB of %s in linear time',
    (_, beginning, repeated) => {
      const of = (octets: number): Buffer =>
        Buffer.from(beginning + repeated.repeat(Math.ceil((octets - beginning.length) / repeated.length)), 'latin1');
      // A byte costs some nanoseconds; what is quadratic takes hours.
      expect(timed(of(SIZE))).toBeLessThan(10_000);
    },
    60_000,
  );
});
