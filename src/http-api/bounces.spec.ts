/** `POST /v1/bounces/classify`, with the rules that the relay itself goes by. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RunningApi } from '../../test/http-api/running-api.js';

const path = '/v1/bounces/classify';

let api: RunningApi;
let key: string;

beforeAll(async () => {
  api = await RunningApi.start();
  key = await api.keyWith(['read']);
});
afterAll(() => api.stop());

const classify = (body: unknown) => api.request('POST', path, { key, body });
const base64 = (...lines: string[]) => Buffer.from(lines.join('\r\n')).toString('base64');

const dsn = base64(
  'From: MAILER-DAEMON@mx.example.net',
  'To: b+x@bounces.relay.example',
  'Subject: Undelivered Mail Returned to Sender',
  'MIME-Version: 1.0',
  'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain',
  '',
  'Your message could not be delivered.',
  '--b',
  'Content-Type: message/delivery-status',
  '',
  'Reporting-MTA: dns; mx.example.net',
  '',
  'Final-Recipient: rfc822; ann@example.net',
  'Action: failed',
  'Status: 5.1.1',
  'Diagnostic-Code: smtp; 550 5.1.1 <ann@example.net>: user unknown',
  '',
  '--b',
  'Content-Type: text/rfc822-headers',
  '',
  'From: shop@example.org',
  'To: ann@example.net',
  'Subject: Your order',
  'Message-ID: <1@example.org>',
  '',
  '--b--',
  '',
);

describe('a reply', () => {
  it('gets its class with the words for people', async () => {
    const { status, json } = await classify({
      reply: '550 5.1.1 <ann@example.net>: user unknown',
      mx: 'mx.example.net',
    });
    expect([status, json]).toEqual([
      200,
      {
        classification: {
          category: 'unknown_recipient',
          type: 'hard',
          retry: false,
          suppress: true,
          fault: 'recipient',
          rule: expect.any(String),
          explanation: expect.any(String),
          todo: expect.any(String),
        },
      },
    ]);
  });

  it('is read over several lines, and with what is known of its stage', async () => {
    const reply = '452-4.2.2 The mailbox of the person\r\n452 4.2.2 is over quota';
    const { json } = await classify({ reply, stage: 'rcpt' });
    expect(json.classification).toMatchObject({ category: 'mailbox_full', retry: true, suppress: false });
  });
});

describe('a mail that came back', () => {
  it('is told what it is, whom it is about and what it means', async () => {
    const { status, json } = await classify({ raw: dsn });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      kind: 'bounce',
      isBounce: true,
      recipients: [
        {
          address: 'ann@example.net',
          action: 'failed',
          status: '5.1.1',
          code: 550,
          classification: { category: 'unknown_recipient', type: 'hard', todo: expect.any(String) },
        },
      ],
      original: { messageId: '<1@example.org>', to: ['ann@example.net'] },
    });
  });

  it('that is ordinary mail is none', async () => {
    const raw = base64('From: ann@example.net', 'To: shop@example.org', 'Subject: Hello', '', 'Where is my order?', '');
    expect((await classify({ raw })).json).toEqual({ kind: 'other', isBounce: false, recipients: [] });
  });

  it('of the largest size is read in the time of a request, and of a larger one not at all', async () => {
    const filling = `${'x'.repeat(74)}\r\n`.repeat(340_000);
    const raw = Buffer.from(`From: a@example.net\r\nSubject: Large\r\n\r\n${filling}`).toString('base64');
    expect((await classify({ raw })).json).toMatchObject({ isBounce: false });
    const larger = await classify({ raw: Buffer.alloc(28 * 1024 * 1024, 'x').toString('base64') });
    expect([larger.status, larger.json.code]).toEqual([413, 'message_too_large']);
  });
});

it.each([
  [{}, '', 'must have "reply", what a server said, or "raw"'],
  [{ mx: 'mx.example.net' }, '', 'must have "reply", what a server said, or "raw"'],
  [{ reply: '550', raw: dsn }, 'raw', 'must not stand beside reply'],
  [{ reply: '' }, 'reply', 'must not be empty'],
  [{ reply: 'x'.repeat(16_385) }, 'reply', 'must be at most 16384 characters'],
  [{ reply: '550', stage: 'later' }, 'stage', 'must be one of connect, ehlo'],
  [{ reply: '550', mx: 'a\nb' }, 'mx', 'must be one line'],
  [{ raw: '*' }, 'raw', 'must be base64'],
  [{ raw: dsn, mx: 'mx.example.net' }, 'mx', 'is no field that is taken here'],
])('refuses %j', async (body, where, message) => {
  const answer = await classify(body);
  expect([answer.status, answer.json.code]).toEqual([422, 'invalid_input']);
  expect(answer.json.errors).toEqual([{ path: where, message: expect.stringContaining(message) }]);
});

it('is for the scope read', async () => {
  const other = await api.keyWith(['send', 'suppressions']);
  const answer = await api.request('POST', path, { key: other, body: { reply: '550 no' } });
  expect([answer.status, answer.json.detail]).toEqual([403, 'This API key lacks the scope read']);
});
