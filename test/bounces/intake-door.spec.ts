/** Whom the intake takes mail for, and what it says to all others, on bare sockets: RFC 5321, 3207, 2034. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { intakeRefusal, type IntakeRefusal } from '../../src/bounces/intake/intake-refusals.js';
import { RETURN_PATH_LIFE_MS } from '../../src/bounces/return-path/return-path.js';
import { readKeptMail } from '../../src/bounces/intake/returned-mail-queue.js';
import { newMessageId } from '../../src/mail/message-id.js';
import { RETURNED_MAIL_KEY } from '../../src/store/keyspace.js';
import { entryOf } from '../../src/store/work-stream.js';
import { RawSmtp } from '../e2e/raw-smtp.js';
import {
  BOUNCE_DOMAIN,
  MESSAGE_BYTES_MAX,
  RunningIntake,
  type IntakeSetup,
  type SentMessage,
} from './running-intake.js';

const MESSAGE = Buffer.from('From: mailer-daemon@mx.example\r\nSubject: returned\r\n\r\nNo such user.\r\n');

let intake: RunningIntake;
let sent: SentMessage;
const open: RawSmtp[] = [];

beforeAll(async () => {
  intake = await RunningIntake.start();
});
beforeEach(async () => {
  await intake.begin();
  sent = await intake.sent(['ann@one.example']);
});
afterEach(async () => {
  for (const client of open.splice(0)) client.close();
  await intake.closeDoors();
});
afterAll(() => intake.stop());

async function session(setup?: IntakeSetup): Promise<RawSmtp> {
  const client = await RawSmtp.connect(await intake.open(setup));
  open.push(client);
  await client.reply();
  await client.command('EHLO mx.example');
  return client;
}

/** The reply to one recipient, after any reverse path. */
async function rcpt(address: string, from = ''): Promise<string> {
  const client = await session();
  await client.command(`MAIL FROM:<${from}>`);
  return (await client.command(`RCPT TO:<${address}>`)).text;
}

function refused(cause: IntakeRefusal, detail: string | number = ''): string {
  const { code, text } = intakeRefusal(cause, detail);
  return `${code} ${text}`;
}

const firstOf = (texts: readonly string[]): string => texts[0] ?? '';
const returnPath = (): string => firstOf(sent.returnPaths);

/** With the first character of its signature changed. */
function forged(address: string): string {
  const at = address.indexOf('@') - 20;
  return address.slice(0, at) + (address[at] === 'a' ? 'b' : 'a') + address.slice(at + 1);
}

async function keptMail() {
  const entries = (await intake.redis.callBuffer('XRANGE', [RETURNED_MAIL_KEY, '-', '+'])) as [Buffer, Buffer[]][];
  return Promise.all(entries.map((raw) => readKeptMail(entryOf(raw), 2 * MESSAGE_BYTES_MAX)));
}

