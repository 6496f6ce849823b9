import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createSelfSignedCertificate } from '../../src/listeners/self-signed-certificate.js';
import type { MessageHistory } from '../../src/queue/spool.js';
import { SmallInternet } from './small-internet.js';

// Longer than it waits for what it is about to say.
jest.setTimeout(30_000);

let internet: SmallInternet;

beforeEach(async () => {
  internet = await SmallInternet.start();
});

afterEach(async () => {
  await internet.stop();
});

/** The events after acceptance, as `type code enhanced`. */
function told(history: MessageHistory): string[] {
  return history.events
    .slice(1)
    .map((event) =>
      'reply' in event && event.reply
        ? `${event.type} ${String(event.reply.code)} ${event.reply.enhanced ?? '-'}`
        : event.type,
    );
}

const hasEvent =
  (type: string) =>
  (history: MessageHistory): boolean =>
    history.events.some((event) => event.type === type);

describe('the way to an MX', () => {
  it('takes the preferred one', async () => {
    const [first, second] = [await internet.mx(0), await internet.mx(1)];
    internet.domain('dest.example', 0, 1);
    await internet.deliver();
    const id = await internet.send(['b@dest.example']);
    const history = await internet.settled(id, 'delivered');
    expect(told(history)).toEqual(['delivered 250 2.0.0']);
    expect(first.received).toHaveLength(1);
    expect(first.received[0]?.data.toString()).toMatch(/^DKIM-Signature: .*Subject: /s);
    expect(first.received[0]?.helo).toBe('relay.example');
    expect(first.received[0]?.audit.pipelined).toBe(true);
    expect(second.connections).toBe(0);
  });

  it('goes on to the second where the first is down', async () => {
    const second = await internet.mx(1);
    internet.domain('dest.example', 0, 1);
    await internet.deliver();
    await internet.settled(await internet.send(['b@dest.example']), 'delivered');
    expect(second.received).toHaveLength(1);
  });

  it.each(['421 4.3.2 busy', '554 5.7.1 not here'] as const)(
    'goes on where the first greets with %s',
    async (greeting) => {
      const first = await internet.mx(0, { greeting });
      const second = await internet.mx(1);
      internet.domain('dest.example', 0, 1);
      await internet.deliver();
      await internet.settled(await internet.send(['b@dest.example']), 'delivered');
      expect(first.connections).toBe(1);
      expect(second.received).toHaveLength(1);
    },
  );

  it('defers where one host says later and another no, and where the others cannot be asked', async () => {
    await internet.mx(0, { greeting: '421 4.3.2 busy' });
    await internet.mx(1, { greeting: '554 5.7.1 not here' });
    internet.domain('mixed.example', 0, 1);
    internet.domain('half.example', 1, 2);
    await internet.deliver();
    const mixed = await internet.until(await internet.send(['b@mixed.example']), hasEvent('deferred'));
    expect(told(mixed)).toEqual(['deferred 421 4.3.2']);
    const half = await internet.until(await internet.send(['b@half.example']), hasEvent('deferred'));
    expect(told(half)).toEqual(['deferred 451 4.4.1']);
  });

  it('bounces where every host says no', async () => {
    await internet.mx(0, { greeting: '554 5.7.1 not here' });
    await internet.mx(1, { greeting: '554 5.7.1 nor here' });
    internet.domain('dest.example', 0, 1);
    await internet.deliver();
    const history = await internet.settled(await internet.send(['b@dest.example']), 'bounced');
    expect(told(history)).toEqual(['bounced 554 5.7.1']);
  });

  it('falls back to the address of a domain without MX', async () => {
    const mx = await internet.mx(0);
    internet.dns.set('bare.example', 'A', ['127.0.0.2']);
    await internet.deliver();
    await internet.settled(await internet.send(['b@bare.example']), 'delivered');
    expect(mx.received).toHaveLength(1);
  });

  it('bounces at once for a null MX, and never connects', async () => {
    const mx = await internet.mx(0);
    internet.dns.set('null.example', 'MX', [{ exchange: '.', priority: 0 }]);
    internet.dns.set('null.example', 'A', ['127.0.0.2']);
    await internet.deliver();
    const history = await internet.settled(await internet.send(['b@null.example']), 'bounced');
    expect(told(history)).toEqual(['bounced 556 5.1.10']);
    expect(mx.connections).toBe(0);
  });

  it('bounces at once for a domain that does not exist', async () => {
    await internet.deliver();
    const history = await internet.settled(await internet.send(['b@nowhere.example']), 'bounced');
    expect(told(history)).toEqual(['bounced 550 5.1.2']);
  });

  it('defers where DNS fails or has no address', async () => {
    internet.dns.fail('broken.example', 'SERVFAIL');
    internet.dns.set('empty.example', 'TXT', ['nothing else']);
    await internet.deliver();
    for (const domain of ['broken.example', 'empty.example']) {
      const history = await internet.until(await internet.send([`b@${domain}`]), hasEvent('deferred'));
      expect(told(history)).toEqual(['deferred 451 4.4.3']);
    }
  });

  it('defers where no MX can be reached', async () => {
    internet.domain('dest.example', 0, 1);
    await internet.deliver();
    const history = await internet.until(await internet.send(['b@dest.example']), hasEvent('deferred'));
    expect(told(history)).toEqual(['deferred 451 4.4.1']);
  });

  it('goes to no private address unless it is allowed', async () => {
    const mx = await internet.mx(0);
    internet.domain('dest.example', 0);
    await internet.deliver({ POSTHORN_ALLOW_PRIVATE_MX: 'false' });
    const history = await internet.settled(await internet.send(['b@dest.example']), 'bounced');
    expect(told(history)).toEqual(['bounced 550 5.4.4']);
    expect(mx.connections).toBe(0);
  });
});

