/** What becomes of mail that comes back, from the intake's door to the history, the reports and the counts. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RawSmtp } from '../e2e/raw-smtp.js';
import { RunningIntake, type SentMessage } from './running-intake.js';
import { arf, autoReply, dsn } from './mails.js';

let intake: RunningIntake;
let client: RawSmtp;

beforeAll(async () => {
  intake = await RunningIntake.start();
});
beforeEach(async () => {
  await intake.begin();
  client = await RawSmtp.session(await intake.open());
});
afterEach(async () => {
  client.close();
  await intake.closeDoors();
});
afterAll(() => intake.stop());

const first = (texts: readonly string[]): string => texts[0] ?? '';

/** Hands a mail to the intake, and has it worked on. */
async function bringBack(to: string, mail: string, times = 1, sender = ''): Promise<void> {
  const reply = await client.send(sender, [to], Buffer.from(mail));
  expect(reply.text).toMatch(/^250 /);
  await intake.work(times);
}

const counted = (kind: string, outcome: string): Promise<number> =>
  intake.counted('posthorn_returned_mail_total', { kind, outcome });

/** Nothing was told of it, nothing is to be counted against an address, and nothing kept. */
async function expectNothing(sent: SentMessage): Promise<void> {
  expect(await intake.heardLater(sent)).toEqual([]);
  expect(await intake.states(sent)).toEqual(sent.recipients.map(() => 'delivered'));
  expect(await intake.outcomeCount()).toBe(0);
  expect(await intake.reports()).toEqual([]);
}

/** Of an address that may live: the class stands, and it is not suppressed at once. */
const unheldDeath = {
  type: 'bounced',
  classification: { category: 'unknown_recipient', type: 'hard', suppress: false },
};

