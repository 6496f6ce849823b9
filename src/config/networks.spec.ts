import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { networks, readNetwork } from './networks.js';

function messagesOf(text: string): string[] {
  return (
    networks()
      .safeParse(text)
      .error?.issues.map((issue) => issue.message) ?? []
  );
}

describe('networks', () => {
  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['2001:DB8:0:0::1/48', '2001:db8::/48'],
    ['::1', '::1/128'],
    ['fe80::1:2/64', 'fe80::/64'],
    ['::ffff:10.1.2.3/104', '10.0.0.0/8'],
    ['::ffff:10.1.2.3', '10.1.2.3/32'],
  ])('reads %s as %s', (text, network) => {
    expect(networks().parse(text)).toEqual([network]);
  });

  it('may be none, and are each there once', () => {
    expect(networks().parse('')).toEqual([]);
    expect(networks().parse('10.0.0.1/8, 10.0.0.2/8,::1')).toEqual(['10.0.0.0/8', '::1/128']);
  });

  it.each([
    '10.0.0.0/7',
    '0.0.0.0/0',
    '::/0',
    '2000::/31',
    '::ffff:0:0/96',
    '::ffff:10.0.0.0/103',
    '::ffff:0:0/64',
    '::/64',
    '::/80',
  ])('refuses %s, which is wide enough to be an open relay', (text) => {
    expect(messagesOf(text)).toEqual([expect.stringMatching(/^must be no wider than \/8 \(IPv6: \/32\)/)]);
  });

  it.each([
    '10.0.0/8',
    '010.0.0.1/8',
    '10.0.0.1/33',
    '::1/129',
    'localhost',
    '10.0.0.0/255.0.0.0',
    '10.0.0.0/',
    '0x0a.0.0.1',
    'fe80::1%eth0/64',
  ])('refuses %s, which is no network', (text) => {
    expect(messagesOf(text)).toEqual([expect.stringMatching(/^must be a network such as 10\.0\.0\.0\/8/)]);
  });

  it('says by its number which one is wrong', () => {
    expect(messagesOf('10.0.0.0/8,x,::/0')).toEqual([
      expect.stringMatching(/^network 2 must be a network/),
      expect.stringMatching(/^network 3 must be no wider/),
    ]);
  });

  it('are read back as themselves, whatever address and prefix they were made of', () => {
    const version4 = fc.tuple(fc.ipV4(), fc.integer({ min: 8, max: 32 }));
    const version6 = fc.tuple(fc.ipV6(), fc.integer({ min: 32, max: 128 }));
    fc.assert(
      fc.property(fc.oneof(version4, version6), ([address, prefix]) => {
        const read = readNetwork(`${address}/${prefix}`);
        if (read.kind === 'ok') expect(readNetwork(read.value)).toEqual(read);
        else expect(read.expected.join()).toMatch(/^must be no wider/);
      }),
    );
  });

  it('are a network or a fault that says what is right, whatever the text', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[0-9a-f:.]{0,20}(\/\d{0,4})?$/));
    fc.assert(
      fc.property(texts, (text) => {
        const read = readNetwork(text);
        if (read.kind === 'ok') expect(read.value).toMatch(/^[0-9a-f:.]+\/\d+$/);
        else expect(read.expected.join()).toMatch(/^must be /);
      }),
      { numRuns: 1000 },
    );
  });
});
