/** The programs that people and scripts read mail with find their way through the built service's mailbox, over IMAP. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ImapFlow } from 'imapflow';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeReader } from '../programs/describe-reader.js';
import { ReaderHome } from '../programs/reader-home.js';
import * as readers from './mail-readers.js';
import type { ImapWatcher } from './imap-watcher.js';
import { RunningReports } from './running-reports.js';

const WITHIN_MS = 60_000;
const POLL_MS = 50;

let reports: RunningReports;
let watcher: ImapWatcher;
let home: ReaderHome;
/** How many reports are in INBOX when a test begins. */
let count: number;

beforeAll(async () => {
  reports = await RunningReports.start();
  watcher = reports.watcher;
});
afterAll(async () => {
  expect(reports.posthorn.output).not.toMatch(/"level":"(warn|error)"[^\n]*mailbox/);
  await reports.dispose();
});
beforeEach(async () => {
  const { ports, caFile } = reports.posthorn;
  home = await ReaderHome.make({
    ports: { implicit: ports.imaps, starttls: ports.imap },
    caFile,
    ...reports.login,
  });
  await watcher.clearFlags();
  count = await watcher.count();
});
afterEach(() => home.remove());

/** Nobody is left who has logged in but the watcher: each said goodbye, or was heard to go. */
async function untilLoggedOut(): Promise<void> {
  const deadline = Date.now() + WITHIN_MS;
  while ((await reports.posthorn.metric('posthorn_mailbox_sessions', 'protocol="imap"')) !== 1) {
    if (Date.now() > deadline) throw new Error('somebody is still logged in');
    await sleep(POLL_MS);
  }
}

describeReader(['mbsync'], (test) => {
  test('fetches all once, and brings marks and deletions back', async () => {
    const gone = await reports.bounce('unknown');
    const first = await readers.mbsync(home);
    expect(first).toMatchObject({ code: 0, output: expect.stringContaining(`far side: ${count + 1} messages`) });
    const fetched = await home.maildir('mail/INBOX');
    expect(fetched).toHaveLength(count + 1);

    expect((await readers.mbsync(home)).code).toBe(0);
    expect(await home.maildir('mail/INBOX')).toEqual(fetched);

    await home.mark('mail/INBOX', 'Subject: Not delivered to full-', 'FS');
    await home.mark('mail/INBOX', gone, 'ST');
    expect((await readers.mbsync(home)).code).toBe(0);
    expect(await watcher.flagsOf('SUBJECT "full-"')).toEqual(['\\Flagged', '\\Seen']);
    expect(await watcher.flagsOf(`SUBJECT "${gone}"`)).toEqual(['\\Deleted', '\\Seen']);
    expect((await readers.mbsync(home, 'Far')).code).toBe(0);
    await watcher.untilCount(count);
    expect(await watcher.search(`SUBJECT "${gone}"`)).toEqual([]);
    await untilLoggedOut();
  });
});

for (const program of ['neomutt', 'mutt']) {
  describeReader([program, 'expect'], (test) => {
    test('reads, marks, searches and hears of new ones', async () => {
      const reader = await readers.startMutt(home, program, 'blocked-');
      await reader.until(/WAITING/);
      const to = await reports.bounce('full');
      const { code, output } = await reader.ended();
      expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining(to) });
      expect(await watcher.flagsOf('SUBJECT "blocked-"')).toEqual(['\\Flagged', '\\Seen']);
      await untilLoggedOut();
    });
  });
}

describeReader(['fetchmail'], (test) => {
  test.each(['implicit', 'starttls'] as const)('fetches all once and leaves it, by TLS that is %s', async (tls) => {
    const { code, output } = await readers.fetchmail(home, tls);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining(`${count} messages for`) });
    expect(await home.fetched('fetched')).toHaveLength(count);
    expect(await watcher.search('SEEN')).toHaveLength(count);
    const again = await readers.fetchmail(home, tls);
    expect(again).toMatchObject({ code: 1, output: expect.stringContaining(`${count} messages (${count} seen) for`) });
    expect(await watcher.count()).toBe(count);
    await untilLoggedOut();
  });

  test('fetches a new one while it idles', async () => {
    const reader = await readers.startFetchmail(home);
    await reader.until(/^fetchmail: IMAP> \S+ IDLE/m);
    const to = await reports.bounce('unknown');
    await watcher.untilFound(`SEEN SUBJECT "${to}"`);
    reader.stop();
    await reader.ended();
    expect((await home.fetched('fetched')).join('\n')).toContain(to);
  });
});

describeReader(['offlineimap'], (test) => {
  test('fetches all once, and brings marks back', async () => {
    const first = await readers.offlineimap(home);
    expect(first).toMatchObject({ code: 0, output: expect.stringContaining(`Copy message`) });
    const fetched = await home.maildir('mail/INBOX');
    expect(fetched).toHaveLength(count);
    await home.mark('mail/INBOX', 'Subject: Not delivered to full-', 'FS');
    const again = await readers.offlineimap(home);
    expect(again).toMatchObject({ code: 0, output: expect.not.stringContaining('Copy message') });
    expect(await home.maildir('mail/INBOX')).toHaveLength(count);
    expect(await watcher.flagsOf('SUBJECT "full-"')).toEqual(['\\Flagged', '\\Seen']);
    await untilLoggedOut();
  });
});