describe('a bounce to the return path', () => {
  it('turns delivered into bounced, with its reason, and is kept as the report', async () => {
    const sent = await intake.sent(['ann@one.example']);
    await bringBack(first(sent.returnPaths), dsn({ recipients: [{ address: 'ann@one.example' }] }));
    expect(await intake.states(sent)).toEqual(['bounced']);
    const [event, ...more] = await intake.heardLater(sent);
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      type: 'bounced',
      source: 'dsn',
      recipients: [0],
      reply: { code: 550, enhanced: '5.1.1' },
      classification: { category: 'unknown_recipient', type: 'hard', suppress: true },
    });
    const [report, ...others] = await intake.reports();
    expect(others).toEqual([]);
    expect(report).toMatchObject({ kind: 'hard', category: 'unknown_recipient', messageId: sent.id });
    expect(await intake.reportText(report?.uid ?? 0)).toMatch(/^Return-Path: <>\r\nReceived: /);
    expect(await counted('bounce', 'matched')).toBe(1);
  });

  it.each([
    ['550 5.1.1 User unknown', 'User unknown'],
    ['550-5.1.1 User unknown. 550 5.1.1 Look at https://one.example', 'User unknown. Look at https://one.example'],
    ['5.1.1 User unknown', 'User unknown'],
    ['User unknown', 'User unknown'],
  ])('says each code once: %s', async (diagnostic, text) => {
    const sent = await intake.sent(['ann@one.example']);
    await bringBack(first(sent.returnPaths), dsn({ recipients: [{ address: 'ann@one.example', diagnostic }] }));
    const [event] = await intake.heardLater(sent);
    expect(event).toMatchObject({ reply: { code: 550, enhanced: '5.1.1', text } });
  });

  it('is told once, whether the work is done twice or the mail comes twice', async () => {
    const sent = await intake.sent(['ann@one.example']);
    const mail = dsn({ recipients: [{ address: 'ann@one.example' }] });
    await bringBack(first(sent.returnPaths), mail, 2);
    await bringBack(first(sent.returnPaths), mail);
    expect(await intake.heardLater(sent)).toHaveLength(1);
    expect(await intake.outcomeCount()).toBe(1);
    expect(await intake.reports()).toHaveLength(1);
  });

  it('is a report even where the process died between the event and the report', async () => {
    const sent = await intake.sent(['ann@one.example']);
    const mail = dsn({ recipients: [{ address: 'ann@one.example' }] });
    await bringBack(first(sent.returnPaths), mail);
    await intake.redis.del(...(await intake.redis.keys('*report*')));
    expect(await intake.reports()).toEqual([]);
    await bringBack(first(sent.returnPaths), mail);
    expect(await intake.reports()).toHaveLength(1);
    expect(await intake.heardLater(sent)).toHaveLength(1);
  });

  it('is told once, whatever other bounces of the same recipient come', async () => {
    const sent = await intake.sent(['ann@one.example', 'bob@one.example']);
    const [ann, bob] = [{ address: 'ann@one.example' }, { address: 'bob@one.example' }];
    await bringBack(first(sent.returnPaths), dsn({ recipients: [ann] }));
    await bringBack(first(sent.returnPaths), dsn({ recipients: [ann], messageId: 'again@example.org' }));
    expect(await intake.reports()).toHaveLength(1);
    await bringBack(first(sent.returnPaths), dsn({ recipients: [ann, bob] }));
    expect((await intake.heardLater(sent)).map((event) => 'recipients' in event && event.recipients)).toEqual([
      [0],
      [1],
    ]);
    expect(await intake.reports()).toHaveLength(2);
    expect(await counted('bounce', 'matched')).toBe(3);
  });

  it('is about those that it names, each with what became of it', async () => {
    const sent = await intake.sent(['ann@one.example', 'bob@one.example', 'cat@one.example', 'dan@one.example']);
    const recipients = [
      { address: 'ANN@One.Example' },
      { address: 'bob@one.example', action: 'delayed', status: '4.4.1' },
      { address: 'cat@one.example', action: 'delivered', status: '2.0.0' },
    ];
    await bringBack(first(sent.returnPaths), dsn({ recipients }));
    expect(await intake.states(sent)).toEqual(['bounced', 'delivered', 'delivered', 'delivered']);
    const heard = await intake.heardLater(sent);
    expect(heard.map(({ type, recipients: about }) => [type, about])).toEqual([
      ['bounced', [0]],
      ['delayed', [1]],
    ]);
  });

  it('that names somebody else of several recipients is not heard', async () => {
    const sent = await intake.sent(['ann@one.example', 'bob@one.example']);
    await bringBack(first(sent.returnPaths), dsn({ recipients: [{ address: 'eve@one.example' }] }));
    await expectNothing(sent);
    expect(await counted('bounce', 'dropped')).toBe(1);
  });

  it('is about the only recipient, whatever address its mail was passed on to', async () => {
    const sent = await intake.sent(['ann@one.example']);
    await bringBack(first(sent.returnPaths), dsn({ recipients: [{ address: 'ann.box@two.example' }] }));
    expect(await intake.states(sent)).toEqual(['bounced']);
    expect(await intake.heardLater(sent)).toMatchObject([unheldDeath]);
  });

  it.each([
    ['alone', ['sales@one.example']],
    ['of several', ['sales@one.example', 'bob@one.example']],
  ])('of a dead member of an alias bounces the alias, %s, and does not suppress it', async (_which, recipients) => {
    const sent = await intake.sent(recipients);
    const dead = { address: 'gone@one.example', original: 'sales@one.example' };
    await bringBack(first(sent.returnPaths), dsn({ recipients: [dead] }));
    expect((await intake.states(sent))[0]).toBe('bounced');
    expect(await intake.heardLater(sent)).toMatchObject([{ ...unheldDeath, recipients: [0] }]);
    expect((await intake.reports()).map(({ kind }) => kind)).toEqual(['hard']);
  });

  it('whose final recipient is ours, written otherwise, suppresses it', async () => {
    const sent = await intake.sent(['ann@one.example']);
    const dead = { address: 'Ann@ONE.example', original: 'ann@one.example' };
    await bringBack(first(sent.returnPaths), dsn({ recipients: [dead] }));
    expect(await intake.heardLater(sent)).toMatchObject([{ type: 'bounced', classification: { suppress: true } }]);
  });

  it('of one transaction does not touch another', async () => {
    const sent = await intake.sent(['ann@one.example', 'bob@two.example']);
    await bringBack(sent.returnPaths[1] ?? '', dsn({ recipients: [{ address: 'ann@one.example' }] }));
    // The second has one recipient only.
    expect(await intake.states(sent)).toEqual(['delivered', 'bounced']);
  });

  it('that is late and not over is no bounce', async () => {
    const sent = await intake.sent(['ann@one.example']);
    const late = dsn({ recipients: [{ address: 'ann@one.example', action: 'delayed', status: '4.4.1' }] });
    await bringBack(first(sent.returnPaths), late);
    expect(await intake.states(sent)).toEqual(['delivered']);
    expect((await intake.heardLater(sent)).map(({ type }) => type)).toEqual(['delayed']);
    expect((await intake.reports()).map(({ kind }) => kind)).toEqual(['delayed']);
  });

  it('is not kept where its recipient has sent too many', async () => {
    const sent = await intake.sent(['ann@one.example']);
    const late = (n: number): string =>
      dsn({
        messageId: `m${n}@example.org`,
        recipients: [{ address: 'ann@one.example', action: 'delayed', status: '4.4.1' }],
      });
    for (let n = 0; n < 55; n++) {
      await client.send('', [first(sent.returnPaths)], Buffer.from(late(n)));
    }
    await intake.work();
    const heard = await intake.heardLater(sent);
    expect(heard.length).toBeLessThan(55);
    expect(await intake.reports()).toHaveLength(heard.length);
    expect(await counted('delayed', 'dropped')).toBe(55 - heard.length);
  });

  it('of an account that was removed meanwhile is kept for nobody', async () => {
    const sent = await intake.sent(['ann@one.example']);
    const mail = (n: number): string =>
      dsn({ messageId: `m${n}@example.org`, recipients: [{ address: 'ann@one.example' }] });
    await bringBack(first(sent.returnPaths), mail(1));
    await client.send('', [first(sent.returnPaths), 'abuse@example.org'], Buffer.from(mail(2)));
    await intake.remove('default');
    await intake.work();
    await intake.account('default');
    expect(await intake.reports()).toEqual([]);
  });

  it('whose message is forgotten meanwhile is dropped', async () => {
    const sent = await intake.sent(['ann@one.example']);
    await client.send(
      '',
      [first(sent.returnPaths)],
      Buffer.from(dsn({ recipients: [{ address: 'ann@one.example' }] })),
    );
    await intake.forget(sent);
    await intake.work();
    expect(await intake.reports()).toEqual([]);
    expect(await counted('bounce', 'dropped')).toBe(1);
  });
});

