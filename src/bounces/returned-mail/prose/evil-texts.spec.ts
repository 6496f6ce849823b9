/** Texts made to hold a reader up: each must be read in a bounded time. */
import { describe, expect, it } from '@jest/globals';
import { cpuMsOf } from '../../../../test/cpu-time.js';
import { looksLikeBounce } from './bounce-marks.js';
import { readReport } from './read-prose.js';

const LENGTH = 200_000;
// A hundred times what an ordinary report takes.
const TIME_MAX_MS = 500;

const repeated = (piece: string): string => piece.repeat(Math.ceil(LENGTH / piece.length)).slice(0, LENGTH);

const EVIL: readonly (readonly [name: string, text: string])[] = [
  ['letters alone', repeated('a')],
  ['spaces alone', repeated(' ')],
  ['line ends alone', repeated('\n')],
  ['at signs', repeated('@')],
  ['addresses without an end', repeated('a@b.')],
  ['short addresses', repeated('a@b.c ')],
  ['addresses on lines', repeated('<a@b.c>:\n')],
  ['a new address on every line', Array.from({ length: 20_000 }, (_, at) => `u${at}@b.c`).join('\n')],
  ['open brackets', repeated('<')],
  ['quotes before at signs', repeated('"@')],
  ['quotes far apart', repeated(`"${'a'.repeat(60)}"@b.c`)],
  ['dashes', repeated('-')],
  ['ruled lines', repeated('-----\n')],
  ['dashes and blanks', repeated('- ')],
  ['numbers', repeated('5')],
  ['reply codes', repeated('550 ')],
  ['status codes', repeated('5.1.1.')],
  ['dialogues', repeated('>>> RCPT TO:<a@b.c>\n<<< 550 no\n')],
  ['replies without an end', `DATA\n${repeated('550-no\n')}`],
  ['verdicts', repeated('550 <a@b.c>... ')],
  ['failures said again and again', repeated('could not be delivered ')],
  ['delivery and delivery', repeated('delivery to ')],
  ['deliver in one line', repeated('deliver')],
  ['mail mail mail', repeated('mail ')],
  ['recipients', repeated('recipient address ')],
  ['fields', repeated('Final-Recipient: rfc822; a@b.c\nAction: failed\n')],
  ['a field folded for ever', `Final-Recipient: a@b.c\nStatus: 5.0.0\n${repeated(' a\n')}`],
  ['links', repeated('http://')],
  ['click http', repeated('click here https: ')],
  ['JSON that does not end', `{"notificationType":"Bounce",${repeated('{"a":[')}`],
  ['hosts', repeated('host a.b.')],
  ['hosts and brackets', repeated('host a[')],
  ['colons', repeated(':')],
  ['Japanese', repeated('宛先')],
  ['Russian', repeated('не доставлен ')],
  ['MIME-ish headers', repeated('To: a@b.c\n')],
  ['generating servers', repeated('Generating server: a\n')],
  ['your message to', repeated('your message to ')],
  ['exim starts', repeated('The following address\n')],
  ['was not delivered to', repeated('was not delivered to:\n')],
  ['did not reach', repeated('did not reach ')],
  ['n n n', repeated("n'a pas pu ")],
  ['parentheses', repeated('(in reply to ')],
  ['indented more and more', Array.from({ length: 600 }, (_, at) => `${' '.repeat(at)}u@b.c`).join('\n')],
];

describe('texts made to hold a reader up', () => {
  it.each(EVIL)('reads %s within bounds', (_name, text) => {
    const facts = { text, subject: text.slice(0, 2_000), from: text.slice(0, 2_000), header: () => text };
    const judged = cpuMsOf(() => looksLikeBounce({ ...facts, header: () => undefined }));
    expect(judged + cpuMsOf(() => readReport(facts))).toBeLessThan(TIME_MAX_MS);
    const { recipients } = readReport(facts);
    expect(recipients.length).toBeLessThanOrEqual(500);
    expect(Math.max(0, ...recipients.map(({ diagnostic }) => diagnostic.length))).toBeLessThanOrEqual(1_000);
  });
});
