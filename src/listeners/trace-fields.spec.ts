import { describe, expect, it } from '@jest/globals';
import type { SmtpSession } from './smtp-session.js';
import { formatDate, receivedField } from './trace-fields.js';

const session: SmtpSession = {
  id: 's',
  clientAddress: '192.0.2.1',
  clientName: 'web.example',
  secure: true,
  protocol: 'ESMTPSA',
  smtpUtf8: false,
  recipients: 0,
};
const facts = { id: 'abc', hostname: 'relay.example', atMs: Date.UTC(2026, 10, 21, 6, 32, 12) };

describe('the Received field', () => {
  it('tells who, how and when', () => {
    expect(receivedField({ ...facts, source: { kind: 'smtp', session } })).toBe(
      'Received: from web.example ([192.0.2.1])\r\n\tby relay.example (Posthorn) with ESMTPSA id abc;\r\n' +
        '\tSat, 21 Nov 2026 06:32:12 +0000\r\n',
    );
  });

  it('writes an IPv6 address as a literal, and takes no syntax from a name', () => {
    const odd = { ...session, clientAddress: '2001:db8::1', clientName: 'x\r\nBcc: (y);<z>"' };
    const field = receivedField({ ...facts, source: { kind: 'smtp', session: odd } });
    expect(field).toContain('from xBcc:yz ([IPv6:2001:db8::1])\r\n');
    expect(field.split('\r\n')).toHaveLength(4);
  });

  it('says HTTP where it was', () => {
    expect(receivedField({ ...facts, source: { kind: 'http' } })).toMatch(
      /^Received: by relay\.example .* with HTTP id abc;/,
    );
  });
});

describe('a date', () => {
  it('is in UTC, as RFC 5322 wants it', () => {
    expect(formatDate(0)).toBe('Thu, 01 Jan 1970 00:00:00 +0000');
  });
});
