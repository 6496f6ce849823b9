/** Changing a mailbox: STORE, EXPUNGE, CLOSE, MOVE. RFC 3501 sections 6.4.2 to 6.4.6, RFC 3691, 4315, 6851. */
import { describe, expect, it } from '@jest/globals';
import type { ImapClient } from './imap-client.js';
import { ImapRig } from './imap-rig.js';
import type { Owner } from './running-mailbox.js';

const rig = ImapRig.ofSuite();
let owner: Owner;
let client: ImapClient;

/** A mailbox of hard bounces, but the second is soft, whose \Recent another session has. */
async function open(count = 3): Promise<void> {
  owner = await rig.owner(...Array.from({ length: count }, (_, i) => ({ kind: i === 1 ? 'soft' : 'hard' }) as const));
  for (const folder of ['INBOX', 'Hard', 'Soft']) await rig.select(owner, folder);
  client = await rig.select(owner);
}

/** Of the first, or of all: from a session of its own. */
async function stored(set = '1', folder = 'INBOX'): Promise<string[]> {
  const fetched = await (await rig.select(owner, folder)).ok(`FETCH ${set} FLAGS`);
  return fetched.map((line) => /FLAGS \((.*)\)\)$/.exec(line)?.[1] ?? line);
}

const store = (words: string): Promise<readonly string[]> => client.ok(`STORE ${words}`);

