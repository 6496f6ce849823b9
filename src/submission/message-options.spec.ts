import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseHeaderBlock } from '../mail/header-block.js';
import { messageOptions, optionFields } from './message-options.js';
import type { MessageOptions } from './option-schemas.js';

/** The options of a message with these lines in its header, or the text of the refusal. */
function read(lines: string | Buffer, given: MessageOptions = {}): MessageOptions | string {
  const message = Buffer.concat([
    Buffer.from('From: a@b.example\r\n'),
    Buffer.from(lines),
    Buffer.from('\r\nSubject: x\r\n\r\n'),
  ]);
  const result = messageOptions(message, optionFields(parseHeaderBlock(message)), given);
  return 'cause' in result ? `${result.code} ${result.enhanced} ${result.text}` : result;
}

describe('options in the header of a message', () => {
  it.each([
    ['X-Mailer: other', {}],
    ['X-Posthorn-Ref: b+01.0.x', {}],
    ['X-Posthorn-Stream: critical', { stream: 'critical' }],
    ['x-POSTHORN-stream :  bulk ', { stream: 'bulk' }],
    ['X-Posthorn-Tag: welcome\r\nX-Posthorn-Tag: new', { tags: ['welcome', 'new'] }],
    ['X-Posthorn-Tag: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=', { tags: ['Grüße'] }],
    ['X-Posthorn-Tag: Grüße', { tags: ['Grüße'] }],
    ['X-Posthorn-Tag: two\r\n  words', { tags: ['two  words'] }],
    ['X-Posthorn-Metadata-Order: 7\r\nX-Posthorn-Metadata-Shop: A', { metadata: { order: '7', shop: 'A' } }],
    ['X-Posthorn-Metadata-Empty:', { metadata: { empty: '' } }],
    ['X-Posthorn-Send-At: 2026-11-21T06:32:12Z', { sendAt: Date.UTC(2026, 10, 21, 6, 32, 12) }],
    ['X-Posthorn-Send-At: 2026-11-21T06:32:12.5+02:00', { sendAt: Date.UTC(2026, 10, 21, 4, 32, 12, 500) }],
    ['X-Posthorn-Expires-In: 3600', { expiresIn: 3600 }],
    ['X-Posthorn-Supersede-Key: order-7', { supersedeKey: 'order-7' }],
    ['X-Posthorn-Idempotency-Key: 9f a~', { idempotencyKey: '9f a~' }],
  ])('are read: %j', (lines, options) => {
    expect(read(lines)).toEqual(options);
  });

  it.each([
    ['X-Posthorn-Stream: urgent', 'X-Posthorn-Stream must be one of critical, default, bulk'],
    ['X-Posthorn-Stream:', 'X-Posthorn-Stream must be one of'],
    ['X-Posthorn-Stream: bulk\r\nX-Posthorn-Stream: bulk', 'X-Posthorn-Stream is given twice'],
    ['X-Posthorn-Tag:', 'X-Posthorn-Tag must not be empty'],
    ['X-Posthorn-Tag: =?utf-8?Q?a=0D=0ABcc:_x@y?=', 'X-Posthorn-Tag must be one line'],
    [Array(11).fill('X-Posthorn-Tag: a').join('\r\n'), 'X-Posthorn-Tag must be at most 10 items'],
    [Array(51).fill('X-Posthorn-Tag: a').join('\r\n'), 'may come 50 times'],
    ['X-Posthorn-Metadata-: x', 'X-Posthorn-Metadata-'],
    ['X-Posthorn-Metadata-a/b: x', 'X-Posthorn-Metadata-A/b'],
    ['X-Posthorn-Metadata-__proto__: x', 'X-Posthorn-Metadata-'],
    ['X-Posthorn-Metadata-A: x\r\nX-Posthorn-Metadata-a: y', 'X-Posthorn-Metadata-A is given twice'],
    [`X-Posthorn-Metadata-A: ${'x'.repeat(501)}`, 'X-Posthorn-Metadata-A must be at most 500 characters'],
    ['X-Posthorn-Send-At: tomorrow', 'X-Posthorn-Send-At must be a time with its zone'],
    ['X-Posthorn-Send-At: 2026-11-21T06:32:12', 'X-Posthorn-Send-At must be a time with its zone'],
    ['X-Posthorn-Send-At: 2026-02-30T06:32:12Z', 'X-Posthorn-Send-At must be a time with its zone'],
    ['X-Posthorn-Expires-In: 1.5', 'X-Posthorn-Expires-In must be a whole number of seconds'],
    ['X-Posthorn-Expires-In: 0', 'X-Posthorn-Expires-In must be a whole number of seconds, 1 to 172800'],
    ['X-Posthorn-Expires-In: 172801', 'X-Posthorn-Expires-In must be a whole number'],
    [`X-Posthorn-Supersede-Key: ${'k'.repeat(256)}`, 'X-Posthorn-Supersede-Key must be at most 255 characters'],
    ['X-Posthorn-Idempotency-Key: ä', 'X-Posthorn-Idempotency-Key must be 1 to 255 printable ASCII'],
    ['X-Posthorn-Sandbox: true', 'X-Posthorn-Sandbox is not supported by this version'],
    ['X-Posthorn-Require-TLS: true', 'X-Posthorn-Require-Tls is not supported by this version'],
    ['X-Posthorn-Tags: a', 'X-Posthorn-Tags is no option that is known here: did you mean X-Posthorn-Tag?'],
    ['X-Posthorn-Expire-In: 60', 'did you mean X-Posthorn-Expires-In?'],
    ['X-Posthorn-Nonsense: a', 'X-Posthorn-Nonsense is no option that is known here'],
  ])('are refused with their name: %j', (lines, text) => {
    const refused = read(lines);
    expect(refused).toEqual(expect.stringContaining(text));
    expect(refused).toMatch(/^550 5\.6\.0 The option [\x20-\x7e]+$/);
  });

  it('may say again what stands beside the message, and nothing else', () => {
    const given = { stream: 'bulk', tags: ['a', 'b'], sendAt: Date.UTC(2026, 10, 21) } as const;
    const beside = { ...given, tags: [...given.tags] };
    expect(read('X-Posthorn-Stream: bulk\r\nX-Posthorn-Supersede-Key: k', beside)).toEqual({
      ...beside,
      supersedeKey: 'k',
    });
    expect(read('X-Posthorn-Send-At: 2026-11-21T01:00:00+01:00', beside)).toEqual(beside);
    for (const line of [
      'X-Posthorn-Stream: critical',
      'X-Posthorn-Tag: a',
      'X-Posthorn-Send-At: 2026-11-21T00:00:01Z',
    ]) {
      expect(read(line, beside)).toMatch(/ is given twice: another value stands beside the message$/);
    }
  });

  it('never break on what they hold, and a refusal is one line of ASCII', () => {
    const name = fc.constantFrom(
      'Stream',
      'Tag',
      'Metadata-A',
      'Send-At',
      'Expires-In',
      'Supersede-Key',
      'Idempotency-Key',
      '',
    );
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(name, fc.string()), value), { maxLength: 8 }), (fields) => {
        const lines = fields.map(([field, text]) => `X-Posthorn-${field}: ${text}`).join('\r\n');
        const result = read(Buffer.from(lines, 'latin1'));
        if (typeof result === 'string') expect(result).toMatch(/^550 5\.6\.0 The option [\x20-\x7e]+$/);
      }),
      { numRuns: 2_000 },
    );
  });
});
