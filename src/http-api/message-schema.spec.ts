import { describe, expect, it } from '@jest/globals';
import { inputError } from './input-faults.js';
import { messageSchema } from './message-schema.js';

const minimal = { from: 'a@b.example', to: 'c@d.example', text: '' };

function faults(body: unknown): Record<string, string> {
  const result = messageSchema.safeParse(body);
  const errors = result.success ? [] : (inputError(result.error.issues).problem.errors ?? []);
  return Object.fromEntries(errors.map(({ path, message }) => [path, message]));
}

describe('the body of a message', () => {
  it('is read into mailboxes and bytes', () => {
    const body = {
      ...minimal,
      to: ['Ann <a@B.example>', 'Bob <b@b.example>, c@c.example'],
      headers: { 'X-Entity': 'ä', 'X-Many': ['1', '2'] },
      attachments: [{ filename: 'a.txt', content: 'SGk=\n', contentType: 'text/plain; charset=utf-8' }],
    };
    expect(messageSchema.parse(body)).toEqual({
      from: { name: '', address: 'a@b.example' },
      to: [
        { name: 'Ann', address: 'a@b.example' },
        { name: 'Bob', address: 'b@b.example' },
        { name: '', address: 'c@c.example' },
      ],
      text: '',
      headers: [
        { name: 'X-Entity', value: 'ä' },
        { name: 'X-Many', value: '1' },
        { name: 'X-Many', value: '2' },
      ],
      attachments: [{ filename: 'a.txt', content: Buffer.from('Hi'), contentType: 'text/plain; charset=utf-8' }],
    });
  });

  it.each([
    [null, ''],
    [[], ''],
    ['x', ''],
    [{ ...minimal, to: undefined }, 'to'],
    [{ ...minimal, to: [] }, 'to'],
    [{ ...minimal, text: undefined }, 'text'],
    [{ ...minimal, text: 'a\0b' }, 'text'],
    [{ ...minimal, html: '\ud800' }, 'html'],
    [{ ...minimal, from: ['a@b.example'] }, 'from'],
    [{ ...minimal, from: 'a@b.example, c@d.example' }, 'from'],
    [{ ...minimal, to: 7 }, 'to'],
    [{ ...minimal, to: Array(10_001).fill('a@b.example') }, 'to'],
    [{ ...minimal, replyTo: 'nobody' }, 'replyTo'],
    [{ ...minimal, subject: 'Hi\r\nBcc: x@y.example' }, 'subject'],
    [{ ...minimal, subject: 'x'.repeat(901) }, 'subject'],
    [{ ...minimal, subject: 'x '.repeat(1001) }, 'subject'],
    [{ ...minimal, stream: 'urgent' }, 'stream'],
    [{ ...minimal, tags: Array(11).fill('x') }, 'tags'],
    [{ ...minimal, tags: [''] }, 'tags.0'],
    [{ ...minimal, metadata: { 'a b': 'x' } }, 'metadata.a b'],
    [{ ...minimal, metadata: { a: 1 } }, 'metadata.a'],
    [{ ...minimal, metadata: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, ''])) }, 'metadata'],
    [{ ...minimal, expiresIn: 0 }, 'expiresIn'],
    [{ ...minimal, expiresIn: 172_801 }, 'expiresIn'],
    [{ ...minimal, expiresIn: 1.5 }, 'expiresIn'],
    [{ ...minimal, template: 'welcome' }, 'template'],
    [{ ...minimal, attachments: [{ filename: 'a', content: 'S*' }] }, 'attachments.0.content'],
    [{ ...minimal, attachments: [{ filename: 'a', content: 'SGk=SGk=' }] }, 'attachments.0.content'],
    [{ ...minimal, attachments: [{ filename: 'a', content: 'SGkxx' }] }, 'attachments.0.content'],
    [{ ...minimal, attachments: [{ filename: 'a\nb', content: '' }] }, 'attachments.0.filename'],
    [{ ...minimal, attachments: [{ filename: 'a', content: '', path: '/etc/passwd' }] }, 'attachments.0.path'],
    [{ ...minimal, attachments: [{ filename: 'a', content: '', contentType: 'pdf' }] }, 'attachments.0.contentType'],
    [
      { ...minimal, attachments: [{ filename: 'a', content: '', contentType: 'Multipart/mixed' }] },
      'attachments.0.contentType',
    ],
    [{ ...minimal, attachments: [{ filename: 'a', content: '', contentId: '<x>' }] }, 'attachments.0.contentId'],
    [{ ...minimal, raw: '', envelope: { from: '', to: ['a@b.example'] } }, 'from'],
    [{ raw: '' }, 'envelope'],
    [{ envelope: { from: '', to: [] }, raw: '' }, 'envelope.to'],
    [{ envelope: { from: 'Ann <a@b.example>', to: ['a@b.example'] }, raw: '' }, 'envelope.from'],
    [{ envelope: { from: '', to: ['a@b.example', '<c@d.example>'] }, raw: '' }, 'envelope.to.1'],
  ])('is refused with the path of its fault: %#', (body, path) => {
    expect(Object.keys(faults(body))).toContain(path);
  });

  it.each([
    ['From', 'use "from"'],
    ['BCC', 'use "bcc"'],
    ['Sender', 'written by the relay'],
    ['DKIM-Signature', 'written by the relay'],
    ['Received', 'written by the relay'],
    ['Content-Type', 'written by the relay'],
    ['Resent-To', 'written by the relay'],
    ['X-Posthorn-Tag', 'written by the relay'],
    ['X Bad', 'is no name'],
    ['X:Bad', 'is no name'],
    ['__proto__x', 'is no name'],
    ['Message-ID', 'must be <left@right>'],
    ['Date', 'must be a date'],
  ])('may not hold the header field %s', (name, message) => {
    expect(faults({ ...minimal, headers: { [name]: 'x' } })[`headers.${name}`]).toContain(message);
  });

  it('may hold header fields that are its own business', () => {
    const headers = {
      'Message-ID': '<order-7@shop.example>',
      Date: 'Sat, 21 Nov 2026 06:32:12 +0000',
      'List-Unsubscribe': '<https://shop.example/u/7>',
      References: '<a@b> <c@d>',
    };
    expect(faults({ ...minimal, headers })).toEqual({});
    expect(faults({ ...minimal, headers: { 'X-A': '1', 'x-a': '2' } })).toEqual({
      'headers.x-a': 'comes twice: give one name a list of values',
    });
    expect(faults({ ...minimal, headers: { References: ['<a@b>', '<c@d>'] } })).toEqual({
      'headers.References': 'may come once in a message',
    });
    expect(Object.keys(faults({ ...minimal, headers: { 'X-A': 'a\r\nBcc: x@y' } }))).toEqual(['headers.X-A']);
  });
});