describe('STORE', () => {
  it('replaces, adds and takes away flags, and tells what they are', async () => {
    await open();
    expect(await store('1 FLAGS (\\Seen \\Flagged)')).toEqual(['1 FETCH (FLAGS (\\Seen \\Flagged))']);
    expect(await store('1 +flags (\\answered \\SEEN)')).toEqual(['1 FETCH (FLAGS (\\Seen \\Flagged \\Answered))']);
    expect(await store('1 -FLAGS (\\Flagged \\Draft)')).toEqual(['1 FETCH (FLAGS (\\Seen \\Answered))']);
    expect(await store('1 FLAGS \\Deleted \\Draft')).toEqual(['1 FETCH (FLAGS (\\Deleted \\Draft))']);
    expect(await store('1 FLAGS ()')).toEqual(['1 FETCH (FLAGS ())']);
    expect(await store('1 +FLAGS ()')).toEqual(['1 FETCH (FLAGS ())']);
    expect(await stored()).toEqual(['']);
  });

  it('tells uids where it is told uids, of all that it names', async () => {
    await open();
    expect(await client.ok('UID STORE 2:9 +FLAGS (\\Seen)')).toEqual([
      '2 FETCH (UID 2 FLAGS (\\Seen))',
      '3 FETCH (UID 3 FLAGS (\\Seen))',
    ]);
    expect(await client.ok('UID STORE 3 +FLAGS (\\Seen)')).toEqual(['3 FETCH (UID 3 FLAGS (\\Seen))']);
    expect(await client.ok('UID STORE 9 +FLAGS (\\Seen)')).toEqual([]);
    expect(await client.ok('UID STORE 9:* -FLAGS (\\Seen)')).toEqual(['3 FETCH (UID 3 FLAGS ())']);
  });

  it('says nothing of it where it is to be silent', async () => {
    await open();
    expect(await store('1 FLAGS.SILENT (\\Seen)')).toEqual([]);
    expect(await store('1 +FLAGS.SILENT (\\Flagged)')).toEqual([]);
    expect(await client.ok('UID STORE 1 -flags.silent (\\Seen)')).toEqual([]);
    expect(await stored()).toEqual(['\\Flagged']);
  });

  it('shows in every view of the report', async () => {
    await open();
    await store('2 +FLAGS (\\Seen Work)');
    expect(await stored('1', 'Soft')).toEqual(['\\Seen Work']);
    client = await rig.select(owner, 'Soft');
    await store('1 FLAGS (\\Answered)');
    expect(await stored('2')).toEqual(['\\Answered']);
    expect(await stored('1,3')).toEqual(['', '']);
  });

  it('announces a keyword before it is met, and knows it in any case', async () => {
    await open();
    const told = await store('1 +FLAGS ($Forwarded)');
    expect(told).toEqual([
      'FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded)',
      expect.stringMatching(/^OK \[PERMANENTFLAGS \(\\Answered .* \$Forwarded \\\*\)\] /),
      '1 FETCH (FLAGS ($Forwarded))',
    ]);
    expect(await store('2 +FLAGS ($forwarded)')).toEqual(['2 FETCH (FLAGS ($Forwarded))']);
    expect(await store('1 -FLAGS ($FORWARDED)')).toEqual(['1 FETCH (FLAGS ())']);
    expect((await store('2 +FLAGS.SILENT (New)'))[0]).toMatch(/^FLAGS \(.* New\)$/);
  });

  it('passes over \\Recent, which nobody can give or take', async () => {
    await open();
    expect(await store('1 FLAGS (\\Recent \\Seen)')).toEqual(['1 FETCH (FLAGS (\\Seen))']);
    expect(await store('1 +FLAGS (\\Recent)')).toEqual(['1 FETCH (FLAGS (\\Seen))']);
    const mine = await rig.select(await rig.owner({}));
    expect(await mine.ok('STORE 1 FLAGS ()')).toEqual(['1 FETCH (FLAGS (\\Recent))']);
    expect(await mine.ok('STORE 1 -FLAGS (\\Recent)')).toEqual(['1 FETCH (FLAGS (\\Recent))']);
  });

  it.each([
    ...['', ' 1', ' 1 FLAGS', ' 1 FLAGS ', ' 1 FOO (\\Seen)', ' 1 FLAGS (\\Foo)', ' 1 FLAGS (\\Seen', ' 1 FLAGS (\\*)'],
    ...[' 0 FLAGS (\\Seen)', ' 4 FLAGS (\\Seen)', ' 1:4 FLAGS (\\Seen)', ' 1 *FLAGS (\\Seen)', ' 1 FLAGS ("x")'],
    ...[' 1 FLAGS (a]b)', ' 1 FLAGS ((x))', ' 1 (UNCHANGEDSINCE 1) FLAGS ()', ` 1 FLAGS (${'x'.repeat(101)})`],
    ` 1 FLAGS (${Array.from({ length: 129 }, (_, i) => `k${String(i)}`).join(' ')})`,
  ])('is BAD where it is written wrongly, and changes nothing: %.50j', async (words) => {
    await open();
    expect(await client.end(`STORE${words}`)).toMatch(/^BAD /);
    expect(await stored('1:*')).toEqual(['', '', '']);
  });

  it('has room for 64 different keywords in an account', async () => {
    await open();
    const keywords = Array.from({ length: 64 }, (_, i) => `k${String(i)}`);
    for (const [from, number] of [
      [0, '1'],
      [32, '2'],
    ] as const) {
      const { end } = await client.command(
        `STORE ${number} FLAGS.SILENT (${keywords.slice(from, from + 32).join(' ')})`,
      );
      expect(end).toMatch(/^OK /);
    }
    expect(await client.end('STORE 3 FLAGS (another)')).toMatch(/^NO \[LIMIT\] /);
    expect(await store('3 FLAGS (K0)')).toEqual(['3 FETCH (FLAGS (k0))']);
    expect(await store('3 -FLAGS (another)')).toEqual(['3 FETCH (FLAGS (k0))']);
  });

  it('of a login that may only read is OK, and changes nothing', async () => {
    await open();
    client = await rig.select(await rig.running.owner(['mailbox:read'], owner.account));
    expect(await store('1 +FLAGS (\\Seen)')).toEqual(['1 FETCH (FLAGS ())']);
    expect(await store('1:* FLAGS.SILENT (\\Deleted)')).toEqual([]);
    expect(await client.end('EXPUNGE')).toMatch(/^OK /);
    expect(await client.end('MOVE 1 Archive')).toMatch(/^NO \[NOPERM\] /);
    expect(await client.end('CLOSE')).toMatch(/^OK /);
    expect(await stored('1:*')).toEqual(['', '', '']);
  });

  it('of a report that is gone is NO by number, and no matter by uid', async () => {
    await open();
    const other = await rig.select(owner);
    await other.ok('STORE 1 +FLAGS (\\Deleted)');
    await other.ok('EXPUNGE');
    const { untagged, end } = await client.command('STORE 1:2 +FLAGS (\\Seen)');
    expect(end).toMatch(/^NO \[EXPUNGEISSUED\] /);
    expect(untagged).toContain('2 FETCH (FLAGS (\\Seen))');
    expect(untagged.filter((line) => line.includes('EXPUNGE'))).toEqual([]);
    const byUid = await client.command('UID STORE 1:2 -FLAGS (\\Seen)');
    expect(byUid.end).toMatch(/^OK /);
    expect(byUid.untagged).toContain('1 EXPUNGE');
  });
});

describe('EXPUNGE', () => {
  it('takes away what is marked, each told by its number of that moment', async () => {
    await open(5);
    await store('1,2,4 +FLAGS.SILENT (\\Deleted)');
    expect(await client.ok('EXPUNGE')).toEqual(['1 EXPUNGE', '1 EXPUNGE', '2 EXPUNGE']);
    expect(await client.ok('FETCH 1:* UID')).toEqual(['1 FETCH (UID 3)', '2 FETCH (UID 5)']);
    expect(await client.ok('EXPUNGE')).toEqual([]);
    expect(await (await rig.logIn(owner)).ok('SELECT Soft')).toContain('0 EXISTS');
  });

  it('in a view takes only what stands there', async () => {
    await open();
    await store('1:2 +FLAGS.SILENT (\\Deleted)');
    const soft = await rig.select(owner, 'Soft');
    expect(await soft.ok('EXPUNGE')).toEqual(['1 EXPUNGE']);
    await client.ok('NOOP');
    expect(await client.ok('FETCH 1:* UID')).toEqual(['1 FETCH (UID 1)', '2 FETCH (UID 3)']);
  });

  it('by uid takes only those named that are marked', async () => {
    await open(5);
    await store('1,2,4 +FLAGS.SILENT (\\Deleted)');
    expect(await client.ok('UID EXPUNGE 2:3,9')).toEqual(['2 EXPUNGE']);
    expect(await client.ok('UID EXPUNGE 5')).toEqual([]);
    expect(await client.ok('SEARCH DELETED')).toEqual(['SEARCH 1 3']);
    expect(await client.end('UID EXPUNGE')).toMatch(/^BAD /);
    expect(await client.end('UID EXPUNGE x')).toMatch(/^BAD /);
    expect(await client.end('EXPUNGE 1')).toMatch(/^BAD /);
  });

  it('leaves UIDNEXT where it was', async () => {
    await open();
    await store('3 +FLAGS.SILENT (\\Deleted)');
    await client.ok('EXPUNGE');
    expect(await client.ok('STATUS INBOX (UIDNEXT MESSAGES)')).toEqual(['STATUS INBOX (UIDNEXT 4 MESSAGES 2)']);
  });
});

