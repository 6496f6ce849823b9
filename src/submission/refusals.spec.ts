import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { refusalsPage } from './refusals-page.js';
import { allRefusals, refusal, smtpReply } from './refusals.js';

describe('the table of refusals', () => {
  it.each(allRefusals().map((row) => [row.cause, row] as const))('%s is consistent', (_cause, row) => {
    expect(row.enhanced).toMatch(/^[45]\.\d{1,3}\.\d{1,3}$/);
    // RFC 2034 section 4: the class is the first digit of the code.
    expect(row.enhanced.charAt(0)).toBe(String(row.code).charAt(0));
    expect(row.status).toBeGreaterThanOrEqual(400);
    expect(row.text).toMatch(/^[\x20-\x7e]+$/);
    // A fault of ours is temporary at both doors.
    if (row.status === 503) expect(row.code).toBeLessThan(500);
  });

  it('is on its page as it is today', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/refusals.md'), 'utf8');
    // Else: npm run docs.
    expect(page).toBe(refusalsPage());
  });

  it('puts the detail into the text', () => {
    const { code, text } = smtpReply(refusal('sender_not_allowed', 'example.org'));
    expect(code).toBe(550);
    expect(text).toMatch(/^5\.7\.1 example\.org is not a verified sending domain of this account/);
  });
});
