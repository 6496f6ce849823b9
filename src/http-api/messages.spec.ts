/** `/v1/messages` over HTTP, with a real Redis behind it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RunningApi } from '../../test/http-api/running-api.js';
import { findingOf } from '../mail/categories.js';

let api: RunningApi;

beforeAll(async () => {
  api = await RunningApi.start({ POSTHORN_MESSAGE_BYTES_MAX: '65536', POSTHORN_RECIPIENTS_MAX: '5' });
});

afterAll(async () => {
  await api.stop();
});

const mail = { from: 'Shop <shop@example.org>', to: 'ann@example.net', subject: 'Hello', text: 'Hi' };
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('POST /v1/messages', () => {
  it('accepts a message of fields and keeps it as it will leave', async () => {
    const answer = await api.request('POST', '/v1/messages', {
      body: {
        ...mail,
        cc: ['Bob <bob@example.net>'],
        bcc: 'eve@example.net',
        tags: ['welcome'],
        metadata: { order: '7' },
      },
    });
    expect(answer.status).toBe(202);
    const { id } = answer.json as { id: string };
    expect(answer.json).toEqual({
      id: expect.stringMatching(/^[0-9a-z]{26}$/),
      recipients: ['ann@example.net', 'bob@example.net', 'eve@example.net'].map((address) => ({
        address,
        state: 'queued',
      })),
    });
    const claim = await api.claim(id);
    expect(claim?.message).toMatchObject({
      account: 'default',
      door: 'http',
      stream: 'default',
      reversePath: 'shop@example.org',
      fromDomain: 'example.org',
      subject: 'Hello',
      tags: ['welcome'],
      metadata: { order: '7' },
    });
    const body = claim?.body.toString() ?? '';
    expect(body).toMatch(/^Received: [^]*with HTTP/);
    expect(body.match(/^Message-ID:.*$/gim)).toEqual([`Message-ID: <${id}@relay.example>`]);
    expect(body.match(/^Date:/gim)).toHaveLength(1);
    expect(body).toContain('\r\nFrom: Shop <shop@example.org>\r\n');
    expect(body).toContain('\r\nCc: Bob <bob@example.net>\r\n');
    expect(body).not.toContain('eve@');
  });

  it('accepts a finished message and changes nothing below its own header fields', async () => {
    const raw =
      'From: shop@example.org\r\nMessage-ID: <x@y>\r\nDate: Sat, 21 Nov 2026 06:32:12 +0000\r\n\r\nb\u00f6dy\r\n';
    const answer = await api.request('POST', '/v1/messages', {
      body: { raw: base64(raw), envelope: { from: '', to: ['Ann@Example.NET'] }, stream: 'critical', expiresIn: 60 },
    });
    expect(answer.status).toBe(202);
    expect(answer.json.recipients).toEqual([{ address: 'Ann@example.net', state: 'queued' }]);
    const claim = await api.claim(String(answer.json.id));
    expect(claim?.message).toMatchObject({ reversePath: '', stream: 'critical' });
    expect((claim?.message.expiresAt ?? 0) - (claim?.message.acceptedAt ?? 0)).toBe(60_000);
    expect(claim?.body.toString().endsWith(raw)).toBe(true);
  });

  it('takes each recipient once, wherever it is named', async () => {
    const answer = await api.request('POST', '/v1/messages', {
      body: { ...mail, to: ['ann@example.net', 'Ann <ann@EXAMPLE.net>'], bcc: ['ann@example.net'] },
    });
    expect(answer.json.recipients).toEqual([{ address: 'ann@example.net', state: 'queued' }]);
  });

  it.each([
    [{ ...mail, from: 'shop@other.example' }, 403, 'sender_not_allowed', 'other.example is not a verified'],
    [{ ...mail, to: Array.from({ length: 6 }, (_, i) => `a${i}@b.example`) }, 422, 'too_many_recipients', 'is 5 per'],
    [{ ...mail, text: 'x'.repeat(70_000) }, 413, 'message_too_large', '65536'],
    [
      {
        raw: base64('From: "Bank <ceo@bank.example>\r\n\r\nx\r\n'),
        envelope: { from: 'a@example.org', to: ['a@b.example'] },
      },
      422,
      'bad_from_header',
      'cannot be read near',
    ],
    [
      {
        raw: base64(' (x), CEO <ceo@bank.example>\r\nSubject: a\r\n\r\nx\r\n'),
        envelope: { from: 'a@example.org', to: ['a@b.example'] },
      },
      422,
      'bad_header',
      'begins with white space',
    ],
    [
      {
        raw: base64(`From: a@example.org\r\n${'x\r\n'.repeat(20_000)}\r\nx\r\n`),
        envelope: { from: 'a@example.org', to: ['a@b.example'] },
      },
      422,
      'too_many_fields',
      'has 19900 fields',
    ],
    [
      { raw: base64('From: a@example.org\n\n\0'), envelope: { from: '', to: ['a@b.example'] } },
      422,
      'nul_octet',
      'NUL',
    ],
    [
      { raw: base64('Subject: x\n\nx'), envelope: { from: '', to: ['a@b.example'] } },
      422,
      'missing_from_header',
      'From',
    ],
  ])('refuses what the one way in refuses: %#', async (body, status, code, detail) => {
    const before = await api.counted('posthorn_submissions_rejected_total', { door: 'http', reason: code });
    const answer = await api.request('POST', '/v1/messages', { body });
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ type: 'about:blank', status, code, detail: expect.stringContaining(detail) });
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(await api.counted('posthorn_submissions_rejected_total', { door: 'http', reason: code })).toBe(before + 1);
  });

  it('names every field that is wrong', async () => {
    const answer = await api.request('POST', '/v1/messages', {
      body: { from: 'nobody', to: ['ann@example.net', 'b@'], text: 7, sendAt: 'tomorrow', tos: 1, stream: 'fast' },
    });
    expect(answer.status).toBe(422);
    const errors = answer.json.errors as { path: string; message: string }[];
    expect(errors.map(({ path }) => path).sort()).toEqual(['from', 'sendAt', 'stream', 'text', 'to.1', 'tos']);
    expect(errors.find(({ path }) => path === 'sendAt')?.message).toContain('must be a time with its zone');
    expect(answer.json.code).toBe('invalid_input');
    expect(await api.counted('posthorn_submissions_rejected_total', { reason: 'invalid_input' })).toBeGreaterThan(0);
  });

  it.each([
    ['no JSON', '{"from":', 400, 'malformed_json', {}],
    ['an empty body', '', 422, 'invalid_input', {}],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, 'malformed_json', {}],
    ['more values than a message has', `[${'0,'.repeat(100_000)}0]`, 400, 'malformed_json', {}],
    ['nesting without end', '['.repeat(90_000), 400, 'malformed_json', {}],
    ['a list', '[]', 422, 'invalid_input', {}],
    ['a prototype', '{"__proto__":{"from":"a@b"}}', 422, 'invalid_input', {}],
    ['a form', 'from=a', 415, 'unsupported_media_type', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['plain text', 'hello', 415, 'unsupported_media_type', { 'Content-Type': 'text/plain' }],
    ['compressed JSON', 'x', 415, 'unsupported_media_type', { 'Content-Encoding': 'gzip' }],
    ['a body over the limit', `"${'x'.repeat(1_200_000)}"`, 413, 'message_too_large', {}],
  ])('refuses %s', async (_, body, status, code, headers) => {
    const answer = await api.request('POST', '/v1/messages', { body, headers });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  it('asks for the scope send', async () => {
    const answer = await api.request('POST', '/v1/messages', { body: mail, key: await api.keyWith(['read']) });
    expect([answer.status, answer.json.code, answer.json.detail]).toEqual([
      403,
      'missing_scope',
      'This API key lacks the scope send',
    ]);
  });
});

describe('GET /v1/messages/{id}', () => {
  it('shows each recipient with its own events', async () => {
    const { json } = await api.request('POST', '/v1/messages', {
      body: { ...mail, subject: 'Grüße', to: ['ann@example.net', 'bob@example.net'] },
    });
    const id = String(json.id);
    const claim = await api.claim(id);
    if (!claim) throw new Error('nothing to claim');
    const at = Date.UTC(2026, 10, 21, 6, 32, 12);
    const attempt = { at, mx: 'mx.example.net[192.0.2.1]:25', attempt: 1 };
    const delivered = { code: 250, enhanced: '2.0.0', text: 'Ok' };
    const greylisted = { code: 451, text: 'try again' };
    await api.spool.settle(claim, [
      {
        recipients: [0],
        state: 'delivered',
        event: { type: 'delivered', ...attempt, recipients: [0], reply: delivered, tls: true },
      },
      {
        recipients: [1],
        state: 'deferred',
        event: {
          type: 'deferred',
          ...attempt,
          recipients: [1],
          reply: greylisted,
          nextAttemptAt: at + 60_000,
          source: 'reply',
          classification: findingOf('greylisted', 'text.greylisted'),
        },
      },
    ]);
    const answer = await api.request('GET', `/v1/messages/${id}`, { key: await api.keyWith(['read']) });
    expect(answer.status).toBe(200);
    const accepted = { id: `${id}.0`, type: 'accepted', door: 'http', at: answer.json.acceptedAt };
    const shared = { at: '2026-11-21T06:32:12.000Z', mx: 'mx.example.net[192.0.2.1]:25', attempt: 1 };
    expect(answer.json).toEqual({
      id,
      account: 'default',
      acceptedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      expiresAt: expect.stringMatching(/Z$/),
      stream: 'default',
      from: 'shop@example.org',
      subject: 'Grüße',
      tags: [],
      metadata: {},
      recipients: [
        {
          address: 'ann@example.net',
          state: 'delivered',
          events: [accepted, { ...shared, id: `${id}.1`, type: 'delivered', reply: delivered, tls: true }],
        },
        {
          address: 'bob@example.net',
          state: 'deferred',
          events: [
            accepted,
            {
              ...shared,
              id: `${id}.2`,
              type: 'deferred',
              reply: greylisted,
              nextAttemptAt: '2026-11-21T06:33:12.000Z',
              source: 'reply',
              classification: {
                category: 'greylisted',
                type: 'soft',
                retry: true,
                suppress: false,
                fault: 'protocol',
                rule: 'text.greylisted',
                explanation: expect.stringContaining('come back in a few minutes'),
                todo: expect.stringContaining('where it is tried again'),
              },
            },
          ],
        },
      ],
    });
  });

  it('hides the messages of other accounts, and what is no id', async () => {
    const { json } = await api.request('POST', '/v1/messages', { body: mail });
    const stranger = await api.keyWith(['read'], 'other');
    for (const [id, key] of [
      [String(json.id), stranger],
      ['0'.repeat(26), undefined],
      ['nonsense', undefined],
      ['x'.repeat(900), undefined],
    ] as const) {
      const answer = await api.request('GET', `/v1/messages/${id}`, key === undefined ? {} : { key });
      expect([answer.status, answer.json.code]).toEqual([404, 'not_found']);
    }
  });
});
