import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import dnsPacket, { type DecodedPacket, type Packet } from 'dns-packet';
import { startDns, type ScriptedDns } from './scripted-dns.js';

let dns: ScriptedDns;
let resolver: Resolver;

beforeEach(async () => {
  dns = await startDns();
  resolver = new Resolver({ timeout: 100, tries: 1 });
  resolver.setServers([dns.server]);
});

afterEach(async () => {
  resolver.cancel();
  await dns.close();
});

/** One datagram there and back. */
async function ask(packet: Packet): Promise<DecodedPacket> {
  const [address, port] = dns.server.split(':');
  const socket = createSocket('udp4');
  try {
    socket.send(dnsPacket.encode({ id: 7, type: 'query', ...packet }), Number(port), address);
    const [bytes] = (await once(socket, 'message')) as [Buffer];
    return dnsPacket.decode(bytes);
  } finally {
    socket.close();
  }
}

describe('a name that the DNS was told', () => {
  it('answers every type that mail needs', async () => {
    const certificate = Buffer.from('ab'.repeat(32), 'hex');
    dns.set('example.test', 'MX', [
      { exchange: 'mx1.example.test', priority: 10 },
      { exchange: 'mx2.example.test', priority: 20 },
    ]);
    dns.set('mx1.example.test', 'A', ['127.0.0.2', '127.0.0.3']);
    dns.set('mx1.example.test', 'AAAA', ['::1']);
    dns.set('example.test', 'TXT', ['v=spf1 -all', 'another']);
    dns.set('2.0.0.127.in-addr.arpa', 'PTR', ['mx1.example.test']);
    const service = { priority: 0, weight: 1, port: 993, name: 'mail.example.test' };
    dns.set('_imaps._tcp.example.test', 'SRV', [service]);
    dns.set('_25._tcp.mx1.example.test', 'TLSA', [{ usage: 3, selector: 1, matchingType: 1, certificate }]);

    expect(await resolver.resolveMx('example.test')).toMatchObject([
      { exchange: 'mx1.example.test', priority: 10 },
      { exchange: 'mx2.example.test', priority: 20 },
    ]);
    expect(await resolver.resolve4('mx1.example.test')).toEqual(['127.0.0.2', '127.0.0.3']);
    expect(await resolver.resolve6('mx1.example.test')).toEqual(['::1']);
    expect(await resolver.resolveTxt('example.test')).toEqual([['v=spf1 -all'], ['another']]);
    expect(await resolver.reverse('127.0.0.2')).toEqual(['mx1.example.test']);
    expect(await resolver.resolveSrv('_imaps._tcp.example.test')).toEqual([expect.objectContaining(service)]);
    const tlsa = await resolver.resolveTlsa('_25._tcp.mx1.example.test');
    expect(tlsa).toMatchObject([{ certUsage: 3, selector: 1, match: 1 }]);
    expect(Buffer.from(tlsa[0]?.data ?? new ArrayBuffer())).toEqual(certificate);
  });

  it('cuts a long TXT, such as a DKIM key, into strings of 255 octets', async () => {
    const key = `v=DKIM1; k=rsa; p=${'A'.repeat(392)}`;
    dns.set('s1._domainkey.example.test', 'TXT', [key]);
    const [strings = []] = await resolver.resolveTxt('s1._domainkey.example.test');
    expect(strings.map((each) => each.length)).toEqual([255, 155]);
    expect(strings.join('')).toBe(key);
  });

  it('knows the null MX', async () => {
    dns.set('nomail.test', 'MX', [{ exchange: '.', priority: 0 }]);
    expect(await resolver.resolveMx('nomail.test')).toMatchObject([{ exchange: '', priority: 0 }]);
  });

  it('is found in any case and with a final dot, and its case comes back as it was asked', async () => {
    dns.set('Example.TEST.', 'A', ['127.0.0.2']);
    expect(await resolver.resolve4('eXAMPLE.test.')).toEqual(['127.0.0.2']);
    const answer = await ask({ questions: [{ name: 'eXaMpLe.TeSt', type: 'A' }] });
    expect(answer.questions).toMatchObject([{ name: 'eXaMpLe.TeSt' }]);
    expect(answer.answers).toMatchObject([{ name: 'eXaMpLe.TeSt', data: '127.0.0.2', ttl: 0 }]);
  });

  it('has no data for the types that it was not told', async () => {
    dns.set('example.test', 'A', ['127.0.0.2']);
    await expect(resolver.resolveMx('example.test')).rejects.toMatchObject({ code: 'ENODATA' });
    dns.set('example.test', 'A', []);
    await expect(resolver.resolve4('example.test')).rejects.toMatchObject({ code: 'ENODATA' });
  });

  it('answers with what it was told last', async () => {
    dns.set('example.test', 'A', ['127.0.0.2']);
    expect(await resolver.resolve4('example.test')).toEqual(['127.0.0.2']);
    dns.set('example.test', 'A', ['127.0.0.3']);
    expect(await resolver.resolve4('example.test')).toEqual(['127.0.0.3']);
    dns.delete('EXAMPLE.test');
    await expect(resolver.resolve4('example.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });
});

describe('a CNAME', () => {
  it('is followed in the answer', async () => {
    dns.set('www.example.test', 'CNAME', ['alias.example.test']);
    dns.set('alias.example.test', 'CNAME', ['host.example.test']);
    dns.set('host.example.test', 'A', ['127.0.0.2']);
    expect(await resolver.resolve4('www.example.test')).toEqual(['127.0.0.2']);
    expect(await resolver.resolveCname('www.example.test')).toEqual(['alias.example.test']);
    const { answers } = await ask({ questions: [{ name: 'www.example.test', type: 'A' }] });
    expect(answers.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'www.example.test CNAME',
      'alias.example.test CNAME',
      'host.example.test A',
    ]);
  });

  it('fails as its target does', async () => {
    dns.set('www.example.test', 'CNAME', ['host.example.test']);
    await expect(resolver.resolve4('www.example.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    dns.fail('host.example.test', 'SERVFAIL');
    await expect(resolver.resolve4('www.example.test')).rejects.toMatchObject({ code: 'ESERVFAIL' });
  });

  it('that points at itself is SERVFAIL, not an endless loop', async () => {
    dns.set('a.test', 'CNAME', ['b.test']);
    dns.set('b.test', 'CNAME', ['a.test']);
    await expect(resolver.resolve4('a.test')).rejects.toMatchObject({ code: 'ESERVFAIL' });
  });
});

describe('a name that the DNS was not told', () => {
  it('does not exist', async () => {
    dns.set('mx.example.test', 'A', ['127.0.0.2']);
    for (const name of ['example.test', 'other.test', 'gmail.com']) {
      await expect(resolver.resolveMx(name)).rejects.toMatchObject({ code: 'ENOTFOUND' });
    }
    expect(dns.queries).toEqual([
      { name: 'example.test', type: 'MX' },
      { name: 'other.test', type: 'MX' },
      { name: 'gmail.com', type: 'MX' },
    ]);
  });
});

describe('a name that fails', () => {
  it('fails as the script says until it is deleted', async () => {
    dns.set('example.test', 'A', ['127.0.0.2']);
    dns.fail('example.test', 'SERVFAIL');
    await expect(resolver.resolve4('example.test')).rejects.toMatchObject({ code: 'ESERVFAIL' });
    dns.fail('example.test', 'timeout');
    await expect(resolver.resolve4('example.test')).rejects.toMatchObject({ code: 'ETIMEOUT' });
    dns.delete('example.test');
    await expect(resolver.resolve4('example.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });
});

describe('an answer too large for a datagram', () => {
  const addresses = Array.from({ length: 500 }, (_, i) => `127.1.${i >> 8}.${i & 255}`);

  it('comes over TCP', async () => {
    dns.set('many.test', 'A', addresses);
    expect(await resolver.resolve4('many.test')).toEqual(addresses);
    expect(dns.queries).toHaveLength(2);
  });

  it('is truncated at 512 octets, or at what EDNS allows', async () => {
    dns.set('some.test', 'A', addresses.slice(0, 30));
    const questions = [{ name: 'some.test', type: 'A' }];
    const plain = await ask({ questions });
    expect(plain).toMatchObject({ flag_tc: true, answers: [], additionals: [] });
    const opt = { name: '.' as const, type: 'OPT' as const, udpPayloadSize: 4096 };
    const extended = await ask({ questions, additionals: [opt] });
    expect(extended).toMatchObject({ flag_tc: false, additionals: [{ type: 'OPT', udpPayloadSize: 1232 }] });
    expect(extended.answers).toHaveLength(30);
  });

  it('is refused when it is set, where TCP could not carry it either', () => {
    const tooMany = Array.from({ length: 3000 }, () => '127.0.0.2');
    expect(() => dns.set('many.test', 'A', tooMany)).toThrow('many.test A');
  });
});

describe('over TCP', () => {
  it('answers several questions of one connection, however they are cut into segments', async () => {
    dns.set('a.test', 'A', ['127.0.0.2']);
    const framed = ['a.test', 'b.test'].map((name, id) => {
      const bytes = dnsPacket.encode({ id, type: 'query', questions: [{ name, type: 'A' }] });
      return Buffer.concat([Buffer.from([0, bytes.length]), bytes]);
    });
    const [address, port] = dns.server.split(':');
    const socket = connect(Number(port), address).setNoDelay(true);
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])));
    for (const octet of Buffer.concat(framed)) {
      await new Promise((resolve) => socket.write(Buffer.from([octet]), resolve));
    }
    const answers: DecodedPacket[] = [];
    while (answers.length < 2) {
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) {
        await once(socket, 'data');
        continue;
      }
      answers.push(dnsPacket.decode(received.subarray(2, 2 + received.readUInt16BE(0))));
      received = received.subarray(2 + received.readUInt16BE(0));
    }
    socket.destroy();
    expect(answers).toMatchObject([
      { id: 0, rcode: 'NOERROR', answers: [{ data: '127.0.0.2' }] },
      { id: 1, rcode: 'NXDOMAIN', answers: [] },
    ]);
  });
});

describe('what is no question', () => {
  it('gets no answer, and the server lives on', async () => {
    const [address, port] = dns.server.split(':');
    const udp = createSocket('udp4');
    for (const junk of ['', 'x', 'this is not DNS at all, not by any reading of it', '\0'.repeat(600)]) {
      await new Promise((resolve) => udp.send(junk, Number(port), address, resolve));
    }
    udp.close();
    const tcp = connect(Number(port), address);
    await once(tcp, 'connect');
    tcp.write(Buffer.from([0, 3, 1, 2, 3]));
    tcp.resetAndDestroy();
    dns.set('example.test', 'A', ['127.0.0.2']);
    expect(await resolver.resolve4('example.test')).toEqual(['127.0.0.2']);
  });
});