describe('a recipient', () => {
  it('that is the return path of a message of ours is taken, in whatever case it is written', async () => {
    expect(await rcpt(returnPath())).toMatch(/^250 /);
    expect(await rcpt(returnPath().toUpperCase(), 'somebody@mx.example')).toMatch(/^250 /);
  });

  it("is taken below the message's own From domain, and below no other", async () => {
    const [local] = sent.references;
    expect(await rcpt(`${local}@ph-bounces.example.org`)).toMatch(/^250 /);
    const elsewhere = `${local}@ph-bounces.other.example`;
    expect(await rcpt(elsewhere)).toBe(refused('not_ours', elsewhere));
    expect(await rcpt(`${local}@example.org`)).toBe(refused('not_ours', `${local}@example.org`));
  });

  it('with a signature that is not ours is refused, and counted', async () => {
    const address = forged(returnPath());
    expect(await rcpt(address)).toBe(refused('forged', address));
    expect(await intake.counted('posthorn_intake_refused_total', { reason: 'forged' })).toBe(1);
  });

  it('of another transaction than was signed is forged', async () => {
    const address = returnPath().replace('.0.', '.1.');
    expect(await rcpt(address)).toBe(refused('forged', address));
  });

  it('whose message is too old is refused, and counted', async () => {
    const id = newMessageId(intake.clock.now() - RETURN_PATH_LIFE_MS - 1, 0);
    const address = `${intake.signer.localPart({ messageId: id, transaction: 0 })}@${BOUNCE_DOMAIN}`;
    expect(await rcpt(address)).toBe(refused('expired', address));
    expect(await intake.counted('posthorn_intake_refused_total', { reason: 'expired' })).toBe(1);
  });

  it('is believed to the end of its time and no longer', async () => {
    intake.clock.pass(RETURN_PATH_LIFE_MS - 60_000);
    expect(await rcpt(returnPath())).toMatch(/^250 /);
    intake.clock.pass(120_000);
    expect(await rcpt(returnPath())).toBe(refused('expired', returnPath()));
  });

  it('whose message is forgotten is refused', async () => {
    await intake.forget(sent);
    expect(await rcpt(returnPath())).toBe(refused('gone', returnPath()));
  });

  it.each([
    ['anybody', 'ann@one.example'],
    ['a sender of ours', 'shop@example.org'],
    ['somebody at the bounce domain', `ann@${BOUNCE_DOMAIN}`],
    ['what only looks like a return path', `b+x.0.y@${BOUNCE_DOMAIN}`],
    ['a postmaster of others', 'postmaster@one.example'],
    ['a role that is none of these', 'hostmaster@example.org'],
    ['a domain that is none', 'abuse@example..org'],
    ['an address literal', 'postmaster@[127.0.0.1]'],
    ['a relay by per cent', `ann%one.example@${BOUNCE_DOMAIN}`],
    ['a name without a domain', 'abuser'],
  ])('that is %s is refused before DATA', async (_who, address) => {
    const client = await session();
    expect(await client.commands('MAIL FROM:<x@y.example>', `RCPT TO:<${address}>`, 'DATA', 'MAIL FROM:<>')).toEqual([
      expect.stringMatching(/^250 /),
      refused('not_ours', address),
      expect.stringMatching(/^503 5\.5\.1 /),
      expect.stringMatching(/^503 /),
    ]);
    expect(await intake.keptCount()).toBe(0);
  });

  it.each([
    'postmaster@example.org',
    'Abuse@EXAMPLE.org',
    'fbl@ph-bounces.example.org',
    'postmaster@relay.example',
    `abuse@${BOUNCE_DOMAIN}`,
    'Postmaster',
  ])('%s is taken', async (address) => {
    expect(await rcpt(address)).toMatch(/^250 /);
  });

  it('is not taken at a domain that is only claimed', async () => {
    await intake.account('other');
    await intake.claims('other', 'claimed.example');
    expect(await rcpt('postmaster@claimed.example')).toMatch(/^550 5\.7\.1 /);
  });
});

