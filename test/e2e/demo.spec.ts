/** The demonstration, as whoever has just cloned the repository sees it. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPosthorn } from './running-posthorn.js';

const PROGRAM = join(import.meta.dirname, '../../dist/cli/main.js');

let temporary: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'posthorn-e2e-demo-'));
});

afterEach(() => {
  rmSync(temporary, { recursive: true, force: true });
});

/** Processes that were started with our temporary directory, on a system that tells. */
function processesLeft(): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && environmentOf(pid).includes(temporary));
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}

describe('./posthorn demo', () => {
  it('shows each message on its way, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await runPosthorn(['demo'], {
      TMPDIR: temporary,
      // The settings of a relay that the operator has beside it are not for the demonstration.
      POSTHORN_REDIS_URL: 'redis://127.0.0.1:1',
      POSTHORN_ROUTES: '*=smtp://127.0.0.1:1',
    });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const [before = '', ...messages] = stdout.split(/\n\n(?=\S)/);
    expect(before).toMatch(/^ {2}DKIM {3}published \S+\._domainkey\.shop\.example TXT "v=DKIM1; /m);
    const closing = messages.pop() ?? '';
    expect(messages.map(withoutChance)).toEqual([
      `Password reset by SMTP with STARTTLS and AUTH
 · accepted 250 2.0.0 Ok: queued as ID
 ✓ ana@cafe.example 250 2.0.0 Thank you, it is in the mailbox
 delivered to mx.cafe.example over TLS, DKIM verified d=shop.example`,
      `Order confirmation, to a domain whose first MX is down by HTTP
 · accepted 202 Accepted: ID
 ✓ ben@harbour.example 250 2.0.0 Message accepted for delivery
 delivered to mx2.harbour.example over TLS, DKIM verified d=shop.example`,
      `Contact form, to a server that greylists strangers by HTTP
 · accepted 202 Accepted: ID
 ↻ owner@atelier.example 451 4.7.1 Greylisted, please come back later
 deferred as greylisted by mx.atelier.example, next try in N s`,
      expect.stringMatching(/^Shipping notice, to four people at two domains by HTTP\n · accepted 202 Accepted: ID\n/),
      `Invoice, to a server that trusts a blocklist by HTTP
 · accepted 202 Accepted: ID
 ✗ guard@fortress.example 554 5.7.1 Client host [127.0.0.1] blocked using bl.example
 bounced as ip_blocked by mx.fortress.example, for good`,
      `Special offer, to a server that reads before it answers by SMTP over TLS, with AUTH
 · accepted 250 2.0.0 Ok: queued as ID
 ✗ hal@fortress.example 550 5.7.1 We take this for spam
 bounced as content_spam by mx.fortress.example, for good`,
      `Login code, to a domain that takes no mail by HTTP
 · accepted 202 Accepted: ID
 ✗ ida@parked.example 556 5.1.10 parked.example takes no mail (null MX)
 bounced as bad_domain before any server was asked, for good`,
      `Welcome, to an address that was mistyped by HTTP
 · accepted 202 Accepted: ID
 ✗ jon@caffe.example 550 5.1.2 The domain caffe.example does not exist
 bounced as bad_domain before any server was asked, for good`,
      `Contact form, to a server that greylists strangers try 2
 ✓ owner@atelier.example 250 2.0.0 OK id=1tDkQx-000Mzp-2A
 delivered to mx.atelier.example over TLS, DKIM verified d=shop.example`,
    ]);
    // Two destinations, side by side: which comes first is chance.
    const fates = withoutChance(messages[3] ?? '').split(/\n (?=[✓✗])/);
    expect(fates.slice(1).sort()).toEqual([
      '✓ cleo@campus.example 250 2.0.0 Saved\n delivered to mx.campus.example over TLS, DKIM verified d=shop.example',
      '✓ finn@cafe.example 250 2.0.0 Thank you, it is in the mailbox\n delivered to mx.cafe.example over TLS, DKIM verified d=shop.example',
      '✗ dan@campus.example 550 5.1.1 No such user here\n bounced as unknown_recipient by mx.campus.example, for good',
      '✗ eve@campus.example 552 5.2.2 The mailbox is full\n bounced as mailbox_full by mx.campus.example, for good',
    ]);
    expect(closing).toMatch(
      /^8 messages to 11 recipients in [\d.]+ s: 5 delivered, 5 DKIM verified, 6 bounced, 1 at the second try\n$/,
    );
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(stdout).not.toContain('\x1b');
    expect(readdirSync(temporary)).toEqual([]);
    expect(processesLeft()).toEqual([]);
  });

  it('leaves nothing behind when it is interrupted in the middle', async () => {
    const demo = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, 'demo'], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    demo.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    demo.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('↻')) demo.kill('SIGINT');
    });
    const [code] = (await once(demo, 'close')) as [number | null];
    expect(stderr).toBe('posthorn demo: stopping what runs\n');
    expect(code).toBe(130);
    expect(readdirSync(temporary)).toEqual([]);
    expect(processesLeft()).toEqual([]);
  });

  it('leaves nothing behind when its reader goes away', async () => {
    const demo = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, 'demo'], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    demo.stdout.once('data', () => demo.stdout.destroy());
    await once(demo, 'exit');
    expect(readdirSync(temporary)).toEqual([]);
    expect(processesLeft()).toEqual([]);
  });

  it('says why where the relay does not start, and exits with 1', async () => {
    const { code, stderr } = await runPosthorn(['demo'], { TMPDIR: temporary, PATH: temporary });
    expect(stderr).toMatch(/^posthorn demo: the relay did not start: no redis-server or valkey-server on PATH/);
    expect(code).toBe(1);
    expect(readdirSync(temporary)).toEqual([]);
    expect(processesLeft()).toEqual([]);
  });
});

/** Without times, ids, jitter and the columns. */
function withoutChance(text: string): string {
  return text
    .replace(/^ *\d+\.\d\d s/gm, '')
    .replace(/next try in [\d.]+ s/g, 'next try in N s')
    .replace(/\b[0-9a-z]{26}\b/g, 'ID')
    .replace(/ +/g, ' ');
}
