/** What IMAP sessions can do while Redis is away, and afterwards. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { RedisReportMailbox } from '../../src/bounces/reports/redis-report-mailbox.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { CuttableDoor } from './cuttable-door.js';
import type { ImapClient } from './imap-client.js';
import { ImapRig } from './imap-rig.js';
import { RETENTION_MS } from './mailbox-rig.js';
import { type Owner } from './running-mailbox.js';

const rig = ImapRig.ofSuite(1, { sessions: 'suite' });

describe('without Redis', () => {
  let way: CuttableDoor;
  let owner: Owner;
  let client: ImapClient;
  let watcher: ImapClient;
  /** In IDLE all the while. */
  let idler: ImapClient;
  let restore: () => Promise<void>;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const { own, clock, log } = rig.running.rig;
    way = new CuttableDoor(fileURLToPath(own.url.replace('unix', 'file')), `${own.directory}/way`);
    await way.open();
    const redis = connectRedis(way.url, 'answering');
    await untilReady(redis, 60_000);
    const door = await rig.open({ store: new RedisReportMailbox(redis, RETENTION_MS, clock, log) });
    owner = await rig.owner({}, {});
    client = await rig.select(owner, 'INBOX', door);
    watcher = await rig.logIn(owner, door);
    await watcher.ok('EXAMINE INBOX');
    idler = await rig.logIn(owner, door);
    await idler.ok('EXAMINE INBOX');
    await idler.idle();
    restore = async () => {
      await way.open();
      await untilReady(redis, 60_000);
    };
    // What is new is known in the process, and this session has not heard of it.
    const done = await watcher.idle();
    await rig.running.append(owner, 'Subject: third\r\n\r\n');
    for (const each of [watcher, idler]) {
      expect([await each.response(), await each.response()]).toEqual(['* 3 EXISTS', '* 1 RECENT']);
    }
    await done();
    const lost = new Promise<void>((resolve) => redis.once('close', () => resolve()));
    await way.cut();
    await lost;
    close = () => disconnectRedis(redis);
  });
  afterAll(async () => {
    await close();
    await way.cut();
  });

  it('commands that need it are NO, sessions go on, and work when it is back', async () => {
    const news = await client.command('NOOP');
    expect(news.end).toMatch(/^NO \[UNAVAILABLE\] /);
    expect(news.untagged).toContain('3 EXISTS');
    for (const command of [
      ...['STORE 1 +FLAGS (\\Seen)', 'FETCH 1 BODY[]', 'SEARCH BODY x', 'EXPUNGE', 'MOVE 1 Archive', 'IDLE', 'CHECK'],
      ...['STATUS Hard (MESSAGES)', 'UNSUBSCRIBE Hard'],
    ]) {
      const { untagged, end } = await client.command(command);
      expect([command, end]).toEqual([command, expect.stringMatching(/^NO \[UNAVAILABLE\] /)]);
      expect(untagged).toEqual([]);
    }
    expect((await client.command('FETCH 1:3 UID')).untagged).toHaveLength(3);
    expect((await client.command('SEARCH UNSEEN')).untagged).toContain('SEARCH 1 2 3');
    expect(await watcher.end('SELECT INBOX')).toMatch(/^NO \[UNAVAILABLE\] /);
    await restore();
    expect(await client.ok('STORE 1 +FLAGS.SILENT (\\Flagged)')).toEqual([]);
    expect(await idler.response()).toBe('* 1 FETCH (UID 1 FLAGS (\\Flagged))');
    expect((await client.ok('FETCH 3 BODY.PEEK[HEADER]'))[0]).toContain('Subject: third');
    await watcher.ok('SELECT INBOX');
    expect((await watcher.ok('FETCH 1 FLAGS'))[0]).toContain('\\Flagged');
  });
});