describe('the session', () => {
  it('offers STARTTLS, wants none, and knows no AUTH on either side of it', async () => {
    const client = await RawSmtp.connect(await intake.open());
    open.push(client);
    expect((await client.reply()).text).toMatch(/^220 relay\.example/);
    const plain = await client.command('EHLO mx.example');
    expect(plain.lines).toEqual(expect.arrayContaining(['STARTTLS', 'PIPELINING', '8BITMIME', 'ENHANCEDSTATUSCODES']));
    expect(plain.lines.join()).not.toMatch(/AUTH/);
    expect((await client.command('AUTH PLAIN AGEAYg==')).code).toBe(500);
    const secure = await client.startTls(intake.certificate.cert);
    expect(secure.lines.join()).not.toMatch(/AUTH|STARTTLS/);
    expect((await client.logIn('a@example.org', 'b')).code).toBe(500);
    expect((await client.send('', [returnPath()], MESSAGE)).code).toBe(250);
    expect(await intake.counted('posthorn_tls_sessions_total', { policy: 'opportunistic' })).toBe(1);
  });

  it('takes no parameters that it does not offer', async () => {
    const client = await session();
    expect((await client.command('MAIL FROM:<> RET=HDRS')).text).toBe(refused('unknown_parameter', 'RET'));
  });

  it('of who speaks before the greeting ends', async () => {
    const client = await RawSmtp.connect(await intake.open());
    open.push(client);
    client.write('EHLO mx.example\r\n');
    expect((await client.reply()).text).toBe(refused('early_talker'));
    await client.untilClosed();
  });

  it('goes on without a login for as long as mail comes', async () => {
    const client = await session({ times: { loginMs: 30 } });
    // The deadlines are looked at every ten milliseconds.
    for (let i = 0; i < 20; i++) expect((await client.send('', [returnPath()], MESSAGE)).code).toBe(250);
    expect(await intake.keptCount()).toBe(20);
  });

  it('in which nothing comes ends', async () => {
    const client = await session({ times: { messageMs: 100 } });
    expect((await client.reply()).text).toBe(refused('too_slow', 'no message has come'));
    await client.untilClosed();
  });

  it('knows the client behind a load balancer', async () => {
    const client = await RawSmtp.connectThrough(
      'PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\n',
      await intake.open({ proxies: ['127.0.0.0/8'] }),
    );
    open.push(client);
    await client.reply();
    await client.command('EHLO mx.example');
    expect((await client.send('', [returnPath()], MESSAGE)).code).toBe(250);
    expect((await keptMail())[0]?.clientAddress).toBe('192.0.2.7');
  });

  it('is one of so many of a network', async () => {
    const port = await intake.open({ connectionsMax: 1 });
    const first = await RawSmtp.connect(port);
    open.push(first);
    await first.reply();
    const second = await RawSmtp.connect(port);
    open.push(second);
    const replies = [await first.reply(), await second.reply()];
    // The older one makes room.
    expect(replies.map(({ code }) => code)).toEqual([421, 220]);
  });
});

describe('a session', () => {
  it('in which recipients are guessed ends after twenty, whatever else is taken in it', async () => {
    const client = await session();
    const guesses = async (count: number): Promise<readonly number[]> => {
      await client.command('MAIL FROM:<>');
      const codes: number[] = [];
      while (codes.length < count) codes.push((await client.command(`RCPT TO:<guess@${BOUNCE_DOMAIN}>`)).code);
      return codes;
    };
    expect(await guesses(10)).toEqual(Array(10).fill(550));
    await client.command('RSET');
    expect((await client.send('', [returnPath()], MESSAGE)).code).toBe(250);
    expect(await guesses(11)).toEqual([...Array<number>(10).fill(550), 421]);
    await client.untilClosed();
  });
});

