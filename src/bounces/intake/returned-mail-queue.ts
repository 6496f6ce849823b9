/** Mail that came back, as it is kept from the intake's 250 until it is worked on: an entry of a Redis stream each. */
import type { Redis } from 'ioredis';
import { decodeBody, encodeBody } from '../../queue/body-codec.js';
import { RETURNED_MAIL_KEY } from '../../store/keyspace.js';
import { LuaScript } from '../../store/lua-script.js';
import type { RedisRoom } from '../../store/redis-room.js';
import type { StreamEntry } from '../../store/work-stream.js';
import type { IntakeRecipient } from './intake-recipients.js';

export interface KeptMail {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Empty for the null reverse path. */
  readonly reversePath: string;
  readonly clientAddress: string;
  readonly recipients: readonly IntakeRecipient[];
  /** Of the message as its sender has it: who heard no reply sends the same again, and it is the same occurrence. */
  readonly digest: string;
  /** As it came, with our trace fields on top. */
  readonly content: Buffer;
}

export type KeepResult = { readonly kind: 'kept' } | { readonly kind: 'no_room'; readonly why: string };

/** How much may wait to be worked on. */
export interface WaitingLimits {
  readonly mailsMax: number;
  /** Of Redis's memory. */
  readonly bytesMax: number;
}

/** Each is worked on in milliseconds: so many wait only while the work stands still, and then senders can wait as well. */
export const WAITING_LIMITS: WaitingLimits = { mailsMax: 5_000, bytesMax: 256 * 1024 * 1024 };

/**
 * Redis is asked what the stream takes, for a count of our own could go astray; without samples it adds up all of
 * it: measured 0.3 ms for 5,000 entries.
 * KEYS: the stream. ARGV: 1 entries and 2 bytes it may have, 3 facts, 4 message. Returns the entry's id, or false where there
 * is too much.
 */
const APPEND = new LuaScript<string | null>(
  'append returned mail',
  1,
  `
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return false end
local used = redis.call('MEMORY', 'USAGE', KEYS[1], 'SAMPLES', 0) or 0
if used + #ARGV[3] + #ARGV[4] > tonumber(ARGV[2]) then return false end
return redis.call('XADD', KEYS[1], '*', 'f', ARGV[3], 'b', ARGV[4])
`,
);

export class ReturnedMailQueue {
  constructor(
    private readonly redis: Redis,
    private readonly room: RedisRoom,
    private readonly limits = WAITING_LIMITS,
  ) {}

  /** Rejects where Redis did not confirm: then it may have been kept. */
  async append({ content, ...facts }: KeptMail): Promise<KeepResult> {
    const body = await encodeBody(content);
    const why = await this.room.refusalOf(body.length);
    if (why !== undefined) return { kind: 'no_room', why };
    const { mailsMax, bytesMax } = this.limits;
    const id = await APPEND.run(this.redis, [RETURNED_MAIL_KEY], [mailsMax, bytesMax, JSON.stringify(facts), body]);
    return id === null
      ? { kind: 'no_room', why: `as much as may wait to be worked on: ${mailsMax} messages or ${bytesMax} bytes` }
      : { kind: 'kept' };
  }
}

/** What `append` wrote. @param bytesMax what a message can be at most */
export async function readKeptMail({ fields }: StreamEntry, bytesMax: number): Promise<KeptMail> {
  const [facts, body] = [fields.get('f'), fields.get('b')];
  if (!facts || !body) throw new Error('the entry is no mail that came back');
  const content = await decodeBody(body, bytesMax);
  return { ...(JSON.parse(facts.toString()) as Omit<KeptMail, 'content'>), content };
}
