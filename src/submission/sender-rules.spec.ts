import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cpuMsOf } from '../../test/cpu-time.js';
import { verifiedDomain } from '../accounts/sending-domains.js';
import { parseHeaderBlock } from '../mail/header-block.js';
import { withCrlf } from '../mail/line-endings.js';
import { forbiddenReversePath, forbiddenSender, readSenders } from './sender-rules.js';

const OWN = [verifiedDomain('own.example', 0)];
const ANY = [verifiedDomain('*', 0)];

function judge(message: Buffer, domains = OWN) {
  const content = withCrlf(message);
  return forbiddenSender(domains, 'a@own.example', readSenders(content, parseHeaderBlock(content)));
}

const own = ['From: a@own.example', 'Subject: hello', 'To: b@example.net', 'X-Mailer: shop'];
const lineEnd = fc.constantFrom('\r\n', '\n', '\r');
const name = fc.constantFrom(
  'From',
  'from',
  'FROM',
  'From ',
  'From\t',
  'Sender',
  'Resent-From',
  'From\x01',
  '\x0bFrom',
);
const value = fc.constantFrom(
  'ceo@bank.example',
  ' <ceo@bank.example>',
  ' Bank <ceo@BANK.example>',
  '\r\n ceo@bank.example',
  ' a@own.example, ceo@bank.example',
  ' ceo@bank.example <a@own.example>',
);

describe('the sender rules', () => {
  it('find a foreign sender wherever in the header it stands', () => {
    fc.assert(
      fc.property(name, value, fc.nat(own.length), lineEnd, (field, text, at, end) => {
        const lines = own.toSpliced(at, 0, `${field}:${text}`);
        expect(judge(Buffer.from(`${lines.join(end)}${end}${end}body`))?.code).toBe(550);
      }),
      { numRuns: 1_000 },
    );
  });

  it('let no octet that is put into a foreign sender make it pass', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.uint8Array({ minLength: 1, maxLength: 3 }), (at, octets) => {
        const line = Buffer.from('From: Bank <ceo@bank.example>\r\n');
        const position = Math.min(at, line.length);
        const changed = [line.subarray(0, position), octets, line.subarray(position)];
        const content = withCrlf(Buffer.concat([...changed, Buffer.from('Subject: x\r\n\r\n')]));
        const senders = readSenders(content, parseHeaderBlock(content));
        const refused = forbiddenSender(OWN, 'a@own.example', senders);
        // Where the field is no From any more, to us and to everybody, there is none; and ours is written.
        if (!refused) expect(senders.author).toBeUndefined();
      }),
      { numRuns: 5_000 },
    );
  });

  it('never throw', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(...own, 'From:', '\r\n', '\n ', 'Sender:'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        judge(Buffer.concat(pieces.map((each) => Buffer.from(each as string))));
      }),
      { numRuns: 2_000 },
    );
  });

  it('ask nothing of an account that may send as any domain', () => {
    expect(judge(Buffer.from('garbage\r\nFrom: <\r\nFrom: ceo@bank.example\r\n\r\n'), ANY)).toBeUndefined();
    expect(forbiddenReversePath(ANY, '"a@b"@bank.example')).toBeUndefined();
    expect(forbiddenReversePath(ANY, 'nobody')?.cause).toBe('bad_sender');
  });

  it('let an account without a domain send nothing', () => {
    for (const header of ['From: <>', 'From:', 'From: nobody:;', 'From: a@own.example']) {
      const content = Buffer.from(`${header}\r\n\r\n`);
      expect(forbiddenSender([], '', readSenders(content, parseHeaderBlock(content)))?.code).toBe(550);
    }
  });

  it('answer at once, however large the header', () => {
    const tookMs = cpuMsOf(() => {
      judge(Buffer.from(`${'\r\n '.repeat(1_000_000)}\r\nFrom: a@own.example\r\n\r\n`));
      judge(Buffer.from(`${'x\r\n'.repeat(300_000)}From: a@own.example\r\n\r\n`));
      judge(Buffer.from(`X:${' \t'.repeat(1_000_000)}\r\n\t\r\nFrom: a@own.example\r\n\r\n`));
    });
    expect(tookMs).toBeLessThan(5_000);
  });
});