describe('a message', () => {
  it('is in Redis when its 250 comes, with its trace on top and all its recipients once', async () => {
    const client = await session();
    const reply = await client.send('Some.One@mx.example', [returnPath(), 'abuse@example.org'], MESSAGE);
    expect(reply.text).toMatch(/^250 2\.0\.0 Ok: taken as [0-9a-z]{26}$/);
    const [kept, ...more] = await keptMail();
    expect(more).toEqual([]);
    expect(kept).toMatchObject({
      reversePath: 'Some.One@mx.example',
      clientAddress: '127.0.0.1',
      recipients: [
        { kind: 'return_path', messageId: sent.id, transaction: 0 },
        { kind: 'role', account: 'default' },
      ],
    });
    expect(String(kept?.content)).toMatch(
      /^Return-Path: <Some\.One@mx\.example>\r\nReceived: from mx\.example \(\[127\.0\.0\.1\]\)\r\n\tby relay\.example /,
    );
    expect(String(kept?.content).endsWith(`\r\n${String(MESSAGE)}`)).toBe(true);
  });

  it('is kept octet for octet, whatever it holds and however large', async () => {
    const octets = Buffer.from(
      Array.from({ length: 150_000 }, (_, i) => (i * 7) % 256).filter((o) => o !== 13 && o !== 10),
    );
    const body = Buffer.concat([Buffer.from('Subject: x\r\n\r\n'), octets, Buffer.from('\r\n')]);
    expect((await (await session()).send('', [returnPath()], body)).code).toBe(250);
    const [kept] = await keptMail();
    expect(kept?.content.subarray(-body.length).equals(body)).toBe(true);
  });

  it('that is too large is refused, said beforehand or not', async () => {
    const client = await session();
    const tooLarge = refused('message_too_large', MESSAGE_BYTES_MAX);
    expect((await client.command(`MAIL FROM:<> SIZE=${MESSAGE_BYTES_MAX + 1}`)).text).toBe(tooLarge);
    const large = Buffer.alloc(MESSAGE_BYTES_MAX + 1, 'x');
    expect((await client.send('', [returnPath()], large)).text).toBe(tooLarge);
    expect(await intake.keptCount()).toBe(0);
  });

  it('has at most so many recipients', async () => {
    const client = await session();
    const ours = [returnPath(), ...['abuse', 'fbl', 'postmaster'].map((role) => `${role}@example.org`)];
    const replies = await client.commands('MAIL FROM:<>', ...ours.map((address) => `RCPT TO:<${address}>`));
    expect(replies.at(-2)).toMatch(/^250 /);
    expect(replies.at(-1)).toBe(refused('too_many_recipients', 3));
  });

  it('that goes round in circles is stopped', async () => {
    const client = await session();
    const hops = (count: number): Buffer =>
      Buffer.from(`${'Received: from a by b; now\r\n'.repeat(count)}Subject: x\r\n\r\nx\r\n`);
    expect((await client.send('', [returnPath()], hops(101))).text).toBe(refused('looping', 101));
    expect(await intake.keptCount()).toBe(0);
    expect((await client.send('', [returnPath()], hops(100))).code).toBe(250);
  });

  it('is to be sent again while Redis does not answer, and is taken then', async () => {
    const client = await session();
    const pid = Number(/^process_id:(\d+)/m.exec(await intake.redis.info('server'))?.[1]);
    await client.commands('MAIL FROM:<>', `RCPT TO:<${returnPath()}>`, 'DATA');
    process.kill(pid, 'SIGSTOP');
    try {
      expect((await client.data(MESSAGE)).text).toMatch(/^45[12] 4\.3\.[01] /);
      await client.command('MAIL FROM:<>');
      expect((await client.command(`RCPT TO:<${returnPath()}>`)).text).toBe(refused('unavailable'));
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await intake.untilRedisAnswers();
    await client.command('RSET');
    expect((await client.send('', [returnPath()], MESSAGE)).code).toBe(250);
  });

  it('is to be sent again where Redis is full', async () => {
    const client = await session();
    await client.commands('MAIL FROM:<>', `RCPT TO:<${returnPath()}>`, 'DATA');
    await intake.redis.config('SET', 'maxmemory', '1mb');
    try {
      expect((await client.data(MESSAGE)).text).toBe(refused('no_room'));
    } finally {
      await intake.redis.config('SET', 'maxmemory', '0');
    }
    expect(await intake.keptCount()).toBe(0);
  });

  it('is to be sent again where too many wait', async () => {
    const client = await session({ waiting: { mailsMax: 1 } });
    expect((await client.send('', [returnPath()], MESSAGE)).code).toBe(250);
    expect((await client.send('', [returnPath()], MESSAGE)).text).toBe(refused('no_room'));
    expect(await intake.keptCount()).toBe(1);
  });

  it('is to be sent again where too much waits, until that is worked on', async () => {
    const client = await session({ waiting: { bytesMax: 300_000 } });
    const large = Buffer.concat(
      [MESSAGE, randomBytes(50_000).toString('hex').replace(/.{76}/g, '$&\r\n'), '\r\n'].map((part) =>
        Buffer.from(part),
      ),
    );
    for (let round = 0; round < 3; round++) {
      const codes: number[] = [];
      while (codes.at(-1) !== 452 && codes.length < 10) codes.push((await client.send('', [returnPath()], large)).code);
      // In hex it is compressed to little more than half.
      expect(codes.length).toBeGreaterThan(3);
      expect(codes.at(-1)).toBe(452);
      await intake.work();
    }
  });
});
