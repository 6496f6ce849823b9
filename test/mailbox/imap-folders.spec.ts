/** The folders of a mailbox and what is said of them: RFC 3501 sections 6.3 and 7.2, RFC 2342, 2971, 3348, 5258, 6154. */
import { describe, expect, it } from '@jest/globals';
import type { ImapClient } from './imap-client.js';
import { BOUNCES, ImapRig } from './imap-rig.js';

const NAMES = ['INBOX', 'Hard', 'Soft', 'Blocked', 'Complaints', 'Delayed', 'Archive'];

const rig = ImapRig.ofSuite();

async function listed(client: ImapClient, command: string): Promise<string[]> {
  return (await client.ok(command)).map((line) => line.replace(/^.* /, ''));
}

describe('LIST', () => {
  it('names all folders, none of which can have others below it, and the archive by its use', async () => {
    const { client } = await rig.reader(...BOUNCES);
    expect(await client.ok('LIST "" "*"')).toEqual(
      NAMES.map((name) => `LIST (\\Noinferiors \\HasNoChildren${name === 'Archive' ? ' \\Archive' : ''}) "/" ${name}`),
    );
  });

  it('of nothing tells the delimiter', async () => {
    const { client } = await rig.reader(...BOUNCES);
    expect(await client.ok('LIST "" ""')).toEqual(['LIST (\\Noselect) "/" ""']);
    expect(await client.ok('LIST "INBOX" ""')).toEqual(['LIST (\\Noselect) "/" ""']);
  });

  it.each([
    ['"" "%"', NAMES],
    ['"" *', NAMES],
    ['"" INBOX', ['INBOX']],
    ['"" "inbox"', ['INBOX']],
    ['"" In%x', ['INBOX']],
    ['"" Hard', ['Hard']],
    ['"" hard', []],
    ['"" "*d"', ['Hard', 'Blocked', 'Delayed']],
    ['"" *a*', ['Hard', 'Complaints', 'Delayed']],
    ['"Ar" "chi*"', ['Archive']],
    ['"Hard/" "%"', []],
    ['"" "Hard/%"', []],
    ['"" {4+}\r\nSoft', ['Soft']],
    ['"" (Hard Soft "B%")', ['Hard', 'Soft', 'Blocked']],
  ])('%j', async (words, names) => {
    const { client } = await rig.reader(...BOUNCES);
    expect(await listed(client, `LIST ${words}`)).toEqual(names);
  });

  it('answers with the options that it says it has', async () => {
    const { client } = await rig.reader(...BOUNCES);
    await client.ok('UNSUBSCRIBE Soft');
    const subscribed = NAMES.filter((name) => name !== 'Soft');
    expect(await listed(client, 'LIST (SUBSCRIBED) "" "*" RETURN (SPECIAL-USE)')).toEqual(subscribed);
    expect((await client.ok('LIST (SUBSCRIBED) "" Hard'))[0]).toContain('\\Subscribed');
    expect((await client.ok('LIST "" Soft RETURN (SUBSCRIBED)'))[0]).not.toContain('\\Subscribed');
    expect(await client.ok('LIST (SPECIAL-USE) "" "*" RETURN (CHILDREN)')).toEqual([
      'LIST (\\Noinferiors \\HasNoChildren \\Archive) "/" Archive',
    ]);
    expect(await listed(client, 'LIST () "" "*" RETURN ()')).toEqual(NAMES);
  });

  it.each([
    '',
    ' ""',
    ' "" "*" RETURN',
    ' "" "*" RETURN (STATUS (MESSAGES))',
    ' (FOO) "" "*"',
    ' "" "*" FOO',
    ' "" "*',
  ])('that is written wrongly is BAD: %j', async (words) => {
    const { client } = await rig.reader(...BOUNCES);
    expect(await client.end(`LIST${words}`)).toMatch(/^BAD /);
  });
});

describe('subscriptions', () => {
  it('hold for all sessions and those to come', async () => {
    const { owner, client } = await rig.reader(...BOUNCES);
    await client.ok('UNSUBSCRIBE Delayed');
    await client.ok('UNSUBSCRIBE inbox');
    const later = await rig.logIn(owner);
    expect(await listed(later, 'LSUB "" "*"')).toEqual(NAMES.filter((name) => name !== 'Delayed' && name !== 'INBOX'));
    await later.ok('SUBSCRIBE Delayed');
    expect(await later.ok('LSUB "" D%')).toEqual(['LSUB (\\Noinferiors \\HasNoChildren) "/" Delayed']);
  });

  it('are of folders that there are, and not for who may only read', async () => {
    const { owner, client } = await rig.reader(...BOUNCES);
    expect(await client.end('SUBSCRIBE Trash')).toMatch(/^NO \[NONEXISTENT\] /);
    expect(await client.end('UNSUBSCRIBE Trash')).toMatch(/^NO \[NONEXISTENT\] /);
    expect(await client.end('SUBSCRIBE')).toMatch(/^BAD /);
    expect(await client.end('LSUB ""')).toMatch(/^BAD /);
    const reading = await rig.logIn(await rig.running.owner(['mailbox:read'], owner.account));
    expect(await reading.end('UNSUBSCRIBE Hard')).toMatch(/^NO \[NOPERM\] /);
    expect(await listed(reading, 'LSUB "" "*"')).toEqual(NAMES);
  });
});

