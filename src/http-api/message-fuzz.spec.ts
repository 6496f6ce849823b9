/** Whatever a client sends as a message, the answer is 202 or says what is wrong: never a fault of ours. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FUZZ_RUNS, FUZZ_WITHIN_MS } from '../../test/fuzz-runs.js';
import { RunningApi } from '../../test/http-api/running-api.js';

let api: RunningApi;

beforeAll(async () => {
  api = await RunningApi.start({ POSTHORN_FIRST_DOMAIN: '*', POSTHORN_RECIPIENTS_MAX: '20' });
  await api.request('POST', '/v1/domains', { body: { name: '*', assumeVerified: true } });
});

afterAll(async () => {
  await api.stop();
});

const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('\r\n', '\0', '\ud800', '', ' ', '"', '<>', 'x'.repeat(2_000)),
);
/** A message has many fields: each is odd so seldom that many messages are accepted. */
const mostly = (sound: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 60, arbitrary: sound }, { weight: 1, arbitrary: odd });
const line = mostly(fc.string({ unit: 'grapheme', maxLength: 80 }));
const text = mostly(
  fc.string({
    unit: fc.oneof(fc.constantFrom('\n', '\r', '.', ' '), fc.string({ unit: 'grapheme', maxLength: 9 })),
    maxLength: 300,
  }),
);
const address = fc.oneof(fc.emailAddress(), fc.constantFrom('zoë@bücher.example', '"a b"@c.example', 'a@[192.0.2.1]'));
const mailbox = mostly(
  fc.oneof(
    address,
    fc
      .tuple(fc.string({ unit: 'grapheme', maxLength: 30 }), address)
      .map(([name, spec]) => `"${name.replace(/["\\]/g, '\\$&')}" <${spec}>`),
  ),
);
const mailboxes = fc.oneof(mailbox, fc.array(mailbox, { maxLength: 6 }));
const base64 = mostly(fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('base64')));
const headerName = mostly(
  fc.oneof(fc.stringMatching(/^X-[A-Za-z0-9-]{1,20}$/), fc.constantFrom('List-Id', 'References', 'Priority')),
);

const plausible = fc.record(
  {
    from: mailbox,
    to: mailboxes,
    cc: mailboxes,
    bcc: mailboxes,
    replyTo: mailboxes,
    subject: line,
    text,
    html: text,
    headers: fc.dictionary(headerName, line, { maxKeys: 3 }),
    attachments: fc.array(
      fc.record(
        {
          filename: mostly(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })),
          content: base64,
          contentType: mostly(fc.constantFrom('text/plain', 'message/rfc822', 'text/html; charset="a;b"', 'image/png')),
          contentId: mostly(fc.constantFrom('logo', 'a@b')),
        },
        { requiredKeys: ['filename', 'content'] },
      ),
      { maxLength: 2 },
    ),
    stream: mostly(fc.constantFrom('critical', 'default', 'bulk')),
    tags: fc.array(mostly(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })), { maxLength: 2 }),
    metadata: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), line, { maxKeys: 2 }),
    expiresIn: fc.integer({ min: 1, max: 180_000 }),
  },
  { requiredKeys: ['from', 'to', 'text'] },
);
const raw = fc.record({
  raw: fc.oneof(
    base64,
    text.map((content) => Buffer.from(`From: a@b.example\n\n${content}`).toString('base64')),
  ),
  envelope: fc.record({
    from: fc.oneof(address, fc.constant('')),
    to: fc.array(address, { minLength: 1, maxLength: 3 }),
  }),
});

const knownField = fc.constantFrom('from', 'to', 'raw', 'envelope', 'headers', 'attachments', 'metadata', 'text');
const oddFields = fc.dictionary(knownField, fc.jsonValue());

async function statusOf(body: unknown): Promise<number> {
  const answer = await api.request('POST', '/v1/messages', { body });
  if (answer.status === 202) return 202;
  if (answer.status < 400 || answer.status > 499) throw new Error(`${answer.status} ${answer.text}`);
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(answer.json.code).toMatch(/^[a-z_]+$/);
  return answer.status;
}

describe('POST /v1/messages', () => {
  it.each([
    ['plausible messages', plausible, 0.3, 0.05],
    ['finished messages', raw, 0.2, 0.05],
    ['anything that is JSON', fc.jsonValue(), 0.1, 0],
    ['anything in a known field', oddFields, 0.2, 0],
  ] as [string, fc.Arbitrary<unknown>, number, number][])(
    'takes or refuses %s',
    async (_, bodies, share, acceptedShareMin) => {
      let accepted = 0;
      const property = fc.asyncProperty(bodies, async (body) => {
        if ((await statusOf(body)) === 202) accepted++;
      });
      await fc.assert(property, { numRuns: Math.ceil(FUZZ_RUNS * share) });
      // Else the fuzz would see the schema and nothing behind it.
      expect(accepted).toBeGreaterThanOrEqual(FUZZ_RUNS * acceptedShareMin);
    },
    FUZZ_WITHIN_MS,
  );
});
