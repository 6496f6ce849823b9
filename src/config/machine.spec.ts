import { describe, expect, it } from '@jest/globals';
import { fullName, mayBindLowPorts, thisMachine } from './machine.js';

describe('the name of a machine', () => {
  const hosts = '127.0.0.1 localhost # relay.wrong\n192.0.2.7\trelay.example.net relay\n::1 ip6-localhost';

  it('is the first name with a dot on its line of the hosts file', () => {
    expect(fullName('relay', hosts)).toBe('relay.example.net');
  });

  it('is its host name where that is full already, or where nothing else is known', () => {
    expect(fullName('a.example', hosts)).toBe('a.example');
    expect([fullName('other', hosts), fullName('other', undefined)]).toEqual(['other', 'other']);
  });
});

describe('ports below 1024', () => {
  const nothingKnown = { uid: 1000, processStatus: undefined, unprivilegedPortStart: undefined };
  const status = (capabilities: string) => `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${capabilities}\n`;

  it('are for root', () => {
    expect(mayBindLowPorts({ ...nothingKnown, uid: 0 })).toBe(true);
    expect(mayBindLowPorts(nothingKnown)).toBe(false);
  });

  it('are for whoever has CAP_NET_BIND_SERVICE, and not for a root without it', () => {
    expect(mayBindLowPorts({ ...nothingKnown, processStatus: status('0000000000000400') })).toBe(true);
    expect(mayBindLowPorts({ ...nothingKnown, uid: 0, processStatus: status('0000000000000000') })).toBe(false);
  });

  it('are for all where the kernel says that low ports begin elsewhere', () => {
    expect(mayBindLowPorts({ ...nothingKnown, unprivilegedPortStart: '0\n' })).toBe(true);
    expect(mayBindLowPorts({ ...nothingKnown, unprivilegedPortStart: '80\n' })).toBe(false);
    expect(mayBindLowPorts({ ...nothingKnown, unprivilegedPortStart: '' })).toBe(false);
  });
});

it('knows this machine', () => {
  const machine = thisMachine();
  expect(machine.fqdn).not.toBe('');
  expect(machine.cores).toBeGreaterThanOrEqual(1);
  expect(machine.cwd).toMatch(/^\//);
});