describe('what the MX says', () => {
  it('451 defers, and the next try is accepted', async () => {
    const mx = await internet.mx(0, {
      rcpt: (_address, { attempt }) => (attempt === 1 ? '451 4.7.1 greylisted' : '250 2.1.5 ok'),
    });
    internet.domain('dest.example', 0);
    // What is due in a minute is due now.
    internet.clock.offsetMs = -75_000;
    await internet.deliver();
    const history = await internet.settled(await internet.send(['b@dest.example']), 'delivered');
    expect(told(history)).toEqual(['deferred 451 4.7.1', 'delivered 250 2.0.0']);
    const [, deferred, delivered] = history.events;
    if (deferred?.type !== 'deferred' || delivered?.type !== 'delivered') throw new Error('wrong events');
    expect([deferred.attempt, delivered.attempt]).toEqual([1, 2]);
    expect(deferred.nextAttemptAt - deferred.at).toBeGreaterThanOrEqual(51_000);
    expect(deferred.nextAttemptAt - deferred.at).toBeLessThanOrEqual(69_000);
    expect(mx.received).toHaveLength(1);
  });

  it('waits as long as the MX asks', async () => {
    await internet.mx(0, { rcpt: '450 4.2.0 try again in 300 seconds' });
    internet.domain('dest.example', 0);
    await internet.deliver();
    const history = await internet.until(await internet.send(['b@dest.example']), hasEvent('deferred'));
    const [, deferred] = history.events;
    if (deferred?.type !== 'deferred') throw new Error('wrong event');
    expect(deferred.nextAttemptAt - deferred.at).toBeGreaterThanOrEqual(300_000);
  });

  it.each([
    ['at RCPT', { rcpt: '550 5.1.1 no such user' }],
    ['at MAIL', { mail: '550 5.1.1 no such user' }],
    ['at DATA', { data: '550 5.1.1 no such user' }],
    ['at the final dot', { dot: '550 5.1.1 no such user' }],
  ] as const)('550 %s settles as bounced at once', async (_stage, script) => {
    await internet.mx(0, script);
    internet.domain('dest.example', 0);
    await internet.deliver();
    const history = await internet.settled(await internet.send(['b@dest.example']), 'bounced');
    expect(told(history)).toEqual(['bounced 550 5.1.1']);
    const [, bounced] = history.events;
    expect(bounced?.type === 'bounced' && bounced.mx).toMatch(/^mx0\.example\[127\.0\.0\.2\]:\d+$/);
  });

  it('gives each of three recipients its own outcome', async () => {
    const mx = await internet.mx(0, {
      rcpt: (address) =>
        address.startsWith('later')
          ? '452 4.2.2 full'
          : address.startsWith('never')
            ? '550 5.1.1 unknown'
            : '250 2.1.5 ok',
    });
    internet.domain('dest.example', 0);
    await internet.deliver();
    const id = await internet.send(['ok@dest.example', 'later@dest.example', 'never@dest.example']);
    const history = await internet.until(id, ({ states }) => states.join() === 'delivered,deferred,bounced');
    expect(mx.received.map(({ recipients }) => recipients)).toEqual([['ok@dest.example']]);
    expect(told(history).sort()).toEqual(['bounced 550 5.1.1', 'deferred 452 4.2.2', 'delivered 250 2.0.0']);
  });

  it('sends the next message over a session whose recipients were all refused', async () => {
    const mx = await internet.mx(0, {
      rcpt: (address) => (address.startsWith('never') ? '550 5.1.1 unknown' : '250 2.1.5 ok'),
    });
    internet.domain('dest.example', 0);
    await internet.deliver();
    await internet.settled(await internet.send(['never@dest.example']), 'bounced');
    await internet.settled(await internet.send(['ok@dest.example']), 'delivered');
    expect(mx.connections).toBe(1);
  });

  it('lost after the final dot is unknown, and tried again', async () => {
    let lost = false;
    const mx = await internet.mx(0, {
      dot: () => {
        if (lost) return '250 2.0.0 ok';
        lost = true;
        return 'drop before reply';
      },
    });
    internet.domain('dest.example', 0);
    internet.clock.offsetMs = -75_000;
    await internet.deliver();
    const history = await internet.settled(await internet.send(['b@dest.example']), 'delivered');
    expect(told(history)).toEqual(['unknown 451 4.4.2', 'delivered 250 2.0.0']);
    expect(mx.received).toHaveLength(2);
  });

  it('lost before the final dot is only deferred', async () => {
    await internet.mx(0, { data: 'drop before reply' });
    internet.domain('dest.example', 0);
    await internet.deliver();
    const history = await internet.until(await internet.send(['b@dest.example']), hasEvent('deferred'));
    expect(told(history)).toEqual(['deferred 451 4.4.2']);
  });

  it('421 in the middle is believed: deferred, and the connection is over', async () => {
    await internet.mx(0, { rcpt: '421 4.7.0 too many' });
    internet.domain('dest.example', 0);
    await internet.deliver();
    const history = await internet.until(await internet.send(['b@dest.example']), hasEvent('deferred'));
    expect(told(history)).toEqual(['deferred 421 4.7.0']);
  });
});

