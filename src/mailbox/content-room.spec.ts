import { describe, expect, it } from '@jest/globals';
import { ContentRoom, type ContentHolder } from './content-room.js';

const KIB = 1024;
const sized = (octets: number) => ({ report: { octets } });

const AWAKE = { stalledMs: 0, checkOpen: () => undefined, destroy: () => undefined };

/** A reader of so many KiB, who stays until told to go. */
function reader(room: ContentRoom, kib: number, holder: ContentHolder = AWAKE) {
  const [entered, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const done = room.withRoomFor([sized(kib * KIB)], holder, async () => {
    entered.resolve();
    await left.promise;
    return kib;
  });
  // Who is waited for may never come in.
  done.catch(() => undefined);
  return { entered: entered.promise, leave: left.resolve, done };
}

describe('the room for contents', () => {
  it('is given out in groups that keep their order, a large report by itself', () => {
    const reports = [60, 60, 60, 500, 1, ...Array<number>(70).fill(0)].map((kib) => sized(kib * KIB));
    const groups = [...new ContentRoom().inGroups(reports)];
    expect(groups.map((group) => group.length)).toEqual([2, 1, 1, 64, 7]);
    expect(groups.flat()).toEqual(reports);
  });

  it('is for what is small at once, for what is large when others have left', async () => {
    const room = new ContentRoom(1_000 * KIB);
    const [first, second] = [reader(room, 900), reader(room, 200)];
    await first.entered;
    const small = reader(room, 100);
    await small.entered;
    let isIn = false;
    void second.entered.then(() => (isIn = true));
    small.leave();
    await small.done;
    expect(isIn).toBe(false);
    first.leave();
    await second.entered;
    second.leave();
    expect(await second.done).toBe(200);
  });

  it('is for one that is larger than all of it when it is alone', async () => {
    const room = new ContentRoom(1_000 * KIB);
    const large = reader(room, 5_000);
    await large.entered;
    large.leave();
    expect(await large.done).toBe(5_000);
  });

  it('is left to others by who fails, and by who waits for too long', async () => {
    const room = new ContentRoom(1_000 * KIB, 20);
    await expect(room.withRoomFor([sized(900 * KIB)], AWAKE, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    const first = reader(room, 800);
    await first.entered;
    const [tooLarge, fits] = [reader(room, 900), reader(room, 200)];
    await expect(tooLarge.done).rejects.toThrow('no room');
    await fits.entered;
    for (const each of [first, fits]) each.leave();
    expect(await Promise.all([first.done, fits.done])).toEqual([800, 200]);
  });

  it('is not for who has gone while it waited', async () => {
    const room = new ContentRoom(1_000 * KIB);
    const first = reader(room, 900);
    await first.entered;
    let isHere = true;
    const checkOpen = (): void => {
      if (!isHere) throw new Error('gone');
    };
    const gone = reader(room, 200, { ...AWAKE, checkOpen });
    const next = reader(room, 900);
    isHere = false;
    first.leave();
    await expect(gone.done).rejects.toThrow('gone');
    await next.entered;
    next.leave();
    await next.done;
  });

  it('is made by who has taken nothing for long, where others wait for it', async () => {
    const room = new ContentRoom(1_000 * KIB);
    const ended: string[] = [];
    const holders = (['slow', 'stalled'] as const).map((name) => {
      const stalledMs = name === 'slow' ? 4_999 : 5_001;
      const holder = { ...AWAKE, stalledMs, destroy: () => void ended.push(name) };
      return reader(room, 450, holder);
    });
    const [slow, stalled] = holders;
    await Promise.all(holders.map(({ entered }) => entered));
    const waiting = reader(room, 500);
    while (ended.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ended).toEqual(['stalled']);
    // As its work ends when its connection does.
    stalled?.leave();
    await waiting.entered;
    slow?.leave();
    waiting.leave();
    await waiting.done;
  });
});
