/** An account whose mail is suddenly not what it was: told, and suspended where it wants that. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningPosthorn } from './running-posthorn.js';

const TOLD_WITHIN_MS = 60_000;
const POLL_MS = 100;

let posthorn: RunningPosthorn | undefined;

afterEach(async () => {
  await posthorn?.dispose();
});

describe('an account', () => {
  it('that sends many times what it ever sent is told of, counted and suspended', async () => {
    const relay = (posthorn = await RunningPosthorn.start({ POSTHORN_ROUTES: '*=smtp://127.0.0.1:9?tls=none' }));
    const watch = { volumeFactor: 1.01, action: 'suspend' };
    expect((await relay.api('PATCH', '/v1/accounts/default', { watch })).status).toBe(200);
    const message = { from: 'shop@example.org', to: 'ann@example.net', text: 'Hello' };
    // An account without a past is held against a hundred messages an hour.
    for (let i = 0; i < 101; i++) expect((await relay.api('POST', '/v1/messages', message)).status).toBe(202);

    const giveUpAt = Date.now() + TOLD_WITHIN_MS;
    let answer = await relay.api('POST', '/v1/messages', message);
    while (answer.status === 202 && Date.now() < giveUpAt) {
      await sleep(POLL_MS);
      answer = await relay.api('POST', '/v1/messages', message);
    }
    expect(answer).toMatchObject({ status: 403, json: { code: 'account_suspended' } });
    const { json } = await relay.api('GET', '/v1/accounts/default/events');
    expect(json.data).toEqual([
      expect.objectContaining({ type: 'account.suspended' }),
      expect.objectContaining({ type: 'account.alert', kind: 'volume_jump' }),
    ]);
    expect(await relay.metric('posthorn_account_alerts_total', 'kind="volume_jump"')).toBe(1);
  });
});