describeReader(['getmail'], (test) => {
  test('fetches all once, and changes nothing', async () => {
    const { code, output } = await readers.getmail(home);
    expect({ code, output }).toEqual({
      code: 0,
      output: expect.stringMatching(`${count} messages .* retrieved, 0 skipped`),
    });
    expect(await home.fetched('fetched')).toHaveLength(count);
    const again = await readers.getmail(home);
    expect(again.output).toMatch(new RegExp(`0 messages .* retrieved, ${count} skipped`));
    expect(await watcher.search('UNSEEN')).toHaveLength(count);
    await untilLoggedOut();
  });
});

describeReader(['python3'], (test) => {
  test('walks through the mailbox with imaplib, and hears of a new one in IDLE', async () => {
    const reader = readers.startImaplib(home);
    await reader.until(/WAITING/);
    await reports.bounce('full');
    const { code, output } = await reader.ended();
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output.split('\n')).toEqual(
      expect.arrayContaining([
        'in the clear True',
        expect.stringContaining("wrong password b'[AUTHENTICATIONFAILED]"),
        `folders ['INBOX', 'Hard', 'Soft', 'Blocked', 'Complaints', 'Delayed', 'Archive'] 7`,
        'select OK SELECTED',
        'structure True True',
        "part b'AAECAwQF'",
        'noop OK check OK close OK',
        'logout BYE',
      ]),
    );
    expect(output).toMatch(/^append \('NO', \[b'\[CANNOT\]/m);
    expect(output).toMatch(/^create \('NO', \[b'\[CANNOT\]/m);
    expect(output).toMatch(new RegExp(`^told b'\\* ${count + 1} EXISTS`, 'm'));
    expect(await watcher.flagsOf('FROM "juergen"')).toEqual(['\\Answered', 'work']);
    await untilLoggedOut();
  });
});

describeReader(['curl'], (test) => {
  test('lists, fetches, searches, over TLS and STARTTLS', async () => {
    const [uid = 0] = await watcher.search('FROM "juergen"');
    expect((await readers.curl(home, '')).output).toContain(
      '* LIST (\\Noinferiors \\HasNoChildren \\Archive) "/" Archive\r\n',
    );
    expect((await readers.curl(home, `INBOX;UID=${uid}`)).output).toMatch(/^Subject: =\?utf-8\?q\?Gr=C3=BC=C3=9Fe/m);
    expect((await readers.curl(home, `INBOX;UID=${uid};SECTION=2`, '--ssl-reqd')).output).toContain('AAECAwQFBgc=');
    expect((await readers.curl(home, 'INBOX?FROM%20juergen')).output).toBe(`* SEARCH ${await numberOf(uid)}\r\n`);
    const status = ['--login-options', 'AUTH=PLAIN', '--request', 'STATUS Complaints (MESSAGES)'];
    expect((await readers.curl(home, '', ...status)).output).toBe('* STATUS Complaints (MESSAGES 1)\r\n');
    await untilLoggedOut();
  });

  async function numberOf(uid: number): Promise<number> {
    return (await watcher.search('ALL')).indexOf(uid) + 1;
  }
});

describe('imapflow', () => {
  it('lists, reads, marks, archives and hears of a new one', async () => {
    const client = new ImapFlow({
      host: 'localhost',
      port: home.reading.ports.implicit,
      secure: true,
      auth: { user: home.reading.user, pass: home.reading.password },
      tls: { ca: await readFile(home.reading.caFile, 'utf8') },
      logger: false,
    });
    await client.connect();
    const folders = await client.list();
    expect(folders.map(({ path, specialUse }) => `${path} ${specialUse ?? ''}`.trim())).toContain('Archive \\Archive');
    const lock = await client.getMailboxLock('INBOX');
    expect(client.mailbox).toMatchObject({ exists: count, readOnly: false });
    const all = await client.fetchAll('1:*', { envelope: true, bodyStructure: true, flags: true, size: true });
    expect(all).toHaveLength(count);
    expect(all.find(({ envelope }) => envelope?.subject === 'Grüße aus Köln')?.bodyStructure?.childNodes).toHaveLength(
      2,
    );
    const found = (await client.search({ subject: 'blocked-' }, { uid: true })) as number[];
    expect(found).toHaveLength(1);
    const [uid = 0] = found;
    const part = await client.download(String(uid), '2', { uid: true });
    expect(part.meta?.contentType).toBe('message/delivery-status');
    part.content?.resume();
    expect(await client.messageFlagsAdd(found, ['\\Seen'], { uid: true })).toBe(true);
    expect(await watcher.flagsOf('SUBJECT "blocked-"')).toEqual(['\\Seen']);

    const told = new Promise((resolve) => client.once('exists', resolve));
    const idle = client.idle();
    await reports.bounce('unknown');
    expect(await told).toMatchObject({ count: count + 1, prevCount: count });
    const moved = await client.messageMove(found, 'Archive', { uid: true });
    await idle;
    expect(moved).toMatchObject({ destination: 'Archive', uidMap: expect.any(Map) });
    expect(await watcher.search('SUBJECT "blocked-"')).toEqual([]);
    lock.release();
    await client.logout();
    await untilLoggedOut();
  });
});
