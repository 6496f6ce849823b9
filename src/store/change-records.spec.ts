import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AccountsStore } from '../../test/accounts/accounts-store.js';
import { changeInOneStep, type RecordChange } from './change-records.js';

let store: AccountsStore;

beforeAll(async () => {
  store = await AccountsStore.start();
});

beforeEach(async () => {
  await store.empty();
  await store.redis.set('{t}:text', 'a');
  await store.redis.hset('{t}:hash', { one: '1', two: '=' });
});

afterAll(async () => {
  await store.stop();
});

/** Plans `changes` once; where they do not hold, nothing. Whether they were made. */
async function change(...changes: RecordChange[]): Promise<boolean> {
  let plans = 0;
  return changeInOneStep(store.redis, async () => {
    const isFirst = plans++ === 0;
    return { changes: isFirst ? changes : [], result: isFirst };
  });
}

describe('records', () => {
  it('change, come and go in one step', async () => {
    const made = await change(
      { key: '{t}:text', was: 'a', becomes: '' },
      { key: '{t}:new', was: null, becomes: 'n' },
      { key: '{t}:hash', field: 'one', was: '1', becomes: null },
      { key: '{t}:hash', field: 'two', was: '=', becomes: '==' },
      { key: '{t}:hash', field: '', was: null, becomes: 'nameless' },
      { key: '{t}:hash', length: 2 },
    );
    expect(made).toBe(true);
    expect(await AccountsStore.dump(store.redis)).toEqual({
      '{t}:hash': JSON.stringify([
        ['', 'nameless'],
        ['two', '=='],
      ]),
      '{t}:new': 'n',
      '{t}:text': '',
    });
  });

  it('go whatever they hold', async () => {
    expect(await change({ key: '{t}:hash', dropped: true }, { key: '{t}:text', dropped: true })).toBe(true);
    expect(await AccountsStore.dump(store.redis)).toEqual({});
  });

  it.each<[string, RecordChange]>([
    ['a text that is another', { key: '{t}:text', was: 'b', becomes: 'b' }],
    ['a text that is there', { key: '{t}:text', was: null, becomes: null }],
    ['a text that is not there', { key: '{t}:none', was: '', becomes: 'x' }],
    ['a field that is another', { key: '{t}:hash', field: 'one', was: '2', becomes: null }],
    ['a field that is not there', { key: '{t}:hash', field: 'three', was: '', becomes: 'x' }],
    ['a hash that has grown', { key: '{t}:hash', length: 1 }],
    ['a hash that is there', { key: '{t}:hash', length: 0 }],
  ])('stay as they are, all of them, where one is not as it was: %s', async (_, broken) => {
    const before = await AccountsStore.dump(store.redis);
    expect(await change({ key: '{t}:new', was: null, becomes: 'n' }, broken)).toBe(false);
    expect(await AccountsStore.dump(store.redis)).toEqual(before);
  });

  it('keep every change of many at once', async () => {
    const increment = () =>
      changeInOneStep(store.redis, async () => {
        const was = await store.redis.get('{t}:count');
        return { changes: [{ key: '{t}:count', was, becomes: String(Number(was) + 1) }], result: undefined };
      });
    await Promise.all(Array.from({ length: 50 }, increment));
    expect(await store.redis.get('{t}:count')).toBe('50');
  });

  it('may be more than a stack has room for', async () => {
    const many = Array.from({ length: 40_000 }, (_, i) => ({
      key: '{t}:many',
      field: `${i}`,
      was: null,
      becomes: 'x',
    }));
    expect(await change(...many)).toBe(true);
    expect(await store.redis.hlen('{t}:many')).toBe(40_000);
  });
});
