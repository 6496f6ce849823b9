import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseProxyHeader } from './proxy-protocol.js';

describe('a PROXY header', () => {
  it.each([
    ['PROXY TCP4 192.0.2.7 198.51.100.1 56324 587', '192.0.2.7', 56_324],
    ['PROXY TCP6 2001:db8::7 2001:db8::1 1 65535', '2001:db8::7', 1],
    ['PROXY TCP6 ::ffff:192.0.2.7 ::1 1 587', '192.0.2.7', 1],
  ])('tells the client: %s', (line, address, port) => {
    expect(parseProxyHeader(line)).toEqual({ kind: 'client', address, port });
  });

  it.each(['PROXY UNKNOWN', 'PROXY UNKNOWN ffff:f::1 x 65535 65535'])('tells of none: %s', (line) => {
    expect(parseProxyHeader(line)).toEqual({ kind: 'unknown' });
  });

  it.each([
    '',
    'PROXY',
    'PROXY UNKNOWNS',
    'proxy TCP4 192.0.2.7 198.51.100.1 1 587',
    'PROXY TCP5 192.0.2.7 198.51.100.1 1 587',
    'PROXY TCP4 192.0.2.7 198.51.100.1 1',
    'PROXY TCP4 192.0.2.7 198.51.100.1 1 587 x',
    'PROXY TCP4  192.0.2.7 198.51.100.1 1 587',
    'PROXY TCP4 192.0.2.7 198.51.100.1 1 65536',
    'PROXY TCP4 192.0.2.7 198.51.100.1 01 587',
    'PROXY TCP4 192.0.2.7 198.51.100.1 -1 587',
    'PROXY TCP4 192.0.2.256 198.51.100.1 1 587',
    'PROXY TCP4 2001:db8::7 2001:db8::1 1 587',
    'PROXY TCP6 192.0.2.7 198.51.100.1 1 587',
    'PROXY TCP4 localhost 198.51.100.1 1 587',
    'PROXY TCP6 fe80::1%eth0 ::1 1 587x',
  ])('is malformed: %j', (line) => {
    expect(parseProxyHeader(line)).toMatchObject({ kind: 'fault' });
  });

  it('is read whatever it is', () => {
    const line = fc.oneof(
      fc.string(),
      fc.string().map((text) => `PROXY TCP4 ${text}`),
    );
    fc.assert(fc.property(line, (text) => void parseProxyHeader(text)));
  });
});