describe('what the server says of itself', () => {
  it('is NAMESPACE and ID', async () => {
    const { client } = await rig.reader(...BOUNCES);
    expect(await client.ok('NAMESPACE')).toEqual(['NAMESPACE (("" "/")) NIL NIL']);
    for (const words of ['NIL', '("name" "x" "version" NIL)', '()', '({4+}\r\nname "x")']) {
      expect(await client.ok(`ID ${words}`)).toEqual(['ID ("name" "Posthorn")']);
    }
    expect(await client.end('ID')).toMatch(/^BAD /);
    expect(await client.end('ID name')).toMatch(/^BAD /);
    const many = Array.from({ length: 61 }, () => '"x"').join(' ');
    expect(await client.end(`ID (${many})`)).toMatch(/^BAD /);
    expect(await client.end('NAMESPACE x')).toMatch(/^BAD /);
  });
});

describe('what would change the folders', () => {
  it.each([
    'CREATE Trash',
    'CREATE INBOX/x',
    'DELETE Hard',
    'DELETE INBOX',
    'RENAME Hard Soft',
    'CREATE {5+}\r\nTrash',
  ])('is refused in words: %j', async (command) => {
    const { client } = await rig.reader(...BOUNCES);
    expect(await client.end(command)).toMatch(/^NO \[CANNOT\] /);
  });

  it('is BAD where it is written wrongly', async () => {
    const { client } = await rig.reader(...BOUNCES);
    for (const command of ['CREATE', 'DELETE', 'RENAME', 'RENAME Hard']) {
      expect(await client.end(command)).toMatch(/^BAD /);
    }
  });

  it('is no COPY either', async () => {
    const { client } = await rig.reader(...BOUNCES);
    await client.ok('SELECT INBOX');
    expect(await client.end('COPY 1 Archive')).toMatch(/^NO \[CANNOT\] /);
    expect(await client.end('UID COPY 1 Hard')).toMatch(/^NO \[CANNOT\] /);
    expect(await client.end('COPY 1 Trash')).toMatch(/^NO \[NONEXISTENT\] /);
    expect(await client.end('COPY 1')).toMatch(/^BAD /);
  });
});

describe('STATUS', () => {
  it('tells all of every folder', async () => {
    const { client } = await rig.reader(...BOUNCES);
    const items = 'MESSAGES RECENT UIDNEXT UNSEEN';
    const status = async (name: string): Promise<string> => (await client.ok(`STATUS ${name} (${items})`))[0] ?? '';
    expect(await status('INBOX')).toBe('STATUS INBOX (MESSAGES 3 RECENT 3 UIDNEXT 4 UNSEEN 3)');
    expect(await status('Hard')).toBe('STATUS Hard (MESSAGES 2 RECENT 2 UIDNEXT 4 UNSEEN 2)');
    expect(await status('"Soft"')).toBe('STATUS Soft (MESSAGES 1 RECENT 1 UIDNEXT 3 UNSEEN 1)');
    for (const name of ['Blocked', 'Complaints', 'Delayed', 'Archive']) {
      expect(await status(name)).toBe(`STATUS ${name} (MESSAGES 0 RECENT 0 UIDNEXT 1 UNSEEN 0)`);
    }
  });

  it('tells one UIDVALIDITY for all folders, the one of SELECT, in the order that was asked for', async () => {
    const { client } = await rig.reader(...BOUNCES);
    const [selected = ''] = (await client.ok('SELECT Soft')).filter((line) => line.includes('UIDVALIDITY'));
    const uidValidity = /\[UIDVALIDITY (\d+)\]/.exec(selected)?.[1] ?? '';
    for (const name of NAMES) {
      const [line] = await client.ok(`status ${name} (uidvalidity)`);
      expect(line).toBe(`STATUS ${name} (UIDVALIDITY ${uidValidity})`);
    }
    const [line] = await client.ok('STATUS inbox (UNSEEN MESSAGES)');
    expect(line).toBe('STATUS INBOX (UNSEEN 3 MESSAGES 3)');
  });

  it('sees what came a moment ago, and takes no \\Recent', async () => {
    const { owner, client } = await rig.reader(...BOUNCES);
    await rig.running.append(owner, 'Subject: new\r\n\r\n');
    for (let i = 0; i < 2; i++) {
      expect(await client.ok('STATUS INBOX (MESSAGES RECENT)')).toEqual(['STATUS INBOX (MESSAGES 4 RECENT 4)']);
    }
    await client.ok('SELECT INBOX');
    expect(await client.ok('STATUS INBOX (RECENT)')).toEqual(['STATUS INBOX (RECENT 0)']);
  });

  it.each(['INBOX', 'INBOX ()', 'INBOX (FOO)', 'INBOX MESSAGES', '(MESSAGES)', 'INBOX (MESSAGES'])(
    'that is written wrongly is BAD: %j',
    async (words) => {
      const { client } = await rig.reader(...BOUNCES);
      expect(await client.end(`STATUS ${words}`)).toMatch(/^BAD /);
    },
  );

  it('of a folder that is not there is NO', async () => {
    const { client } = await rig.reader(...BOUNCES);
    expect(await client.end('STATUS Trash (MESSAGES)')).toMatch(/^NO \[NONEXISTENT\] /);
  });
});