describe('other mail to the return path', () => {
  it.each([
    ['an answer by itself', 'auto_reply', autoReply()],
    ['ordinary mail', 'other', 'From: ann@one.example\r\nSubject: Re: your order\r\n\r\nThank you!\r\n'],
    [
      'that it was delivered',
      'delivered',
      dsn({ recipients: [{ address: 'ann@one.example', action: 'delivered', status: '2.0.0' }] }),
    ],
    ['that it is wanted', 'complaint', arf({ feedbackType: 'not-spam' })],
    ['failed authentication', 'complaint', arf({ feedbackType: 'auth-failure' })],
    ['a failure of DMARC', 'complaint', arf({ feedbackType: 'dmarc' })],
  ])('%s is counted and dropped', async (_what, kind, mail) => {
    const sent = await intake.sent(['ann@one.example']);
    await bringBack(first(sent.returnPaths), mail, 1, 'ann@one.example');
    await expectNothing(sent);
    expect(await counted(kind, 'dropped')).toBe(1);
  });

  it.each([
    ['an answer by itself', autoReply()],
    [
      'that it was delivered',
      dsn({ recipients: [{ address: 'ann@one.example', action: 'delivered', status: '2.0.0' }] }),
    ],
    ['that it is wanted', arf({ feedbackType: 'not-spam' })],
  ])('%s is dropped without a sender, too', async (_what, mail) => {
    const sent = await intake.sent(['ann@one.example']);
    await bringBack(first(sent.returnPaths), mail);
    await expectNothing(sent);
  });

  it('without a sender, that nobody can read, is kept for people: it may be a bounce', async () => {
    await intake.account('shop', 'shop.example');
    const sent = await intake.sent(['ann@one.example'], 'shop', 'shop.example');
    const mail = 'From: gateway@one.example\r\nSubject: Your letter 7\r\n\r\nIt lies here.\r\n';
    await bringBack(first(sent.returnPaths), mail, 2);
    expect(await intake.reports('shop')).toMatchObject([{ kind: 'other', messageId: sent.id }]);
    expect(await intake.states(sent)).toEqual(['delivered']);
    expect(await counted('other', 'kept')).toBe(2);
  });

  it('that nobody can read cannot push the other reports out', async () => {
    const sent = await intake.sent(['ann@one.example']);
    for (let i = 0; i < 90; i++) {
      const mail = `From: gateway@one.example\r\nSubject: Letter ${String(i)}\r\n\r\nIt lies here.\r\n`;
      await client.send('', [first(sent.returnPaths)], Buffer.from(mail));
    }
    await intake.work();
    const kept = await intake.reports();
    expect(kept.length).toBeGreaterThan(1);
    expect(kept.length).toBeLessThanOrEqual(64);
  });

  it('a complaint is told, and leaves the recipient delivered', async () => {
    const sent = await intake.sent(['ann@one.example']);
    await bringBack(first(sent.returnPaths), arf({ recipient: 'ann@one.example' }));
    expect(await intake.states(sent)).toEqual(['delivered']);
    expect(await intake.heardLater(sent)).toMatchObject([
      { type: 'complained', recipients: [0], feedbackType: 'abuse' },
    ]);
    expect((await intake.reports()).map(({ kind }) => kind)).toEqual(['complaint']);
  });
});