describe('TLS', () => {
  it('is used where it is offered, whatever the certificate', async () => {
    const mx = await internet.mx(0, {}, await createSelfSignedCertificate('somebody-else.example'));
    internet.domain('dest.example', 0);
    await internet.deliver();
    await internet.settled(await internet.send(['b@dest.example']), 'delivered');
    expect(mx.received[0]?.tls).toBe('TLSv1.3');
  });

  it.each(['refuse', 'break the handshake'] as const)(
    'goes in the clear where STARTTLS is broken: %s',
    async (starttls) => {
      const mx = await internet.mx(0, { starttls });
      internet.domain('dest.example', 0);
      await internet.deliver();
      await internet.settled(await internet.send(['b@dest.example']), 'delivered');
      expect(mx.received[0]?.tls).toBeUndefined();
    },
  );

  it('is insisted on where the route requires it', async () => {
    const mx = await internet.mx(0);
    internet.domain('dest.example', 0);
    await internet.deliver({ POSTHORN_ROUTES: '*=mx?tls=require' });
    await internet.until(await internet.send(['b@dest.example']), hasEvent('deferred'));
    expect(mx.received).toHaveLength(0);
  });
});

describe('signatures', () => {
  it('are of both kinds, and counted, but only RSA where the route says so', async () => {
    const mx = await internet.mx(0);
    internet.domain('both.example', 0);
    internet.domain('rsa.example', 0);
    await internet.deliver({ POSTHORN_ROUTES: 'rsa.example=mx?dkim=rsa,*=mx' });
    for (const domain of ['both', 'rsa']) {
      await internet.settled(await internet.send([`b@${domain}.example`]), 'delivered');
    }
    const algorithms = mx.received.map(({ data }) =>
      data.toString().match(/(?<=^DKIM-Signature: v=1; a=)[a-z0-9-]+/gm),
    );
    expect(algorithms).toEqual([['rsa-sha256', 'ed25519-sha256'], ['rsa-sha256']]);
    const { values } = await internet.metrics.dkimSignatures.get();
    expect(values.map(({ labels, value }) => [labels.algorithm, value])).toEqual([
      ['rsa-sha256', 2],
      ['ed25519-sha256', 1],
    ]);
    expect(mx.connections).toBe(2);
  });

  it('are left away, and the mail is delivered, where the account has no domain any more', async () => {
    const mx = await internet.mx(0);
    internet.domain('dest.example', 0);
    const id = await internet.send(['b@dest.example']);
    await internet.removeSender();
    await internet.deliver();
    await internet.settled(id, 'delivered');
    expect(mx.received[0]?.data.toString()).toMatch(/^X-Posthorn-Ref: \S+\r\nSubject: /);
  });
});

