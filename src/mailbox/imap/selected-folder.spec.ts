import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { StoredReport } from '../../bounces/reports/report-mailbox.js';
import type { FolderSnapshot } from '../state/folder-views.js';
import { SelectedFolder, type Telling } from './selected-folder.js';

function report(uid: number, ...flags: string[]): StoredReport {
  return {
    ...{ uid, kind: 'hard', category: undefined, messageId: undefined, at: 0, octets: 1, archived: false, flags },
  } as const;
}

function snapshot(...reports: StoredReport[]): FolderSnapshot {
  return { reports, uidNext: (reports.at(-1)?.uid ?? 0) + 1, recentUid: 0, subscribed: true };
}

const QUIET: Telling = { mayExpunge: true, recentFrom: Infinity };

function selected(...reports: StoredReport[]): SelectedFolder {
  return new SelectedFolder('INBOX', false, snapshot(...reports), Infinity);
}

describe('a selected folder', () => {
  it('says nothing where nothing happened', () => {
    const inbox = snapshot(report(1), report(2));
    const folder = new SelectedFolder('INBOX', false, inbox, Infinity);
    expect(folder.tell(inbox, QUIET)).toEqual([]);
    expect(folder.tell(snapshot(report(1), report(2)), QUIET)).toEqual([]);
  });

  it('tells each that is gone by the number that it has then', () => {
    const [one, two, three, four] = [report(1), report(2), report(3), report(4)];
    const folder = selected(one, two, three, four);
    expect(folder.tell(snapshot(two), QUIET)).toEqual(['* 1 EXPUNGE\r\n', '* 2 EXPUNGE\r\n', '* 2 EXPUNGE\r\n']);
    expect(folder.reports).toEqual([two]);
  });

  it('keeps the numbers of those that are gone until they may be told', () => {
    const [one, two, three] = [report(1), report(2), report(3)];
    const folder = selected(one, two);
    const now = snapshot(two, three);
    expect(folder.tell(now, { ...QUIET, mayExpunge: false })).toEqual(['* 3 EXISTS\r\n', '* 0 RECENT\r\n']);
    expect(folder.reports).toEqual([one, two, three]);
    expect(folder.tell(now, { ...QUIET, mayExpunge: false })).toEqual([]);
    expect(folder.tell(now, QUIET)).toEqual(['* 1 EXPUNGE\r\n']);
    expect(folder.reports).toBe(now.reports);
  });

  it('tells new flags by the number after the expunges', () => {
    const folder = selected(report(1), report(2), report(3));
    const now = snapshot(report(2), report(3, '\\Seen'), report(9));
    expect(folder.tell(now, QUIET)).toEqual([
      '* 1 EXPUNGE\r\n',
      '* 3 EXISTS\r\n',
      '* 0 RECENT\r\n',
      '* 2 FETCH (UID 3 FLAGS (\\Seen))\r\n',
    ]);
  });

  it('does not repeat what STORE .SILENT did, and tells what others did besides', () => {
    const folder = selected(report(1), report(2, 'work'), report(3, '\\Seen'));
    const silent = { uids: new Set([1, 2, 3]), how: 'add', flags: ['\\Seen'] } as const;
    const now = snapshot(report(1, '\\Seen'), report(2, '\\Seen', 'Work'), report(3, '\\Seen', '\\Flagged'));
    expect(folder.tell(now, { ...QUIET, silent })).toEqual(['* 3 FETCH (UID 3 FLAGS (\\Seen \\Flagged))\r\n']);
  });

  it('tells that another undid what STORE .SILENT did, though nothing looks changed', () => {
    const reports = snapshot(report(1), report(2));
    const folder = new SelectedFolder('INBOX', false, reports, Infinity);
    const silent = { uids: new Set([1]), how: 'add', flags: ['\\Seen'] } as const;
    expect(folder.tell(reports, { ...QUIET, silent })).toEqual(['* 1 FETCH (UID 1 FLAGS ())\r\n']);
  });

  it('shows as recent what nobody saw before, as long as it is open', () => {
    const folder = new SelectedFolder('INBOX', false, snapshot(report(1), report(2)), 1);
    expect([folder.recentCount, folder.flagsOf(report(2, '\\Seen'))]).toEqual([1, '\\Seen \\Recent']);
    const now = snapshot(report(2), report(3), report(4));
    expect(folder.tell(now, { mayExpunge: true, recentFrom: 3 })).toContain('* 2 RECENT\r\n');
    expect(now.reports.map((one) => folder.isRecent(one))).toEqual([true, false, true]);
    folder.tell(snapshot(report(3)), QUIET);
    expect(folder.recentCount).toBe(0);
  });

  it('is told the same as other sessions, with what is recent of its own', () => {
    const [one, two, three] = [report(1), report(2), report(3)];
    const before = snapshot(one, two);
    const open = (recentFrom: number) => new SelectedFolder('INBOX', false, before, recentFrom);
    const [first, second, late] = [open(Infinity), open(1), open(Infinity)];
    const seen = report(2, '\\Seen');
    const now = snapshot(seen, three);
    const told = (recent: number, flags: string): string[] => [
      ...['* 1 EXPUNGE\r\n', '* 2 EXISTS\r\n', `* ${recent} RECENT\r\n`],
      `* 1 FETCH (UID 2 FLAGS (${flags}))\r\n`,
    ];
    expect(first.tell(now, { mayExpunge: true, recentFrom: 2 })).toEqual(told(1, '\\Seen'));
    expect(second.tell(now, QUIET)).toEqual(told(1, '\\Seen \\Recent'));
    expect(late.tell(snapshot(one, seen), { ...QUIET, mayExpunge: false })).toEqual([
      told(0, '\\Seen').at(-1)?.replace('1 F', '2 F'),
    ]);
    expect(late.tell(now, QUIET)).toEqual(told(0, '').slice(0, -1));
    for (const folder of [first, second, late]) expect(folder.reports).toBe(now.reports);
  });

  it('whatever happens, leads a client that obeys to what is there', () => {
    const state = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.boolean()), { selector: ([uid]) => uid });
    const step = fc.tuple(state, fc.boolean(), fc.integer({ min: 0, max: 4 }));
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        let newest = 3;
        const alive = new Map([1, 2, 3].map((uid) => [uid, report(uid)]));
        const folder = selected(...alive.values());
        let client: (string | undefined)[] = folder.reports.map(({ flags }) => flags.join());
        for (const [touched, mayExpunge, added] of steps) {
          for (const [uid, isGone] of touched) {
            if (!alive.has(uid)) continue;
            if (isGone) alive.delete(uid);
            else alive.set(uid, report(uid, `k${touched.length}`));
          }
          for (let i = 0; i < added; i++) alive.set(++newest, report(newest));
          const now = snapshot(...[...alive.values()].sort((a, b) => a.uid - b.uid));
          client = obeying(client, folder.tell(now, { mayExpunge, recentFrom: Infinity }));
          expect(client.length).toBe(folder.reports.length);
        }
        const now = snapshot(...[...alive.values()].sort((a, b) => a.uid - b.uid));
        client = obeying(client, folder.tell(now, QUIET));
        // What it was not told the flags of it fetches.
        expect(client.map((flags, i) => flags ?? now.reports[i]?.flags.join())).toEqual(
          now.reports.map(({ flags }) => flags.join()),
        );
      }),
    );
  });
});

function obeying(client: readonly (string | undefined)[], lines: readonly string[]): (string | undefined)[] {
  const known = [...client];
  for (const line of lines) {
    const [, number = '', what = '', flags = ''] =
      /^\* (\d+) (\w+)(?: \(UID \d+ FLAGS \((.*)\)\))?\r\n$/.exec(line) ?? [];
    if (what === 'EXPUNGE') known.splice(Number(number) - 1, 1);
    if (what === 'FETCH') known[Number(number) - 1] = flags;
    if (what === 'EXISTS') {
      expect(Number(number)).toBeGreaterThanOrEqual(known.length);
      while (known.length < Number(number)) known.push(undefined);
    }
  }
  return known;
}
