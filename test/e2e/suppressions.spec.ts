/** A suppressed address is refused within a second on every process: two whole relays on one Redis. */
import { afterEach, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { OwnedRedis } from './owned-redis.js';
import { RawSmtp } from './raw-smtp.js';
import { RunningPosthorn } from './running-posthorn.js';
import { withPatience } from '../patience.js';

const POLL_MS = 20;
const HELD_BACK_WITHIN_MS = 1_000;

let redis: OwnedRedis | undefined;
let relays: RunningPosthorn[] = [];
let clients: RawSmtp[] = [];

afterEach(async () => {
  for (const client of clients) client.close();
  for (const relay of relays) await relay.dispose();
  await redis?.dispose();
  [relays, clients, redis] = [[], [], undefined];
});

it('an address that one relay was told of is refused at the doors of another within a second, and taken again', async () => {
  redis = await OwnedRedis.start();
  const settings = {
    POSTHORN_REDIS_URL: redis.url,
    POSTHORN_TRUSTED_NETWORKS: '127.0.0.0/8',
    POSTHORN_ROUTES: '*=smtp://127.0.0.1:9?tls=none',
  };
  for (let i = 0; i < 2; i++) relays.push(await RunningPosthorn.start(settings));
  const [told, other] = relays;
  if (!told || !other) throw new Error('there are no two');
  await told.api('PATCH', '/v1/accounts/default', { suppressedRecipients: 'refuse' });
  for (const { ports } of relays) clients.push(await RawSmtp.session(ports.trusted));

  const askedOf = async (client: RawSmtp) => {
    await client.commands('RSET', 'MAIL FROM:<shop@example.org>');
    return (await client.command('RCPT TO:<Ann@example.net>')).text;
  };
  /** How long after now the last RCPT was sent that was answered otherwise. */
  const lastOtherMs = async (client: RawSmtp, wanted: string): Promise<number> => {
    const since = performance.now();
    for (let last = 0; ; await sleep(POLL_MS)) {
      const sentAt = performance.now() - since;
      if ((await askedOf(client)).startsWith(wanted)) return last;
      if (sentAt > withPatience(HELD_BACK_WITHIN_MS)) return Infinity;
      last = sentAt;
    }
  };

  for (const client of clients) expect(await askedOf(client)).toMatch(/^250 /);
  const added = await told.api('POST', '/v1/suppressions', { address: 'ann@example.net', because: 'asked by phone' });
  expect(added.status).toBe(201);
  for (const late of await Promise.all(clients.map((client) => lastOtherMs(client, '550 5.7.1 '))))
    expect(late).toBeLessThan(withPatience(HELD_BACK_WITHIN_MS));
  expect(await told.metric('posthorn_suppressions_total', 'reason="manual"')).toBe(1);

  expect((await told.api('DELETE', '/v1/suppressions/ann@example.net?reason=works')).status).toBe(204);
  for (const late of await Promise.all(clients.map((client) => lastOtherMs(client, '250 '))))
    expect(late).toBeLessThan(withPatience(HELD_BACK_WITHIN_MS));
});