describe('leaving a folder', () => {
  it('by CLOSE takes away what is marked, without a word', async () => {
    await open();
    await store('1 +FLAGS.SILENT (\\Deleted)');
    expect(await client.end('CLOSE')).toMatch(/^OK /);
    expect(await client.end('FETCH 1 FLAGS')).toMatch(/^BAD /);
    expect(await client.ok('STATUS INBOX (MESSAGES)')).toEqual(['STATUS INBOX (MESSAGES 2)']);
  });

  it.each(['UNSELECT', 'SELECT Hard', 'EXAMINE INBOX', 'SELECT Trash', 'LOGOUT'])(
    'by %s takes nothing',
    async (way) => {
      await open();
      await store('1 +FLAGS.SILENT (\\Deleted)');
      await client.command(way);
      expect(await stored('1:*')).toEqual(['\\Deleted', '', '']);
    },
  );
});

describe('MOVE', () => {
  it('to the archive takes the report out of every view, gives it a new uid, and keeps its flags', async () => {
    await open();
    await store('1 +FLAGS.SILENT (\\Seen Work)');
    const { untagged, end } = await client.command('MOVE 1:2 Archive');
    expect(untagged).toEqual([expect.stringMatching(/^OK \[COPYUID [1-9]\d* 1:2 4:5\] /), '1 EXPUNGE', '1 EXPUNGE']);
    expect(end).toMatch(/^OK /);
    expect(await (await rig.logIn(owner)).ok('SELECT Soft')).toContain('0 EXISTS');
    expect(await stored('1:*', 'Archive')).toEqual(['\\Seen Work \\Recent', '\\Recent']);
    const archive = await rig.select(owner, 'Archive');
    expect(await archive.ok('FETCH 1:* UID')).toEqual(['1 FETCH (UID 4)', '2 FETCH (UID 5)']);
    expect((await archive.ok('FETCH 1 BODY.PEEK[]'))[0]).toContain('Subject: report ');
    const [selected] = (await archive.ok('SELECT Archive')).filter((line) => line.includes('UIDVALIDITY'));
    expect(untagged[0]).toContain(`COPYUID ${/UIDVALIDITY (\d+)/.exec(selected ?? '')?.[1] ?? 'none'} `);
  });

  it('by uid passes over what is not there', async () => {
    await open();
    expect(await client.ok('UID MOVE 2:9 "Archive"')).toEqual([
      expect.stringMatching(/^OK \[COPYUID [1-9]\d* 2:3 4:5\] /),
      '2 EXPUNGE',
      '2 EXPUNGE',
    ]);
    expect(await client.end('UID MOVE 2:3 Archive')).toMatch(/^OK /);
  });

  it('to anywhere else is refused, and moves nothing', async () => {
    await open();
    for (const folder of ['INBOX', 'Hard', 'Soft']) {
      expect(await client.end(`MOVE 1 ${folder}`)).toMatch(/^NO \[CANNOT\] /);
    }
    expect(await client.end('UID MOVE 1 Trash')).toMatch(/^NO \[NONEXISTENT\] /);
    expect(await stored('1:*')).toHaveLength(3);
    await client.ok('MOVE 1 Archive');
    client = await rig.select(owner, 'Archive');
    expect(await client.end('MOVE 1 Archive')).toMatch(/^NO \[CANNOT\] /);
    expect(await client.end('MOVE 1 INBOX')).toMatch(/^NO \[CANNOT\] /);
  });

  it.each(['', ' 1', ' x Archive', ' 9 Archive', ' 1 Archive more'])(
    'is BAD where it is written wrongly: %j',
    async (words) => {
      await open();
      expect(await client.end(`MOVE${words}`)).toMatch(/^BAD /);
    },
  );

  it('of a report that is gone is NO', async () => {
    await open();
    await (await rig.select(owner)).ok('MOVE 1 Archive');
    const { end } = await client.command('MOVE 1 Archive');
    expect(end).toMatch(/^NO \[EXPUNGEISSUED\] /);
    expect(await (await rig.logIn(owner)).ok('SELECT Archive')).toContain('1 EXISTS');
  });
});
