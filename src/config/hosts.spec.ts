import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dnsServers, domainName, formatHostPort, listenAddress, readDomainName, readHostPort } from './hosts.js';

describe('a domain name', () => {
  it.each([
    ['Relay.Example.NET', 'relay.example.net'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['relay', 'relay'],
  ])('reads %s as %s', (text, name) => {
    expect(readDomainName(text)).toBe(name);
  });

  it.each([
    '',
    'a b',
    'a..b',
    'relay.example\r\nMAIL FROM:<>',
    '192.0.2.1',
    '192.0.2.300',
    '[192.0.2.1]',
    'a@b',
    '-a.example',
    '*',
  ])('is not %j', (text) => {
    expect(readDomainName(text)).toBeUndefined();
  });

  it('may be * only where any will do', () => {
    expect(domainName({ mayBeAny: true }).parse('*')).toBe('*');
    const refused = domainName({ mayBeAny: false }).safeParse('*');
    expect(refused.error?.issues[0]?.message).toBe('must be a domain name such as mail.example.net');
  });

  it('never lets through what would end an SMTP command', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(readDomainName(text) ?? 'none').toMatch(/^[a-z0-9._-]+$/);
      }),
    );
  });
});

describe('DNS servers', () => {
  it('are addresses with or without a port, in the form that setServers takes', () => {
    expect(dnsServers().parse('192.0.2.53, 127.0.0.1:5353,2001:DB8::1,[::1],[::1]:5353')).toEqual([
      '192.0.2.53',
      '127.0.0.1:5353',
      '2001:db8::1',
      '::1',
      '[::1]:5353',
    ]);
  });

  it.each(['dns.example', '127.0.0.1:0', '127.0.0.1:65536', '::1:5353:', '1.1.1', '[127.0.0.1]:53', 'fe80::1%eth0'])(
    'are not %s',
    (text) => {
      expect(dnsServers().safeParse(text).error?.issues[0]?.message).toMatch(
        /^must be an IP address with or without a port/,
      );
    },
  );
});

describe('an address to listen on', () => {
  it('is an IP address', () => {
    expect(['0.0.0.0', '::', '[::1]'].map((text) => listenAddress().parse(text))).toEqual(['0.0.0.0', '::', '::1']);
    expect(listenAddress().safeParse('localhost').error?.issues[0]?.message).toMatch('must be an IP address');
  });
});

describe('a host with a port', () => {
  it('is read back from what it is written as', () => {
    const host = fc.oneof(fc.ipV4(), fc.constantFrom('::', '2001:db8::1'), fc.stringMatching(/^[a-z]{1,9}\.example$/));
    fc.assert(
      fc.property(host, fc.option(fc.integer({ min: 1, max: 65_535 })), (name, port) => {
        const place = port === null ? { host: name } : { host: name, port };
        expect(readHostPort(formatHostPort(place))).toEqual(place);
      }),
    );
  });

  it('is one or none, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void readHostPort(text)));
  });
});
