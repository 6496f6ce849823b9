/** Accounts and credentials of the running service: what is taken away stops at once, in every process and session. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawSmtp } from './raw-smtp.js';
import { OwnedRedis } from './owned-redis.js';
import { runPosthorn, RunningPosthorn } from './running-posthorn.js';
import { withPatience } from '../patience.js';

const SENDER = 'web@example.org';
const MESSAGE = Buffer.from(`From: ${SENDER}\r\nTo: ann@example.net\r\nSubject: hi\r\n\r\nHello.\r\n`);
const REVOKED_WITHIN_MS = 1_000;
const GIVE_UP_AFTER_MS = withPatience(2 * REVOKED_WITHIN_MS);
/** A session that only resets is cut off after a hundred times. */
const POLL_MS = 50;

let redis: OwnedRedis;
/** Two services on one Redis: what one is told, the other must obey. */
let relays: RunningPosthorn[];
let clients: RawSmtp[];

beforeEach(async () => {
  redis = await OwnedRedis.start();
  const settings = { POSTHORN_REDIS_URL: redis.url, POSTHORN_LISTEN: '127.0.0.1', POSTHORN_ROLES: 'submission,api' };
  const first = await RunningPosthorn.start(settings);
  relays = [first];
  relays.push(await RunningPosthorn.start(settings));
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.close();
  for (const relay of relays) await relay.dispose();
  await redis.dispose();
});

/** The answer of a command that administers the first relay. */
async function administer(...argv: string[]): Promise<Record<string, unknown>> {
  const [relay] = relays;
  if (!relay) throw new Error('no relay');
  const { code, stdout, stderr } = await runPosthorn([...argv, '--json'], {
    POSTHORN_API_URL: `http://127.0.0.1:${relay.ports.http}`,
    POSTHORN_API_KEY: (await relay.credentials()).apiKey,
  });
  if (code !== 0) throw new Error(stderr);
  return (stdout === '' ? {} : JSON.parse(stdout)) as Record<string, unknown>;
}

/** A session at each relay. */
async function sessions(user: string, password: string): Promise<RawSmtp[]> {
  const opened = await Promise.all(
    relays.map(async (relay) =>
      RawSmtp.session(relay.ports.submissions, await readFile(relay.caFile, 'utf8'), { user, password }),
    ),
  );
  clients.push(...opened);
  return opened;
}

/** Begins message after message until one is refused: when the last that was not had been begun, and the refusal. */
async function untilRefused(session: RawSmtp): Promise<{ lastTakenAt: number; refusal: string }> {
  const startedAt = performance.now();
  let lastTakenAt = 0;
  for (;;) {
    const sentAt = performance.now();
    // The null sender is nobody's: it is refused for no other reason.
    const { code, text } = await session.command('MAIL FROM:<>');
    if (code >= 400) return { lastTakenAt, refusal: text };
    lastTakenAt = sentAt;
    if (sentAt - startedAt > GIVE_UP_AFTER_MS) throw new Error('it is never refused');
    await session.command('RSET');
    await sleep(POLL_MS);
  }
}

describe('a credential', () => {
  it('that a command made sends, and once revoked is refused in every process and open session within a second', async () => {
    const smtp = await administer('credential', 'create', 'smtp', '--user', 'web@example.org');
    const api = await administer('credential', 'create', 'api', '--scope', 'send');
    const ask = (relay: RunningPosthorn): Promise<Response> =>
      fetch(`http://127.0.0.1:${relay.ports.http}/v1/messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${String(api.secret)}`, 'content-type': 'application/json' },
        body: JSON.stringify({ from: SENDER, to: 'ann@example.net', text: 'Hello' }),
      });
    const [user, password] = [String(smtp.user), String(smtp.secret)];
    const open = await sessions(user, password);
    for (const session of open) {
      expect((await session.send(SENDER, ['ann@example.net'], MESSAGE)).text).toMatch(/^250 2\.0\.0 Ok: queued as /);
    }
    for (const relay of relays) expect((await ask(relay)).status).toBe(202);

    await administer('credential', 'remove', String(smtp.id));
    await administer('credential', 'remove', String(api.id));
    const revokedAt = performance.now();
    for (const relay of relays) {
      const answer = await ask(relay);
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([401, 'bad_credentials']);
      const client = await RawSmtp.session(relay.ports.submissions, await readFile(relay.caFile, 'utf8'));
      clients.push(client);
      expect((await client.logIn(user, password)).text).toBe('535 5.7.8 Wrong user or password');
    }
    for (const { lastTakenAt, refusal } of await Promise.all(open.map(untilRefused))) {
      expect(lastTakenAt - revokedAt).toBeLessThan(withPatience(REVOKED_WITHIN_MS));
      expect(refusal).toBe('530 5.7.0 This credential was revoked or has expired: log in with another');
    }
  });

  it('of an account that was removed is refused in the middle of a message', async () => {
    await administer('account', 'create', 'shop');
    const smtp = await administer('credential', 'create', 'smtp', '--account', 'shop', '--user', 'web@example.org');
    const [user, password] = [String(smtp.user), String(smtp.secret)];
    const [[client], [witness]] = [await sessions(user, password), await sessions(user, password)];
    if (!client || !witness) throw new Error('no session');
    expect((await client.command('MAIL FROM:<>')).code).toBe(250);
    expect((await client.command('RCPT TO:<ann@example.net>')).code).toBe(250);
    expect((await client.command('DATA')).code).toBe(354);
    await administer('account', 'remove', 'shop');
    // What this process knew of it is forgotten by then.
    await untilRefused(witness);
    expect((await client.data(MESSAGE)).text).toMatch(/^530 5\.7\.0 This credential was revoked/);
  });
});

describe('an account', () => {
  it('that is suspended is told why, in open sessions too, and sends again once it is resumed', async () => {
    const { user, password } = await credentialsOfFirst();
    const open = await sessions(user, password);
    await administer('account', 'suspend', 'default', '--reason', 'the bill is unpaid');
    for (const { refusal } of await Promise.all(open.map(untilRefused))) {
      expect(refusal).toBe('451 4.7.1 This account is suspended: the bill is unpaid');
    }
    await administer('account', 'resume', 'default');
    const [client] = open;
    const startedAt = performance.now();
    let code = 0;
    while (code !== 250 && performance.now() - startedAt < GIVE_UP_AFTER_MS) {
      code = (await client?.command(`MAIL FROM:<${SENDER}>`))?.code ?? 0;
    }
    expect(code).toBe(250);
  });
});

async function credentialsOfFirst(): Promise<{ user: string; password: string }> {
  const [relay] = relays;
  if (!relay) throw new Error('no relay');
  return (await relay.credentials()).smtp;
}
