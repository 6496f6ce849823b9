/** `/v1/suppressions` over HTTP, with a real Redis behind it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RunningApi, type Answer } from '../../test/http-api/running-api.js';

let api: RunningApi;
let accounts = 0;

beforeAll(async () => {
  api = await RunningApi.start();
});
afterAll(() => api.stop());

const isoTime = expect.stringMatching(/^\d{4}-.*Z$/);
const id = expect.stringMatching(/^cred_/);
const path = '/v1/suppressions';

/** An account of its own, with a key for its suppressions. */
async function account(): Promise<{ name: string; ask: typeof api.request }> {
  const name = `shop-${++accounts}`;
  const key = await api.keyWith(['suppressions'], name);
  return { name, ask: (method, at, options) => api.request(method, at, { key, ...options }) };
}

const addresses = ({ json }: Answer): string[] => (json.data as { address: string }[]).map(({ address }) => address);

describe('/v1/suppressions', () => {
  it('holds an address back by hand, shows it, and takes it off the list with the reason kept', async () => {
    const { name, ask } = await account();
    const added = await ask('POST', path, { body: { address: 'Ann@BÜCHER.example', because: 'asked by phone' } });
    const ann = {
      address: 'ann@xn--bcher-kva.example',
      reason: 'manual',
      because: 'asked by phone',
      since: isoTime,
      until: null,
      addedBy: id,
    };
    expect([added.status, added.json]).toEqual([201, ann]);
    expect((await ask('GET', path)).json).toEqual({ data: [added.json], cursor: null });
    expect((await ask('GET', `${path}/ann@b%C3%BCcher.example`)).json).toEqual({ data: [added.json] });

    const because = 'she has called again';
    const removed = await ask('DELETE', `${path}/ANN@xn--bcher-kva.example?reason=${encodeURIComponent(because)}`);
    expect([removed.status, removed.text]).toEqual([204, '']);
    expect((await ask('GET', path)).json).toEqual({ data: [], cursor: null });
    const former = { ...ann, reactivated: { at: isoTime, because, by: id } };
    expect((await ask('GET', `${path}?state=reactivated`)).json).toEqual({ data: [former], cursor: null });
    expect((await ask('GET', `${path}/ann@b%C3%BCcher.example`)).json).toEqual({ data: [former] });
    const again = await ask('DELETE', `${path}/ann@xn--bcher-kva.example`);
    expect([again.status, again.json.code]).toEqual([404, 'not_found']);

    const events = await api.request('GET', `/v1/accounts/${name}/events`);
    const told = { id: expect.any(String), at: isoTime, by: id, address: ann.address, addresses: 1 };
    expect(events.json.data).toEqual([
      { ...told, type: 'suppression.added', because: 'asked by phone' },
      { ...told, type: 'suppression.removed', because },
    ]);
    expect(await api.counted('posthorn_suppressions_total', { reason: 'manual' })).toBeGreaterThan(0);
  });

  it('answers a repeated request with 200 and changes nothing', async () => {
    const { ask } = await account();
    const body = { address: 'ann@example.net', reason: 'unknown_recipient', because: 'from the old relay' };
    const first = await ask('POST', path, { body });
    const second = await ask('POST', path, { body });
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.json).toEqual(first.json);
    expect(addresses(await ask('GET', path))).toEqual(['ann@example.net']);
  });

  it('holds back only what it is told to, until when it is told to', async () => {
    const { ask } = await account();
    const body = { address: 'ann@example.net', streams: ['bulk', 'bulk'], expiresIn: 3600, reason: 'On holiday' };
    const { json } = await ask('POST', path, { body });
    expect(json).toMatchObject({ reason: 'manual', because: 'On holiday', streams: ['bulk'] });
    expect(Date.parse(String(json.until)) - Date.parse(String(json.since))).toBeLessThanOrEqual(3_600_000);
    const until = '2099-01-31T12:00:00.000Z';
    const other = await ask('POST', path, { body: { address: 'bob@example.net', until } });
    expect(other.json.until).toBe(until);
    const full = await ask('POST', path, { body: { address: 'cid@example.net', reason: 'mailbox_full' } });
    const lasts = Date.parse(String(full.json.until)) - Date.parse(String(full.json.since));
    expect(lasts).toBe(14 * 86_400_000);
  });

  it('takes a list of a thousand at once, and pages through them', async () => {
    const { name, ask } = await account();
    const body = Array.from({ length: 1_000 }, (_, i) => ({
      address: `u${String(i).padStart(4, '0')}@example.net`,
      reason: i % 100 === 7 ? 'complaint' : 'unknown_recipient',
    }));
    const added = await ask('POST', path, { body });
    expect([added.status, added.json.added]).toEqual([201, 1_000]);
    expect((await ask('POST', path, { body: body.slice(0, 3) })).json).toMatchObject({ added: 0 });

    const seen: string[] = [];
    let cursor: string | null = '';
    for (let pages = 0; cursor !== null; pages++) {
      expect(pages).toBeLessThan(5);
      const page = await ask('GET', `${path}?limit=300${cursor && `&cursor=${cursor}`}`);
      seen.push(...addresses(page));
      // What comes and goes meanwhile does not shift the pages.
      await ask('DELETE', `${path}/u0000@example.net`);
      cursor = page.json.cursor as string | null;
    }
    expect(seen).toEqual(body.map(({ address }) => address));
    const complaints = await ask('GET', `${path}?reason=complaint&limit=4`);
    expect(addresses(complaints)).toEqual([7, 107, 207, 307].map((i) => `u0${String(i).padStart(3, '0')}@example.net`));
    const rest = await ask('GET', `${path}?reason=complaint&cursor=${String(complaints.json.cursor)}`);
    expect([addresses(rest).length, rest.json.cursor]).toEqual([6, null]);
    const one = await ask('GET', `${path}?address=U0008@example.net`);
    expect([addresses(one), one.json.cursor]).toEqual([['u0008@example.net'], null]);
    expect(addresses(await ask('GET', `${path}?address=u0008@example.net&reason=complaint`))).toEqual([]);
    const events = await api.request('GET', `/v1/accounts/${name}/events`);
    expect((events.json.data as object[])[0]).toMatchObject({ type: 'suppression.added', addresses: 1_000 });
  });

  it('takes the reason of a removal in the body as well, and none', async () => {
    const { ask } = await account();
    const list = [{ address: 'a@example.net' }, { address: 'b@example.net' }];
    await ask('POST', path, { body: list });
    expect((await ask('DELETE', `${path}/a@example.net`, { body: { reason: 'works again' } })).status).toBe(204);
    expect((await ask('DELETE', `${path}/b@example.net`)).status).toBe(204);
    const { json } = await ask('GET', `${path}?state=reactivated`);
    const reasons = (json.data as { reactivated: { because: string } }[]).map(({ reactivated }) => reactivated.because);
    expect(reasons).toEqual(['works again', 'no reason was given']);
  });

  it('is of one account: another neither sees nor changes it, but an admin who names it', async () => {
    const [one, other] = [await account(), await account()];
    await one.ask('POST', path, { body: { address: 'ann@example.net' } });
    expect(addresses(await other.ask('GET', path))).toEqual([]);
    expect((await other.ask('DELETE', `${path}/ann@example.net`)).status).toBe(404);
    const refused = await other.ask('GET', `${path}?account=${one.name}`);
    expect([refused.status, refused.json.code]).toEqual([403, 'missing_scope']);
    expect(addresses(await api.request('GET', `${path}?account=${one.name}`))).toEqual(['ann@example.net']);
    expect((await api.request('DELETE', `${path}/ann@example.net?account=${one.name}`)).status).toBe(204);
    expect((await api.request('POST', `${path}?account=nobody`, { body: { address: 'a@b.example' } })).status).toBe(
      404,
    );
  });

  it('is told of in the answer to a message, at once', async () => {
    const body = [{ address: 'ann@example.net' }, { address: 'bob@example.net', streams: ['bulk'] }];
    expect((await api.request('POST', path, { body })).status).toBe(201);
    const mail = { from: 'shop@example.org', to: ['Ann@Example.net', 'bob@example.net'], text: 'x' };
    const states = async (more: object = {}) => {
      const { status, json } = await api.request('POST', '/v1/messages', { body: { ...mail, ...more } });
      expect(status).toBe(202);
      return (json.recipients as { state: string }[]).map(({ state }) => state);
    };
    expect(await states()).toEqual(['suppressed', 'queued']);
    expect(await states({ stream: 'bulk' })).toEqual(['suppressed', 'suppressed']);
    await api.request('DELETE', `${path}/ann@example.net`);
    expect(await states()).toEqual(['queued', 'queued']);
  });

  it('goes with its account', async () => {
    const { name, ask } = await account();
    await ask('POST', path, { body: [{ address: 'a@example.net' }, { address: 'b@example.net' }] });
    await ask('DELETE', `${path}/a@example.net`);
    expect((await api.request('DELETE', `/v1/accounts/${name}`)).status).toBe(204);
    expect(await api.redisClient.keys(`*suppressions:${name}*`)).toEqual([]);
  });

  it.each([
    ['POST', '', {}, 'address', 'must be given'],
    ['POST', '', { address: 'ann' }, 'address', '"ann" is no mail address'],
    ['POST', '', { address: '*@b.example' }, 'address', 'a whole domain cannot be suppressed'],
    ['POST', '', { address: 'a@b.example', streams: 'bulk' }, 'streams', 'must be a list'],
    ['GET', '?reason=manual&reason=complaint', undefined, 'reason', 'stands in the query more than once: say one'],
    ['GET', '/no-address', undefined, 'address', '"no-address" is no mail address'],
    ['DELETE', '/no-address', undefined, 'address', '"no-address" is no mail address'],
    ['GET', '/%00', undefined, 'address', 'is no mail address'],
    ['DELETE', '/x@%2e%2e', undefined, 'address', '"x@.." is no mail address'],
    ['POST', '', { address: 'a@b.example', reason: 'unknown_recipent' }, 'reason', 'must be one of unknown_recipient,'],
    ['POST', '', { address: 'a@b.example', because: 'a\nb' }, 'because', 'must be one line'],
    ['POST', '', { address: 'a@b.example', reason: 'she said so', because: 'x y' }, 'because', 'must not stand beside'],
    ['POST', '', { address: 'a@b.example', streams: ['slow'] }, 'streams.0', 'must be one of critical, default, bulk'],
    ['POST', '', { address: 'a@b.example', streams: [] }, 'streams', 'must not be empty'],
    ['POST', '', { address: 'a@b.example', until: 'tomorrow' }, 'until', 'must be a time with its zone'],
    ['POST', '', { address: 'a@b.example', until: '2020-01-01T00:00:00Z' }, 'until', 'must be in the future'],
    ['POST', '', { address: 'a@b.example', expiresIn: 0 }, 'expiresIn', 'must be at least 1'],
    ['POST', '', { address: 'a@b.example', stream: 'bulk' }, 'stream', 'is no field that is taken here'],
    ['POST', '', [], '', 'must not be empty'],
    ['POST', '', Array.from({ length: 1_001 }, () => ({ address: 'a@b.example' })), '', 'must be at most 1000 items'],
    ['POST', '', [{ address: 'a@b.example' }, { address: 'b@' }], '1.address', '"b@" is no mail address'],
    ['GET', '?limit=0', undefined, 'limit', 'must be a number from 1 to 1000'],
    ['GET', '?limit=ten', undefined, 'limit', 'must be a number from 1 to 1000'],
    ['GET', '?cursor=%2F', undefined, 'cursor', 'must be the cursor of an earlier page'],
    ['GET', '?cursor=garbage', undefined, 'cursor', 'must be the cursor of an earlier page'],
    ['GET', '?state=gone', undefined, 'state', 'must be one of suppressed, reactivated'],
    ['GET', '?reason=because', undefined, 'reason', 'must be one of'],
    ['GET', '?colour=red', undefined, 'colour', 'is no field'],
    ['DELETE', '/a@b.example?reason=a%0Ab', undefined, 'reason', 'must be one line'],
    ['DELETE', '/a@b.example?reason=one', { reason: 'two' }, 'reason', 'say one'],
    ['DELETE', '/a@b.example', { because: 'two' }, 'because', 'is no field'],
  ])('refuses %s %s with %j', async (method, at, body, where, message) => {
    const answer = await api.request(method, `${path}${at}`, { body });
    expect([answer.status, answer.json.code]).toEqual([422, 'invalid_input']);
    expect(answer.json.errors).toEqual([{ path: where, message: expect.stringContaining(message) }]);
  });

  it.each(['/nobody@example.net', '/__proto__@example.net'])('says that %s is not suppressed', async (at) => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await api.request(method, `${path}${at}`);
      expect([answer.status, answer.json.code]).toEqual([404, 'not_found']);
    }
  });

  it.each([
    ['GET', ''],
    ['POST', ''],
    ['GET', '/a@b.example'],
    ['DELETE', '/a@b.example'],
  ])('is for the scope suppressions: %s %s', async (method, at) => {
    const key = await api.keyWith(['send', 'read', 'domains', 'webhooks', 'templates']);
    const answer = await api.request(method, `${path}${at}`, { key });
    expect([answer.status, answer.json.detail]).toEqual([403, 'This API key lacks the scope suppressions']);
  });
});
