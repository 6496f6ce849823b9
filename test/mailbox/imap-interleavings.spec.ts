/** Whatever two sessions do to one mailbox at once: what each was told is what is there. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { FlagChange } from '../../src/bounces/reports/report-mailbox.js';
import { flagsAfter } from '../../src/mailbox/imap/selected-folder.js';
import type { ImapClient } from './imap-client.js';
import { ImapRig } from './imap-rig.js';
import type { Owner } from './running-mailbox.js';

const RUNS = 25;

const rig = ImapRig.ofSuite(2);

const HOW: Readonly<Record<string, FlagChange>> = { '': 'replace', '+': 'add', '-': 'remove' };
const number = fc.integer({ min: 1, max: 8 });
const set = fc.oneof(
  number.map(String),
  fc.tuple(number, number).map(([a, b]) => `${String(a)}:${String(b)}`),
  fc.constant('1:*'),
);
const flags = fc.uniqueArray(fc.constantFrom('\\Seen', '\\Deleted', '\\Flagged', 'Work', '$Forwarded'), {
  maxLength: 3,
});
const uid = fc.constantFrom('', 'UID ');
const store = fc.record({
  uid,
  set,
  sign: fc.constantFrom('', '+', '-'),
  silent: fc.constantFrom('', '.SILENT'),
  flags,
});
const command = fc.oneof(
  { arbitrary: store, weight: 4 },
  fc
    .tuple(uid, set, fc.constantFrom('FLAGS', 'BODY[TEXT]', 'BODY.PEEK[]'))
    .map(([u, s, item]) => `${u}FETCH ${s} ${item}`),
  fc.tuple(uid, set).map(([u, s]) => `${u}MOVE ${s} Archive`),
  fc.tuple(uid, fc.constantFrom('SEEN', 'BODY hello')).map(([u, key]) => `${u}SEARCH ${key}`),
  set.map((s) => `UID EXPUNGE ${s}`),
  fc.constantFrom('EXPUNGE', 'NOOP', 'CHECK', 'IDLE', 'STATUS INBOX (MESSAGES)', 'append'),
);
type Command = typeof command extends fc.Arbitrary<infer One> ? One : never;

/** Each by one of two sessions, which wait for each other or not. */
const course = fc.array(fc.record({ command, by: fc.boolean(), waits: fc.boolean() }), { minLength: 1, maxLength: 30 });

/** What a client knows from what it was told, and nothing else. */
class KnowingClient {
  /** By number; undefined where its flags were not told. */
  private known: (readonly string[] | undefined)[] = [];
  private busy: Promise<void> = Promise.resolve();

  private constructor(
    private readonly client: ImapClient,
    private readonly owner: Owner,
  ) {}

  static async open(owner: Owner, door: number): Promise<KnowingClient> {
    const one = new KnowingClient(await rig.logIn(owner, door), owner);
    await one.give('SELECT INBOX');
    await one.give('FETCH 1:* (UID FLAGS)');
    return one;
  }

  /** After what it was given before. */
  give(next: Command): Promise<void> {
    this.busy = this.busy.then(() => this.obey(next));
    return this.busy;
  }

  /** As far as it was told, without \Recent, which is not the same for all. */
  get told(): (readonly string[] | undefined)[] {
    return this.known.map((of) => of && [...new Set(of)].filter((flag) => flag !== '\\Recent').toSorted());
  }

  /** What the server says when it is asked. */
  async asked(): Promise<{ uids: string[]; flags: (readonly string[])[] }> {
    const lines = this.known.length === 0 ? [] : await this.client.ok('FETCH 1:* (UID FLAGS)');
    const parts = lines.map((line) => /^\d+ FETCH \(UID (\d+) FLAGS \((.*)\)\)$/.exec(line));
    return {
      uids: parts.map((part) => part?.[1] ?? 'none'),
      flags: parts.map((part) =>
        flagsIn(part?.[2] ?? 'none')
          .filter((flag) => flag !== '\\Recent')
          .toSorted(),
      ),
    };
  }

  private async obey(next: Command): Promise<void> {
    if (next === 'append') return rig.running.append(this.owner, 'Subject: new\r\n\r\nhello\r\n');
    if (next === 'IDLE') {
      const { untagged } = await (await this.client.idle())();
      return this.hear(untagged, true);
    }
    if (typeof next === 'string') {
      const { untagged } = await this.client.command(next);
      return this.hear(untagged, !/^(?:FETCH|SEARCH)/.test(next));
    }
    const words = `${next.uid}STORE ${next.set} ${next.sign}FLAGS${next.silent} (${next.flags.join(' ')})`;
    const before = this.known;
    const { untagged, end } = await this.client.command(words);
    if (next.silent !== '' && !end.startsWith('BAD')) await this.believe(before, next);
    this.hear(untagged, next.uid !== '');
  }

  /** What a client takes for done that wants to hear nothing of it. */
  private async believe(
    before: typeof this.known,
    { uid: by, set: of, sign, flags: named }: Exclude<Command, string>,
  ): Promise<void> {
    const [from = 1, to = from] = of.split(':').map((end) => (end === '*' ? before.length : Number(end)));
    // By uid a client knows which it means; this one asks.
    if (by !== '') this.known = before.map(() => undefined);
    else {
      const [low, high] = [Math.min(from, to), Math.max(from, to)];
      this.known = before.map((was, index) =>
        was && index + 1 >= low && index + 1 <= high ? flagsAfter(was, HOW[sign] ?? 'replace', named) : was,
      );
    }
  }

  private hear(untagged: readonly string[], mayExpunge: boolean): void {
    for (const line of untagged) {
      const [, at = '', what] = /^(\d+) (EXISTS|EXPUNGE|FETCH)/.exec(line) ?? [];
      const place = Number(at);
      if (what === 'EXISTS') {
        expect(place).toBeGreaterThanOrEqual(this.known.length);
        this.known = Array.from({ length: place }, (_, index) => this.known[index]);
      } else if (what === 'EXPUNGE') {
        expect([mayExpunge, place > 0 && place <= this.known.length]).toEqual([true, true]);
        this.known = this.known.filter((_, index) => index !== place - 1);
      } else if (what === 'FETCH') {
        expect(place).toBeLessThanOrEqual(this.known.length);
        const flagsTold = /FLAGS \(([^)]*)\)/.exec(line)?.[1];
        if (flagsTold !== undefined) this.known = this.known.with(place - 1, flagsIn(flagsTold));
      }
    }
  }
}

function flagsIn(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}

describe('two sessions in two processes', () => {
  it('know in the end what a third one sees, from what they were told', async () => {
    await fc.assert(
      fc.asyncProperty(course, async (steps) => {
        const owner = await rig.owner(...Array.from({ length: 5 }, () => 'Subject: x\r\n\r\nhello\r\n'));
        const sessions = [await KnowingClient.open(owner, 0), await KnowingClient.open(owner, 1)] as const;
        for (const { command: next, by, waits } of steps) {
          const given = sessions[by ? 0 : 1].give(next);
          if (waits) await given;
        }
        await Promise.all(sessions.map((session) => session.give('NOOP')));
        await Promise.all(sessions.map((session) => session.give('NOOP')));
        const fresh = await (await KnowingClient.open(owner, 0)).asked();
        for (const session of sessions) {
          expect(session.told).toHaveLength(fresh.uids.length);
          expect(session.told.map((of, index) => of ?? fresh.flags[index])).toEqual(fresh.flags);
          expect(await session.asked()).toEqual(fresh);
        }
        rig.clear();
      }),
      { numRuns: RUNS },
    );
  });
});