describe('mail to a role', () => {
  it('is kept as often as it is written, also in the same words, and once where the work is done twice', async () => {
    const mail = 'From: cron@one.example\r\nSubject: nightly\r\n\r\nAll is well.\r\n';
    await bringBack('postmaster@example.org', mail);
    await bringBack('postmaster@example.org', mail, 2);
    expect(await intake.reports()).toHaveLength(2);
  });

  it('is kept once where it is a bounce that matches nothing, however often it comes', async () => {
    const bounce = dsn({ recipients: [{ address: 'ann@one.example' }] });
    await bringBack('postmaster@example.org', bounce);
    await bringBack('postmaster@example.org', bounce);
    expect(await intake.reports()).toHaveLength(1);
  });

  it('that is no report is kept for people', async () => {
    await bringBack('abuse@example.org', 'From: ann@one.example\r\nSubject: spam\r\n\r\nStop it.\r\n');
    expect((await intake.reports()).map(({ kind }) => kind)).toEqual(['other']);
    expect(await counted('other', 'kept')).toBe(1);
  });

  it.each(['From: ann@one.example\r\nSubject: a header alone', 'Subject: a header alone\r\n', 'Subject: x\r\n\r\n'])(
    'is kept with the empty line that programs look for after a header: %j',
    async (mail) => {
      await bringBack('abuse@example.org', mail);
      const [report] = await intake.reports();
      expect(await intake.reportText(report?.uid ?? 0)).toMatch(/[^\r\n]\r\n\r\n$/);
    },
  );

  it("is its domain's account's", async () => {
    await intake.account('shop', 'shop.example');
    await bringBack('postmaster@shop.example', 'From: ann@one.example\r\nSubject: hello\r\n\r\nHello.\r\n');
    expect(await intake.reports()).toEqual([]);
    expect(await intake.reports('shop')).toHaveLength(1);
  });

  it.each([
    ['fbl@example.org', 'complained', arf],
    ['postmaster@example.org', 'bounced', dsn],
  ])('to %s is matched by the reference that came back with it: %s', async (to, type, compose) => {
    const sent = await intake.sent(['ann@one.example']);
    const reference = first(sent.references);
    await bringBack(to, compose({ reference, recipients: [{ address: 'ann@one.example' }] }));
    expect((await intake.heardLater(sent)).map((event) => event.type)).toEqual([type]);
  });

  it('with a forged reference is counted, and nothing is told', async () => {
    const sent = await intake.sent(['ann@one.example']);
    const reference = first(sent.references).replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'));
    await bringBack('abuse@example.org', dsn({ reference, recipients: [{ address: 'ann@one.example' }] }));
    expect(await intake.heardLater(sent)).toEqual([]);
    expect(await counted('bounce', 'forged')).toBe(1);
    expect((await intake.reports()).map(({ kind }) => kind)).toEqual(['other']);
  });

  it('is matched by the Message-ID of what left by a smarthost, and only then', async () => {
    const sent = await intake.sent(['ann@one.example']);
    const mail = (id: string): string => dsn({ messageId: id, recipients: [{ address: 'ann@one.example' }] });
    await bringBack('postmaster@example.org', mail('unknown@example.org'));
    expect(await intake.heardLater(sent)).toEqual([]);
    await intake.tookBySmarthost('<known@example.org>', sent);
    await bringBack('postmaster@example.org', mail('known@example.org'));
    expect(await intake.states(sent)).toEqual(['bounced']);
    // Anybody can name a Message-ID.
    expect(await intake.heardLater(sent)).toMatchObject([unheldDeath]);
  });

  it.each([
    ['a bounce that names another', 'bounce', dsn({ recipients: [{ address: 'eve@two.example' }] })],
    [
      'a bounce that names nobody',
      'bounce',
      dsn({ recipients: [{ address: '' }] }).replace('To: ann@one.example\r\n', ''),
    ],
    ['a complaint', 'complaint', arf({ recipient: 'ann@one.example' })],
    ['a complaint that names nobody', 'complaint', arf({})],
  ])('with nothing but a Message-ID is not heard as %s', async (_what, kind, mail) => {
    const sent = await intake.sent(['ann@one.example']);
    await intake.tookBySmarthost('<m1@example.org>', sent);
    await bringBack('fbl@example.org', mail);
    expect(await intake.heardLater(sent)).toEqual([]);
    expect(await intake.states(sent)).toEqual(['delivered']);
    expect(await counted(kind, 'kept')).toBe(1);
  });

  it('that is a complaint about nothing known is a report of the account and no more', async () => {
    await bringBack('fbl@example.org', arf({ recipient: 'ann@one.example' }));
    expect((await intake.reports()).map(({ kind }) => kind)).toEqual(['complaint']);
    expect(await counted('complaint', 'kept')).toBe(1);
  });
});

describe('what cannot be worked on', () => {
  it('is kept for people in the end', async () => {
    const sent = await intake.sent(['ann@one.example']);
    await client.send('', [first(sent.returnPaths)], Buffer.from(autoReply()));
    await intake.giveUp();
    expect(await intake.reports()).toMatchObject([{ kind: 'other', messageId: sent.id }]);
    expect(await counted('other', 'given_up')).toBe(1);
  });
});
