/** Two sessions of one mailbox, in one process and in two: RFC 3501 sections 5.2, 5.5 and 7, RFC 2177, 2180. */
import { describe, expect, it } from '@jest/globals';
import type { ImapClient } from './imap-client.js';
import { ImapRig } from './imap-rig.js';
import type { Owner } from './running-mailbox.js';
import { withPatience } from '../patience.js';

const PUSHED_WITHIN_MS = 1_000;

const rig = ImapRig.ofSuite(2);
let owner: Owner;
let one: ImapClient;
let two: ImapClient;

/** Two sessions with the inbox, of three reports, whose \Recent is the first one's. */
async function open(process: number): Promise<void> {
  owner = await rig.owner({}, {}, {});
  one = await rig.select(owner);
  two = await rig.select(owner, 'INBOX', process);
  await rig.running.rig.heardBy(1 + process);
}

describe.each([
  ['in one process', 0],
  ['in two processes', 1],
])('two sessions %s', (_where, process) => {
  it('hear at NOOP what the other did, and do not hear what they did themselves', async () => {
    await open(process);
    await one.ok('STORE 1 +FLAGS.SILENT (\\Seen)');
    expect(await one.ok('NOOP')).toEqual([]);
    expect(await two.ok('NOOP')).toEqual(['1 FETCH (UID 1 FLAGS (\\Seen))']);
    expect(await two.ok('NOOP')).toEqual([]);
    await two.ok('STORE 2 +FLAGS (\\Deleted)');
    expect(await two.ok('EXPUNGE')).toEqual(['2 EXPUNGE']);
    expect(await one.ok('NOOP')).toEqual(['2 EXPUNGE']);
    await rig.running.append(owner, 'Subject: new\r\n\r\n');
    expect(await one.ok('CHECK')).toEqual(['3 EXISTS', '3 RECENT']);
    expect(await two.ok('NOOP')).toEqual(['3 EXISTS', '0 RECENT']);
    expect(await two.ok('FETCH 3 (UID FLAGS)')).toEqual(['3 FETCH (UID 4 FLAGS ())']);
  });

  it('hear of a keyword before it is met', async () => {
    await open(process);
    await one.ok('STORE 1 +FLAGS (Work)');
    expect(await two.ok('NOOP')).toEqual([
      'FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft Work)',
      expect.stringMatching(/^OK \[PERMANENTFLAGS /),
      '1 FETCH (UID 1 FLAGS (Work))',
    ]);
  });

  it('hear of no expunge while numbers are in use, and of all at the end of UID commands', async () => {
    await open(process);
    await one.ok('STORE 1 +FLAGS (\\Deleted)');
    await two.ok('NOOP');
    await one.ok('EXPUNGE');
    await rig.running.append(owner, 'Subject: new\r\n\r\n');
    for (const command of ['FETCH 2 UID', 'SEARCH ALL', 'STORE 2 +FLAGS.SILENT (\\Seen)', 'STORE 3 -FLAGS (\\Seen)']) {
      expect((await two.ok(command)).filter((line) => line.includes('EXPUNGE'))).toEqual([]);
    }
    expect(await two.ok('FETCH 2 UID')).toContain('2 FETCH (UID 2)');
    const untagged = await two.ok('UID FETCH 3 UID');
    expect(untagged[0]).toBe('3 FETCH (UID 3)');
    expect(untagged).toContain('1 EXPUNGE');
    expect(await two.ok('FETCH 1 UID')).toEqual(['1 FETCH (UID 2)']);
  });

  it('mean by the numbers in UID SEARCH what they were told before it', async () => {
    await open(process);
    await one.ok('STORE 1 +FLAGS (\\Deleted)');
    const watcher = await rig.select(owner, 'INBOX', process);
    const done = await watcher.idle();
    await one.ok('EXPUNGE');
    expect(await watcher.response()).toBe('* 1 EXPUNGE');
    // Now its process knows.
    const [first, ...others] = (await two.ok('UID SEARCH 2')).filter((line) => /SEARCH|EXPUNGE/.test(line));
    expect([first, others]).toEqual(['SEARCH 2', ['1 EXPUNGE']]);
    await done();
  });

  it('hear in IDLE within a second of new mail, flags and expunges', async () => {
    await open(process);
    const done = await two.idle();
    const tookMs: number[] = [];
    const heard = async (act: () => Promise<unknown>, lines: readonly string[]): Promise<void> => {
      await act();
      const startedAt = performance.now();
      for (const line of lines) expect(await two.response()).toBe(line);
      tookMs.push(performance.now() - startedAt);
    };
    await heard(() => rig.running.append(owner, 'Subject: new\r\n\r\n'), ['* 4 EXISTS', '* 1 RECENT']);
    await heard(() => one.ok('STORE 2 FLAGS.SILENT (\\Deleted)'), ['* 2 FETCH (UID 2 FLAGS (\\Deleted))']);
    await heard(() => one.ok('EXPUNGE'), ['* 2 EXPUNGE']);
    await heard(() => one.ok('MOVE 1 Archive'), ['* 1 EXPUNGE']);
    expect(await done()).toEqual({ untagged: [], end: 'OK IDLE completed' });
    expect(Math.max(...tookMs)).toBeLessThan(withPatience(PUSHED_WITHIN_MS));
  });

  it('hear nothing while no command is under way', async () => {
    await open(process);
    const watcher = await rig.select(owner, 'INBOX', process);
    const done = await watcher.idle();
    await one.ok('STORE 1 +FLAGS (\\Flagged)');
    expect(await watcher.response()).toBe('* 1 FETCH (UID 1 FLAGS (\\Flagged))');
    // Now its process knows.
    two.lines.write('x FOO\r\n');
    expect(await two.lines.line()).toMatch(/^x BAD /);
    expect(await two.ok('NOOP')).toEqual(['1 FETCH (UID 1 FLAGS (\\Flagged))']);
    await done();
  });

  it('see flags and moves in the views that they have', async () => {
    await open(process);
    await two.ok('SELECT Hard');
    await one.ok('STORE 2 +FLAGS.SILENT (\\Seen)');
    expect(await two.ok('NOOP')).toEqual(['2 FETCH (UID 2 FLAGS (\\Seen \\Recent))']);
    await one.ok('MOVE 2 Archive');
    expect(await two.ok('NOOP')).toEqual(['2 EXPUNGE']);
    await rig.running.appendReport(owner, { kind: 'soft' });
    expect(await two.ok('NOOP')).toEqual([]);
  });
});

describe('IDLE', () => {
  it('is answered at once to DONE in any case, and what comes behind DONE is obeyed', async () => {
    await open(0);
    one.lines.write('a idle\r\ndone\r\nb NOOP\r\nc IDLE\r\nDONE\r\nd UNSELECT\r\n');
    const lines = await one.lines.lines((line) => line.startsWith('d '));
    expect(lines.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      ...['+ Waiting,', 'a OK', 'b OK', '+ Waiting,', 'c OK', 'd OK'],
    ]);
  });

  it('is ended by other words too, which are BAD', async () => {
    await open(0);
    one.lines.write('a IDLE\r\nb NOOP\r\n');
    expect(await one.lines.line()).toMatch(/^\+ /);
    expect(await one.lines.line()).toMatch(/^a BAD /);
    expect(await one.ok('NOOP')).toEqual([]);
    expect(await one.end('IDLE now')).toMatch(/^BAD /);
  });

  it('waits where no folder is selected, and is told nothing', async () => {
    await open(0);
    await two.ok('UNSELECT');
    const done = await two.idle();
    await rig.running.append(owner, 'Subject: new\r\n\r\n');
    expect(await one.ok('NOOP')).toEqual(['4 EXISTS', '4 RECENT']);
    expect((await done()).untagged).toEqual([]);
  });

  it('tells first what happened before it', async () => {
    await open(1);
    await one.ok('STORE 1 +FLAGS (\\Seen)');
    const done = await two.idle();
    expect(await two.response()).toBe('* 1 FETCH (UID 1 FLAGS (\\Seen))');
    await done();
  });

  it('ends with the connection, and its session with it', async () => {
    await open(0);
    await two.idle();
    two.lines.finish();
    expect(await two.lines.ended()).toBe('');
    while ((await rig.running.sessionsOf('imap')) > 1) await new Promise(setImmediate);
  });

  it('is refused a line without end', async () => {
    await open(0);
    await two.idle();
    two.lines.write('x'.repeat(9_000));
    expect(await two.lines.ended()).toMatch(/^\* BYE [^\r]*\r\n$/);
  });
});
