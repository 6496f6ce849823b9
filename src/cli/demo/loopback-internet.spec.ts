import { afterEach, describe, expect, it } from '@jest/globals';
import { promises } from 'node:dns';
import { DnsResolver } from '../../network/dns-resolver.js';
import { openDestination } from '../../delivery/open-session.js';
import { startLoopbackInternet, type LoopbackInternet } from './loopback-internet.js';

let internet: LoopbackInternet;

afterEach(async () => {
  await internet.close();
});

/** Sends as the delivery workers do, and tells each recipient's outcome and the host that spoke. */
async function deliver(domain: string, recipients: readonly string[]): Promise<string[]> {
  const opening = await openDestination(
    { kind: 'mx', key: `mx:${domain}`, domain, tls: 'opportunistic' },
    {
      hostname: 'relay.shop.example',
      mxPort: internet.mxPort,
      allowPrivateMx: true,
      resolver: new DnsResolver([internet.dns.server]),
      signal: new AbortController().signal,
    },
  );
  if (opening.kind === 'failed') return [`${opening.outcome.kind} ${opening.outcome.reply.code}`];
  const { session } = opening;
  const { outcomes } = await session.transfer('a@shop.example', recipients, Buffer.from('Subject: a\r\n\r\nb\r\n'));
  session.quit();
  const host = session.label.replace(/\[.*/, '');
  return [...outcomes.values()].map(({ kind, reply }) => `${kind} ${reply.code} by ${host}`);
}

describe.each([
  {
    machine: 'a machine with many loopback addresses',
    addressesMax: Infinity,
    addresses: process.platform === 'linux' ? 5 : 1,
  },
  { machine: 'a machine with one loopback address', addressesMax: 1, addresses: 1 },
])('the small internet on $machine', ({ addressesMax, addresses }) => {
  it('has servers that answer by recipient, whichever address they share', async () => {
    internet = await startLoopbackInternet(addressesMax);
    expect(internet.mxAddresses).toHaveLength(addresses);
    const fates = await deliver('campus.example', ['cleo@campus.example', 'dan@campus.example', 'x@campus.example']);
    expect(fates).toEqual([
      'delivered 250 by mx.campus.example',
      'bounced 550 by mx.campus.example',
      'bounced 550 by mx.campus.example',
    ]);
    expect(internet.receivedFor('cleo@campus.example')?.data.toString()).toBe('Subject: a\r\n\r\nb\r\n');
    expect(internet.receivedFor('dan@campus.example')).toBeUndefined();
  });

  it('greylists once, and refuses a message that it has read', async () => {
    internet = await startLoopbackInternet(addressesMax);
    expect(await deliver('atelier.example', ['owner@atelier.example'])).toEqual(['deferred 451 by mx.atelier.example']);
    expect(await deliver('atelier.example', ['owner@atelier.example'])).toEqual([
      'delivered 250 by mx.atelier.example',
    ]);
    expect(await deliver('fortress.example', ['hal@fortress.example'])).toEqual(['bounced 550 by mx.fortress.example']);
    expect(internet.receivedFor('hal@fortress.example')).toBeUndefined();
  });

  it('has a domain whose first server is down', async () => {
    internet = await startLoopbackInternet(addressesMax);
    expect(await deliver('harbour.example', ['ben@harbour.example'])).toEqual(['delivered 250 by mx2.harbour.example']);
  });

  it('knows its own domains only', async () => {
    internet = await startLoopbackInternet(addressesMax);
    const resolver = new promises.Resolver();
    resolver.setServers([internet.dns.server]);
    await expect(resolver.resolveMx('example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(await deliver('parked.example', ['ida@parked.example'])).toEqual(['bounced 556']);
    expect(await deliver('caffe.example', ['jon@caffe.example'])).toEqual(['bounced 550']);
  });
});
