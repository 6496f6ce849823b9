import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { blockListOf, clientNetworks, isListed, plainAddress } from './client-networks.js';

describe('the networks of a client', () => {
  it.each([
    ['203.0.113.77', ['203.0.113.77/32', '203.0.113.0/24', '203.0.0.0/16']],
    ['2a01:db8:1:2ff:3::4', ['2a01:db8:1:2ff::/64', '2a01:db8:1:200::/56', '2a01:db8:1::/48']],
    ['::ffff:203.0.113.77', ['203.0.113.77/32', '203.0.113.0/24', '203.0.0.0/16']],
  ])('of %s are three, the narrowest first', (address, networks) => {
    expect(clientNetworks(address)).toEqual(networks);
  });

  it.each(['127.0.0.9', '10.1.2.3', '192.168.0.1', '172.16.9.9', '100.64.0.1', '::1', 'fd00::1', 'fe80::1'])(
    'of the local address %s are the narrowest alone',
    (address) => {
      expect(clientNetworks(address)).toHaveLength(1);
    },
  );

  it('are one that nobody is in, of what is no address', () => {
    expect(clientNetworks('')).toEqual(['none']);
    expect(clientNetworks('localhost')).toEqual(['none']);
  });

  it('are there for every address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        for (const network of clientNetworks(address)) expect(network).toMatch(/^[0-9a-f:.]+\/\d+$/);
      }),
    );
  });
});

describe('a plain address', () => {
  it('has lost the prefix of IPv4 and nothing else', () => {
    expect(['::ffff:192.0.2.1', '192.0.2.1', '::1', '::FFFF:7f00:1', '::1:ffff:7f00:1', ''].map(plainAddress)).toEqual([
      '192.0.2.1',
      '192.0.2.1',
      '::1',
      '127.0.0.1',
      '::1:ffff:7f00:1',
      '',
    ]);
  });
});

describe('a list of networks', () => {
  const list = blockListOf(['127.0.0.0/8', 'fe80::/10']);

  it.each(['127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1', 'fe80::1%eth0'])('has %s', (address) => {
    expect(isListed(list, address)).toBe(true);
  });

  it.each(['', 'nobody', '192.0.2.1', '::1', '::ffff:c000:201'])('has not %j', (address) => {
    expect(isListed(list, address)).toBe(false);
  });
});
