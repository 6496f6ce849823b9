/** Opening a folder: RFC 3501 sections 6.3.1, 6.3.2 and 7.1. */
import { describe, expect, it } from '@jest/globals';
import { BOUNCES, ImapRig } from './imap-rig.js';

const FLAGS = '\\Answered \\Flagged \\Deleted \\Seen \\Draft';

const rig = ImapRig.ofSuite();

describe('SELECT', () => {
  it('tells all that a client has to know', async () => {
    const { owner, client } = await rig.reader(...BOUNCES);
    await client.ok('SELECT INBOX');
    await client.ok('STORE 1 +FLAGS.SILENT (\\Seen Work)');
    const second = await rig.logIn(owner);
    const { untagged, end } = await second.command('SELECT inbox');
    expect(untagged).toEqual([
      `FLAGS (${FLAGS} Work)`,
      `OK [PERMANENTFLAGS (${FLAGS} Work \\*)] These can be kept`,
      '3 EXISTS',
      '0 RECENT',
      'OK [UNSEEN 2] The first that was not seen',
      expect.stringMatching(/^OK \[UIDVALIDITY [1-9]\d*\] /),
      expect.stringMatching(/^OK \[UIDNEXT 4\] /),
    ]);
    expect(end).toMatch(/^OK \[READ-WRITE\] /);
  });

  it('names no first unseen where all are seen, or none is there', async () => {
    const { client } = await rig.reader(...BOUNCES);
    const { untagged } = await client.command('SELECT Archive');
    expect(untagged.filter((line) => line.includes('UNSEEN'))).toEqual([]);
    expect(untagged).toContain('0 EXISTS');
    expect(untagged).toContainEqual(expect.stringMatching(/^OK \[UIDNEXT 1\] /));
  });

  it('gives \\Recent to one session alone', async () => {
    const { owner, client } = await rig.reader(...BOUNCES);
    expect(await client.ok('SELECT INBOX')).toContain('3 RECENT');
    expect((await client.ok('FETCH 1 FLAGS'))[0]).toBe('1 FETCH (FLAGS (\\Recent))');
    expect(await (await rig.logIn(owner)).ok('SELECT INBOX')).toContain('0 RECENT');
    // Each folder has its own.
    expect(await (await rig.logIn(owner)).ok('SELECT Hard')).toContain('2 RECENT');
  });

  it('does not move UIDNEXT where another view gets a report', async () => {
    const { owner, client } = await rig.reader(...BOUNCES);
    await rig.running.appendReport(owner, { kind: 'soft' });
    expect(await client.ok('SELECT Hard')).toContainEqual(expect.stringMatching(/^OK \[UIDNEXT 4\] /));
    expect(await client.ok('SELECT Soft')).toContainEqual(expect.stringMatching(/^OK \[UIDNEXT 5\] /));
  });

  it('of a folder that is not there leaves none selected', async () => {
    const { client } = await rig.reader(...BOUNCES);
    await client.ok('SELECT INBOX');
    expect(await client.end('SELECT Trash')).toMatch(/^NO \[NONEXISTENT\] /);
    expect(await client.end('FETCH 1 FLAGS')).toMatch(/^BAD /);
  });

  it.each(['', ' ', ' INBOX Hard', ' "INBOX', ' *'])('that is written wrongly is BAD: %j', async (words) => {
    const { client } = await rig.reader(...BOUNCES);
    expect(await client.end(`SELECT${words}`)).toMatch(/^BAD /);
    expect(await client.end(`EXAMINE${words}`)).toMatch(/^BAD /);
  });
});

describe('EXAMINE', () => {
  it('keeps no flag, takes no \\Recent, and says so', async () => {
    const { client } = await rig.reader(...BOUNCES);
    for (let i = 0; i < 2; i++) {
      const { untagged, end } = await client.command('EXAMINE INBOX');
      expect(untagged).toEqual(expect.arrayContaining(['3 EXISTS', '3 RECENT', `FLAGS (${FLAGS})`]));
      expect(untagged).toContainEqual(expect.stringMatching(/^OK \[PERMANENTFLAGS \(\)\] /));
      expect(end).toMatch(/^OK \[READ-ONLY\] /);
    }
  });

  it('changes nothing, whatever is asked', async () => {
    const { owner, client } = await rig.reader(...BOUNCES);
    await client.ok('EXAMINE INBOX');
    expect(await client.end('STORE 1 +FLAGS (\\Seen)')).toMatch(/^NO \[READ-ONLY\] /);
    expect(await client.end('EXPUNGE')).toMatch(/^NO \[READ-ONLY\] /);
    expect(await client.end('UID EXPUNGE 1')).toMatch(/^NO \[READ-ONLY\] /);
    expect(await client.end('MOVE 1 Archive')).toMatch(/^NO \[READ-ONLY\] /);
    expect(await client.ok('FETCH 1 (BODY[] FLAGS)')).toHaveLength(1);
    expect(await client.ok('FETCH 1 FLAGS')).toEqual(['1 FETCH (FLAGS (\\Recent))']);
    const other = await rig.select(owner);
    await other.ok('STORE 2 +FLAGS (\\Deleted)');
    await client.ok('CLOSE');
    expect(await client.ok('STATUS INBOX (MESSAGES)')).toEqual(['STATUS INBOX (MESSAGES 3)']);
  });
});
