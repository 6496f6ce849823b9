import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fieldValue, parseHeaderBlock } from '../mail/header-block.js';
import { fromDomains } from '../mail/from-domains.js';
import { composeMessage, type MessageFields } from './nodemailer-composer.js';

const mailbox = (address: string, name = ''): { name: string; address: string } => ({ name, address });
const minimal: MessageFields = { from: mailbox('a@b.example'), to: [mailbox('c@d.example')], text: 'Hi' };

async function compose(fields: Partial<MessageFields>): Promise<{ text: string; header: Record<string, string> }> {
  const message = await composeMessage({ ...minimal, ...fields });
  const { fields: found } = parseHeaderBlock(message);
  const header = Object.fromEntries(found.map((field) => [field.name, fieldValue(message, field)]));
  return { text: message.toString(), header };
}

describe('composeMessage', () => {
  it('leaves Date and Message-ID to the one way in', async () => {
    const { text, header } = await compose({ subject: 'Hello' });
    expect(Object.keys(header)).toEqual([
      'from',
      'to',
      'subject',
      'content-transfer-encoding',
      'mime-version',
      'content-type',
    ]);
    expect(text.endsWith('\r\n\r\nHi\r\n') || text.endsWith('\r\n\r\nHi')).toBe(true);
  });

  it("keeps the client's own Date and Message-ID", async () => {
    const { header } = await compose({
      headers: [
        { name: 'Message-ID', value: '<order-7@b.example>' },
        { name: 'date', value: 'Sat, 21 Nov 2026 06:32:12 +0000' },
      ],
    });
    expect(header['message-id']).toBe('<order-7@b.example>');
    expect(header.date).toBe('Sat, 21 Nov 2026 06:32:12 +0000');
  });

  it('writes names beyond ASCII as encoded words, and quotes those that need it', async () => {
    const { header } = await compose({
      from: mailbox('a@b.example', 'Zoë'),
      to: [mailbox('c@d.example', 'Foo, "Bob"')],
    });
    expect(header.from).toBe('=?UTF-8?Q?Zo=C3=AB?= <a@b.example>');
    expect(header.to).toBe('"Foo, \\"Bob\\"" <c@d.example>');
  });

  it('never lets a name speak as another address', async () => {
    for (const name of [
      'x@evil.example',
      '<x@evil.example>,',
      'a" x@evil.example, "b',
      '=?utf-8?Q?=3Cx=40evil?=',
      'ä <x@evil.example>',
    ]) {
      const { header } = await compose({ from: mailbox('a@b.example', name) });
      expect(fromDomains(header.from ?? '')).toEqual({ kind: 'read', domains: ['b.example'] });
    }
    // A reader who knows no backslash would end the name before the bracket: the way in takes no such From.
    const { header } = await compose({ from: mailbox('a@b.example', 'a" <x@evil.example>, "b') });
    expect(fromDomains(header.from ?? '')).toMatchObject({ kind: 'unreadable' });
  });

  it('writes every name so that the way in reads its address', async () => {
    // A bracket in a quoted name can be the trick above.
    const name = fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => text.replace(/[<\x00-\x1f\x7f]/g, ''));
    await fc.assert(
      fc.asyncProperty(name, async (text) => {
        const { header } = await compose({ from: mailbox('a@b.example', text) });
        expect(fromDomains(header.from ?? '')).toEqual({ kind: 'read', domains: ['b.example'] });
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a local part beyond ASCII as UTF-8', async () => {
    const { header } = await compose({ to: [mailbox('zoë@xn--bcher-kva.example')] });
    expect(header.to).toBe('zoë@bücher.example');
  });

  it('writes text beyond ASCII so that every server passes it on', async () => {
    const { text } = await compose({ subject: 'Grüße', text: 'Schöne Grüße\n', html: `<p>${'ü'.repeat(2_000)}</p>` });
    expect(text).toMatch(/^[\x20-\x7e\r\n\t]*$/);
    expect(text).not.toMatch(/[^\r]\n/);
    expect(Math.max(...text.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
    expect(text).toContain('Content-Type: multipart/alternative;');
  });

  it('puts what the HTML shows beside it, and files behind both', async () => {
    const content = Buffer.from([0, 1, 254, 255]);
    const { text } = await compose({
      html: '<img src="cid:logo">',
      attachments: [
        { filename: 'logo.png', content, contentId: 'logo' },
        { filename: 'Rechnung Nr. 7 – größer.pdf', content, contentType: 'application/pdf' },
      ],
    });
    const kinds = [...text.matchAll(/^Content-Type: ([a-z/]+)/gm)].map(([, kind]) => kind);
    expect(kinds).toEqual([
      'multipart/mixed',
      'multipart/alternative',
      'text/plain',
      'multipart/related',
      'text/html',
      'image/png',
      'application/pdf',
    ]);
    expect(text).toContain('Content-ID: <logo>\r\n');
    expect(text).toMatch(/Content-Disposition: inline; filename=logo\.png/);
    expect(text).toMatch(/Content-Disposition: attachment;\r\n filename\*0\*=utf-8''Rechnung/);
    expect(text.match(/AAH\+\/w==/g)).toHaveLength(2);
  });

  it('reads no file and no URL, whatever the fields say', async () => {
    const { text } = await compose({
      text: 'file:///etc/passwd',
      html: '<img src="data:image/png;base64,AAAA">',
      attachments: [{ filename: '/etc/passwd', content: Buffer.from('mine') }],
    });
    expect(text).toContain('bWluZQ==');
    expect(text).not.toContain('root:');
  });

  it('folds a long list of recipients', async () => {
    const to = Array.from({ length: 1_000 }, (_, i) => mailbox(`recipient${i}@a-rather-long-domain.example`, 'Ann'));
    const { text, header } = await compose({ to });
    expect(header.to?.match(/@/g)).toHaveLength(1_000);
    expect(Math.max(...text.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
  });

  it('writes no header field for an empty list', async () => {
    const { header } = await compose({ to: [], cc: [], replyTo: [] });
    expect(header).not.toHaveProperty('to');
    expect(header).not.toHaveProperty('cc');
  });
});
