/**
 * The id of a message: 26 characters of lower-case base32 that say when it was accepted and in which shard it lies,
 * so that whoever holds the id finds the message's keys without asking. Ids sort by time.
 *
 * Ten characters of time (ms since the epoch), two of shard, fourteen (70 bits) of chance.
 */
import { randomFillSync } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARACTERS = 10;
const SHARD_CHARACTERS = 2;
const RANDOM_CHARACTERS = 14;
const PATTERN = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** Shards that an id can name. */
export const SHARDS_MAX = 32 ** SHARD_CHARACTERS;

const pool = new Uint8Array(RANDOM_CHARACTERS * 256);
let poolOffset = pool.length;

/** Makes an id for a message accepted at `nowMs` in `shard` (0 to 1023). */
export function newMessageId(nowMs: number, shard: number): string {
  if (poolOffset === pool.length) {
    randomFillSync(pool);
    poolOffset = 0;
  }
  let random = '';
  for (let i = 0; i < RANDOM_CHARACTERS; i++) random += ALPHABET.charAt((pool[poolOffset++] ?? 0) & 31);
  return encode(nowMs, TIME_CHARACTERS) + encode(shard, SHARD_CHARACTERS) + random;
}

/** Whether `text` has the form of a message id. */
export function isMessageId(text: string): boolean {
  return PATTERN.test(text);
}

/** The shard that holds the message `id`. */
export function shardOfMessage(id: string): number {
  return decode(id.slice(TIME_CHARACTERS, TIME_CHARACTERS + SHARD_CHARACTERS));
}

/** When the message `id` was accepted, in milliseconds since the epoch. */
export function timeOfMessage(id: string): number {
  return decode(id.slice(0, TIME_CHARACTERS));
}

/** Sorts before every id made at or after `timeMs`. */
export function firstIdAt(timeMs: number): string {
  return encode(Math.max(0, timeMs), TIME_CHARACTERS);
}

function encode(value: number, characters: number): string {
  let text = '';
  for (let i = 0, rest = value; i < characters; i++, rest = Math.floor(rest / 32)) {
    text = ALPHABET.charAt(rest % 32) + text;
  }
  return text;
}

function decode(text: string): number {
  let value = 0;
  for (const character of text) value = value * 32 + ALPHABET.indexOf(character);
  return value;
}
