/**
 * Changes several records of one slot in one step, and only where each is still what it was when the change was thought
 * out: otherwise it is thought out anew. So nobody's change is lost, and nobody sees half of one.
 */
import type { Redis } from 'ioredis';
import { LuaScript } from './lua-script.js';

export type RecordChange =
  /** A string, or a field of a hash; null is one that is not there. Unchanged (`was` as `becomes`) it is a condition. */
  | { readonly key: string; readonly field?: string; readonly was: string | null; readonly becomes: string | null }
  /** A condition: how many fields a hash has, none where it is not there. */
  | { readonly key: string; readonly length: number }
  /** A key that goes, whatever it holds. */
  | { readonly key: string; readonly dropped: true };

/** What is to change, and what to answer once it has. */
export interface RecordPlan<T> {
  readonly changes: readonly RecordChange[];
  readonly result: T;
}

/** Of those that meet at a record one gets through each time; so many never meet. */
const TRIES_MAX = 1_000;

/**
 * KEYS: the key of each change. ARGV, four for each: what it is (`s` string, `f` field, `n` length, `d` dropped), the field,
 * what it was, what it becomes; the last two begin with `=`, or are empty for what is not there.
 * Returns 1 where all was as expected and has changed, 0 where nothing has.
 */
const changeRecords = new LuaScript<number>(
  'change records',
  'any',
  `
for i, key in ipairs(KEYS) do
  local what, field, was = ARGV[4 * i - 3], ARGV[4 * i - 2], ARGV[4 * i - 1]
  local now = false
  if what == 's' then now = redis.call('GET', key) end
  if what == 'f' then now = redis.call('HGET', key, field) end
  if what == 'n' then now = tostring(redis.call('HLEN', key)) end
  if now then now = '=' .. now else now = '' end
  if what ~= 'd' and now ~= was then return 0 end
end
for i, key in ipairs(KEYS) do
  local what, field, was, becomes = ARGV[4 * i - 3], ARGV[4 * i - 2], ARGV[4 * i - 1], ARGV[4 * i]
  if what == 'd' then redis.call('DEL', key)
  elseif was == becomes or what == 'n' then
  elseif what == 's' and becomes == '' then redis.call('DEL', key)
  elseif what == 's' then redis.call('SET', key, string.sub(becomes, 2))
  elseif becomes == '' then redis.call('HDEL', key, field)
  else redis.call('HSET', key, field, string.sub(becomes, 2)) end
end
return 1
`,
);

/** Reads and plans until what was planned could be done. A plan without changes is done at once. */
export async function changeInOneStep<T>(redis: Redis, plan: () => Promise<RecordPlan<T>>): Promise<T> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const { changes, result } = await plan();
    if (changes.length === 0) return result;
    const keys = changes.map(({ key }) => key);
    if ((await changeRecords.run(redis, keys, changes.flatMap(argumentsOf))) === 1) return result;
  }
  throw new Error(`records changed ${TRIES_MAX} times while a change of them was planned`);
}

function argumentsOf(change: RecordChange): string[] {
  if ('dropped' in change) return ['d', '', '', ''];
  if ('length' in change) return ['n', '', `=${change.length}`, ''];
  const { field, was, becomes } = change;
  return [field === undefined ? 's' : 'f', field ?? '', marked(was), marked(becomes)];
}

function marked(value: string | null): string {
  return value === null ? '' : `=${value}`;
}
