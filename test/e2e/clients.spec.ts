/** What websites and people send with gets through both submission doors, and hears clearly why when it does not. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMx, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import type { ReceivedMessage } from '../../src/cli/demo/received-message.js';
import { createSelfSignedCertificate } from '../../src/listeners/self-signed-certificate.js';
import { refusal } from '../../src/submission/refusals.js';
import { bothVerified, missingOfDkimVerifier, verifyDkim } from './dkim-verifier.js';
import { MAIL_CLIENTS, type MailClient, type Submission } from './mail-clients.js';
import { RunningPosthorn } from './running-posthorn.js';

const SENDER = 'shop@example.org';
const WAYS = (['starttls', 'tls'] as const).flatMap((encryption) =>
  (['PLAIN', 'LOGIN'] as const).map((auth) => ({ encryption, auth })),
);

let directory: string;
let sink: ScriptedMx;
let posthorn: RunningPosthorn;
let defaults: Submission;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'posthorn-clients-'));
  sink = await startMx();
  posthorn = await RunningPosthorn.start({ POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.port}?tls=none` });
  defaults = {
    ...{ port: posthorn.ports.submission, encryption: 'starttls', caFile: posthorn.caFile, auth: 'PLAIN' },
    ...(await posthorn.credentials()).smtp,
    ...{ from: SENDER, to: 'customer@example.net', message: '' },
  };
});

afterAll(async () => {
  await posthorn.dispose();
  await sink.close();
  await rm(directory, { recursive: true });
});

/** Sends as the defaults say, but for `changes`; the message names its recipient and tries the dots of RFC 5321. */
function send(client: MailClient, to: string, changes: Partial<Submission> = {}) {
  const port = changes.encryption === 'tls' ? posthorn.ports.submissions : posthorn.ports.submission;
  const message = `From: ${SENDER}\nTo: ${to}\nSubject: for ${to}\n\nHello.\n.\n..\nThat was it.\n`;
  return client.send({ ...defaults, port, to, message, ...changes });
}

function receivedFor(recipient: string): ReceivedMessage[] {
  return sink.received.filter(({ recipients }) => recipients.includes(recipient));
}

describe.each(MAIL_CLIENTS)('$name', (client) => {
  const { name } = client;
  const missing = client.missing();
  const test = missing === undefined ? it : it.skip;
  const note = missing === undefined ? '' : ` (missing: ${missing})`;

  test.each(WAYS)(`sends over $encryption with AUTH $auth${note}`, async ({ encryption, auth }) => {
    const to = `${name}-${encryption}-${auth.toLowerCase()}@example.net`;
    // What the client said stands in the report of a failure.
    const { sent, output } = await send(client, to, { encryption, auth });
    expect({ sent, output }).toEqual({ sent: true, output });
    await sink.waitFor(sink.received.length + (receivedFor(to).length === 0 ? 1 : 0));
    const [message] = receivedFor(to);
    expect(message).toMatchObject({ recipients: [to], audit: { bareCr: 0, bareLf: 0, nul: 0 } });
    expect(message?.from).toMatch(/^b\+\S+@bounces\.relay\.example$/);
    const text = message?.data.toString() ?? '';
    expect(text).toMatch(/^DKIM-Signature: v=1;[^]*\r\nReceived: from client\.test [^]* with ESMTPSA id /);
    // swaks ends what it is given with an empty line more.
    expect(text).toMatch(/\r\n\r\nHello\.\r\n\.\r\n\.\.\r\nThat was it\.(\r\n){1,2}$/);
  });

  test(`is refused with a wrong password, and says so${note}`, async () => {
    // At once, because each is kept waiting for its answer.
    const tries = WAYS.map((way) => send(client, 'nobody@example.net', { ...way, password: 'wrong' }));
    for (const { sent, output } of await Promise.all(tries)) {
      expect(output).toContain(refusal('bad_credentials').text);
      expect(sent).toBe(false);
    }
  });

  test(`is refused without a login, and says so${note}`, async () => {
    for (const encryption of ['starttls', 'tls'] as const) {
      const { sent, output } = await send(client, 'nobody@example.net', { encryption, auth: 'none' });
      expect(output).toContain(refusal('authentication_required').text);
      expect(sent).toBe(false);
    }
  });

  test(`is refused with a foreign From, and says so${note}`, async () => {
    const { sent, output } = await send(client, 'nobody@example.net', { from: 'ceo@example.com' });
    expect(output).toContain(refusal('sender_not_allowed', 'example.com').text);
    expect(sent).toBe(false);
  });

  test(`sends nothing to a certificate of someone else${note}`, async () => {
    const caFile = join(directory, `${name}.pem`);
    await writeFile(caFile, (await createSelfSignedCertificate('relay.example')).cert);
    for (const way of WAYS) {
      expect(await send(client, 'nobody@example.net', { ...way, caFile })).toMatchObject({ sent: false });
    }
  });
});

describe('all of them together', () => {
  const missing = missingOfDkimVerifier();
  const test = missing === undefined ? it : it.skip;

  it('arrived once each, and nothing that was refused', async () => {
    expect(await posthorn.metric('posthorn_queue_recipients', 'state="waiting"')).toBe(0);
    const sent = MAIL_CLIENTS.filter((client) => client.missing() === undefined).length * WAYS.length;
    expect(new Set(sink.received.flatMap(({ recipients }) => recipients)).size).toBe(sent);
    expect(sink.received).toHaveLength(sent);
    expect(await posthorn.metric('posthorn_messages_accepted_total')).toBe(sent);
  });

  test(`are signed so that others can verify it${missing === undefined ? '' : ` (missing: ${missing})`}`, async () => {
    const { json } = await posthorn.api('GET', '/v1/domains/example.org');
    const records = (json.records as { name: string; value: string }[]).map(({ name, value }) => [name, value]);
    const messages = sink.received.map(({ data }) => data);
    const verdicts = await verifyDkim(messages, Object.fromEntries(records) as Record<string, string>);
    expect(verdicts.filter((verdict) => !bothVerified(verdict, 'example.org'))).toEqual([]);
    expect(verdicts).toHaveLength(messages.length);
  });
});
