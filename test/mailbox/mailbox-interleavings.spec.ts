/** Whatever two processes do to one mailbox at once: both end with what is stored, and nothing is lost or counted wrong. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { REPORT_FOLDERS } from '../../src/bounces/reports/report-folders.js';
import { REPORT_KINDS } from '../../src/bounces/reports/reports.js';
import type { AccountMailbox } from '../../src/mailbox/state/account-mailbox.js';
import { reportKeys } from '../../src/store/keyspace.js';
import { MailboxRig, uidsOf } from './mailbox-rig.js';

const RUNS = 40;

let rig: MailboxRig;

beforeAll(async () => {
  rig = await MailboxRig.start();
});
afterEach(() => rig.clear());
afterAll(() => rig.stop());

const uids = fc.uniqueArray(fc.integer({ min: 1, max: 25 }), { maxLength: 6 });
const flags = fc.uniqueArray(fc.constantFrom('\\Seen', '\\Deleted', 'Work', 'WORK', '$Forwarded'), { maxLength: 3 });
const step = fc.oneof(
  fc.record({ do: fc.constant('append' as const), kind: fc.constantFrom(...REPORT_KINDS) }),
  fc.record({ do: fc.constant('flags' as const), uids, how: fc.constantFrom('add', 'remove', 'replace'), flags }),
  fc.record({ do: fc.constant('remove' as const), uids }),
  fc.record({ do: fc.constant('archive' as const), uids }),
  fc.record({ do: fc.constant('claim' as const), folder: fc.constantFrom(...REPORT_FOLDERS.map(({ name }) => name)) }),
  fc.record({ do: fc.constant('forget changes' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

/** Each step by one of two processes, which wait for each other or not. */
const course = fc.array(fc.record({ step, by: fc.boolean(), waits: fc.boolean() }), { minLength: 1, maxLength: 40 });

async function take(next: Step, mailbox: AccountMailbox): Promise<void> {
  switch (next.do) {
    case 'append':
      await rig.reports({ countMax: 15 }).append('shop', rig.report({ kind: next.kind }));
      return;
    case 'flags':
      await mailbox.changeFlags(next.uids, next.how, next.flags);
      return;
    case 'remove':
      await mailbox.remove(next.uids);
      return;
    case 'archive':
      await mailbox.archive(next.uids);
      return;
    case 'claim':
      await mailbox.claimRecent(next.folder);
      return;
    case 'forget changes':
      await rig.redis.del(reportKeys('shop').changes);
      return;
    default:
      next satisfies never;
  }
}

/** Notes every uid that a mailbox ever shows, and complains of one that comes late or again. */
function watch(mailbox: AccountMailbox): string[] {
  const [seen, complaints] = [new Set<number>(), [] as string[]];
  let before = new Set<number>();
  let last = 0;
  mailbox.onChange(() => {
    const shown = [...uidsOf(mailbox), ...uidsOf(mailbox, 'Archive')];
    const fresh = shown.filter((uid) => !before.has(uid));
    complaints.push(
      ...fresh.filter((uid) => seen.has(uid) || uid < last).map((uid) => `${String(uid)} comes too late`),
    );
    for (const uid of fresh) seen.add(uid);
    last = Math.max(last, ...shown);
    before = new Set(shown);
  });
  return complaints;
}

function shown(mailbox: AccountMailbox): unknown {
  return REPORT_FOLDERS.map(({ name }) => ({ name, ...mailbox.folder(name) }));
}

describe('two processes', () => {
  it('end with what is stored, whatever they do in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(course, async (steps) => {
        const [one, two] = [await (await rig.process()).open('shop'), await (await rig.process()).open('shop')];
        const complaints = [watch(one), watch(two)];
        let running: Promise<void>[] = [];
        for (const { step: next, by, waits } of steps) {
          running.push(take(next, by ? one : two));
          if (!waits) continue;
          await Promise.all(running);
          running = [];
        }
        await Promise.all([...running, one.refresh(), two.refresh()]);
        await Promise.all([one.refresh(), two.refresh()]);
        const fresh = await (await rig.process()).open('shop');
        expect(shown(one)).toEqual(shown(fresh));
        expect(shown(two)).toEqual(shown(fresh));
        expect(complaints).toEqual([[], []]);
        await rig.expectExactCounts();
        await rig.clear();
      }),
      { numRuns: RUNS },
    );
  });

  it('lose no flag of each other', async () => {
    await rig.append(10);
    const processes = await Promise.all(Array.from({ length: 4 }, () => rig.process()));
    const mailboxes = await Promise.all(processes.map((mailboxes) => mailboxes.open('shop')));
    const all = Array.from({ length: 10 }, (_, index) => index + 1);
    const names = mailboxes.flatMap((_, process) =>
      [1, 2, 3].map((number) => `key${String(process)}.${String(number)}`),
    );
    await Promise.all(
      mailboxes.flatMap((mailbox, process) =>
        names.slice(3 * process, 3 * process + 3).map((name) => mailbox.changeFlags(all, 'add', [name])),
      ),
    );
    await Promise.all(mailboxes.map((mailbox) => mailbox.refresh()));
    for (const mailbox of mailboxes) {
      for (const report of mailbox.folder('INBOX').reports) expect(report.flags.toSorted()).toEqual(names.toSorted());
    }
  });
});
