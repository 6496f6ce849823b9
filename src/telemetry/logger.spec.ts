import { mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { cpuMsOf } from '../../test/cpu-time.js';
import { rewriteAddresses } from './addresses-in-text.js';
import { Log, type AddressDetail } from './logger.js';

/** What the log writes of it. */
async function linesOf(addresses: AddressDetail, write: (log: Log) => void): Promise<string> {
  const file = join(mkdtempSync(join(tmpdir(), 'posthorn-log-')), 'log');
  const log = Log.open({ level: 'info', addresses, process: 'test', out: openSync(file, 'w') });
  write(log);
  await new Promise<void>((resolve) => {
    log.flush(resolve);
  });
  return readFileSync(file, 'utf8');
}

describe('an address in the log', () => {
  it.each([
    ['full', 'Some.One@example.org'],
    ['domain', 'example.org'],
    ['hash', ''],
  ] as const)('%s', (addresses, shown) => {
    const log = Log.open({ level: 'error', addresses, process: 'test' });
    const written = log.address('Some.One@example.org');
    if (addresses === 'hash') {
      expect(written).toMatch(/^[0-9a-f]{16}$/);
      expect(log.address('some.one@EXAMPLE.org')).toBe(written);
    } else expect(written).toBe(shown);
  });
});

describe('an address in a text', () => {
  const mark = (text: string): string => rewriteAddresses(text, (address) => `{${address}}`);

  it.each([
    ['550 5.1.1 <ann@one.example>: User unknown', '550 5.1.1 <{ann@one.example}>: User unknown'],
    ['No mail goes to ann@one.example.', 'No mail goes to {ann@one.example}.'],
    ["'ann@one.example', mailto:bob@two.example", "'{ann@one.example}', mailto:{bob@two.example}"],
    ['for "ann lee"@one.example;', 'for {"ann lee"@one.example};'],
    ['for "a\\"b"@one.example;', 'for {"a\\"b"@one.example};'],
    ['list+ann=one.example@two.example!', '{list+ann=one.example@two.example}!'],
    ['jörg@bücher.example', '{jörg@bücher.example}'],
    ['ann@[192.0.2.1] ann@[IPv6:2001:db8::1]', '{ann@[192.0.2.1]} {ann@[IPv6:2001:db8::1]}'],
    ['ann@localhost and ann@', '{ann@localhost} and {ann@}'],
    ['at node_modules/@nestjs/core/x.js @ 3', 'at node_modules/@nestjs/core/x.js @ 3'],
    ['', ''],
  ])('%s', (text, marked) => {
    expect(mark(text)).toBe(marked);
  });

  it.each(['a', '@', '"@', 'a@', '"a" ', '[@[:'])('takes no longer for a long text of %s than its length', (piece) => {
    expect(cpuMsOf(() => mark(piece.repeat(200_000)))).toBeLessThan(2_000);
  });

  it('is written in every field of every line as the operator wants it', async () => {
    const write = (log: Log): void => {
      log.info('message.refused', { text: '<Ann@one.example> is suppressed', to: [{ reply: 'no ann@one.example' }] });
      log.warn('queue.failed', { error: 'ann@one.example' });
      log.error('delivery.fault', new Error('of ann@one.example'), { why: 'ann@one.example' });
    };
    expect(await linesOf('full', write)).toContain('<Ann@one.example> is suppressed');
    const hashed = await linesOf('hash', write);
    expect(hashed).not.toMatch(/ann@/i);
    expect(hashed.match(/[0-9a-f]{16}/g)?.length).toBeGreaterThanOrEqual(5);
    expect(await linesOf('domain', write)).toContain('"text":"<one.example> is suppressed"');
    expect(await linesOf('domain', write)).not.toMatch(/ann@/i);
  });
});