describe('connections', () => {
  it('are reused, and closed after 20 messages', async () => {
    const mx = await internet.mx(0);
    internet.domain('dest.example', 0);
    await internet.deliver();
    for (let i = 0; i < 41; i++) await internet.settled(await internet.send(['b@dest.example']), 'delivered');
    expect(mx.received).toHaveLength(41);
    expect(mx.connections).toBe(3);
  });

  it('that the MX ends with a 421 after a message cost no attempt', async () => {
    const mx = await internet.mx(0, { closeAfterMessages: 1 });
    internet.domain('dest.example', 0);
    await internet.deliver();
    await internet.settled(await internet.send(['b@dest.example']), 'delivered');
    const history = await internet.settled(await internet.send(['b@dest.example']), 'delivered');
    expect(told(history)).toEqual(['delivered 250 2.0.0']);
    expect(mx.connections).toBe(2);
  });

  it('that are warm bounce what the server or a command cannot take, once, and go on', async () => {
    const mx = await internet.mx(0, { without: ['SIZE'] });
    internet.domain('dest.example', 0);
    await internet.deliver();
    await internet.settled(await internet.send(['b@dest.example']), 'delivered');
    const history = await internet.settled(await internet.send(['"a>b"@dest.example']), 'bounced');
    expect(told(history)).toEqual(['bounced 553 5.1.3']);
    await internet.settled(await internet.send(['c@dest.example']), 'delivered');
    expect(mx.connections).toBe(1);
    expect(mx.transactions).toBe(2);
  });

  it('carry 200 messages to a slow MX side by side, while another domain is not held up', async () => {
    await internet.mx(0, { delaysMs: { dot: 20 } });
    const quick = await internet.mx(1);
    internet.domain('slow.example', 0);
    internet.domain('quick.example', 1);
    await internet.deliver();
    const ids = await Promise.all(Array.from({ length: 200 }, () => internet.send(['b@slow.example'])));
    await internet.settled(await internet.send(['b@quick.example']), 'delivered');
    expect(quick.received).toHaveLength(1);
    for (const id of ids) await internet.settled(id, 'delivered');
  });
});

describe('time', () => {
  it('expires what waits, whether or not a retry comes round', async () => {
    await internet.mx(0, { rcpt: '451 4.3.0 never' });
    internet.domain('dest.example', 0);
    await internet.deliver();
    const id = await internet.send(['b@dest.example'], 'default', 600_000);
    await internet.until(id, hasEvent('deferred'));
    internet.clock.offsetMs = 601_000;
    const history = await internet.settled(id, 'expired');
    expect(told(history)).toEqual(['deferred 451 4.3.0', 'expired 451 4.3.0']);
  });

  it('lets critical mail be tried again after 15 s', async () => {
    await internet.mx(0, { rcpt: '451 4.3.0 later' });
    internet.domain('dest.example', 0);
    await internet.deliver();
    const history = await internet.until(await internet.send(['b@dest.example'], 'critical'), hasEvent('deferred'));
    const [, deferred] = history.events;
    if (deferred?.type !== 'deferred') throw new Error('wrong event');
    expect(deferred.nextAttemptAt - deferred.at).toBeLessThanOrEqual(17_250);
  });
});

describe('a drain', () => {
  it('does not wait for a server that says nothing, and gives its message back untouched', async () => {
    const silent = await internet.mx(0, { silent: true });
    internet.domain('dest.example', 0);
    await internet.deliver();
    const id = await internet.send(['b@dest.example']);
    while (silent.connections === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await internet.drain();
    expect((await internet.spool.read(id))?.states).toEqual(['queued']);
  });
});
