/**
 * What a setting is made of: a zod codec that reads it from text and writes it back, and beside it, in a registry, its
 * name, its default and its meaning. The schema of all of them stands in `settings-schema.ts`.
 *
 * A codec reads text because both sources are text (the YAML file is read without types), and writes the text that it
 * would read again, so that what is printed can be pasted.
 */
import { z } from 'zod';
import type { Machine } from './machine.js';

/** What a default may depend on. */
export interface Given {
  readonly machine: Machine;
  /** The text of a setting that stands earlier in the schema, its default included; undefined where it has none. */
  text(name: string): string | undefined;
}

export interface AboutSetting {
  /** The environment variable. In the YAML file: lower-case, without the prefix. */
  readonly name: string;
  /** Text that goes through the codec like a user's, or a rule that makes it; none: the setting may be absent. */
  readonly default?: string | ((given: Given) => string);
  /** The default in words, where it is a rule or absent. */
  readonly defaultWords?: string;
  /** One paragraph for the README. */
  readonly meaning: string;
  /** It is a secret, or holds one in its URLs: it may come from the file that `NAME_FILE` names. */
  readonly secret?: 'whole' | 'in urls';
  /** A path: made absolute from the directory that the service was started in. */
  readonly isPath?: boolean;
  /** Not to be set in the YAML file. */
  readonly isEnvironmentOnly?: boolean;
}

export const aboutSettings = z.registry<AboutSetting>();

/** A text that was read, or what it must be. `expected` goes on after the name: `must be a port number`. */
export type Read<T> = { readonly kind: 'ok'; readonly value: T } | Unreadable;
export interface Unreadable {
  readonly kind: 'fault';
  readonly expected: readonly string[];
}

export function ok<T>(value: T): Read<T> {
  return { kind: 'ok', value };
}

export function fault(...expected: string[]): Unreadable {
  return { kind: 'fault', expected };
}

/** The codec of a setting with one value. */
export function oneOfText<T>(read: (text: string) => Read<T>, write: (value: T) => string) {
  return z.codec(z.string({ error: 'must be a single value, not a list' }), z.custom<T>(), {
    decode: (text, context) => settle(read(text), context),
    encode: write,
  });
}

/** The codec of a setting with several values: separated by commas, or a list in the YAML file. */
export function listOfText<T>(
  read: (items: readonly string[]) => Read<readonly T[]>,
  write: (values: readonly T[]) => string,
) {
  return z.codec(z.union([z.string(), z.array(z.string())]), z.custom<readonly T[]>(), {
    decode: (text, context) => {
      const items = (typeof text === 'string' ? text.split(',') : text).map((item) => item.trim());
      return settle(read(items.filter((item) => item !== '')), context);
    },
    encode: write,
  });
}

/** Items that are named one by one when they are wrong; a list with more wrong ones is wrong as a whole. */
const ITEM_FAULTS_MAX = 5;

/**
 * Reads every item of a list. A fault says which one by its number and not by its text, which may hold a password:
 * `route 2 must ...`.
 */
export function readEach<T>(
  items: readonly string[],
  noun: string,
  itemsMax: number,
  readItem: (item: string) => Read<T>,
): Read<T[]> {
  if (items.length > itemsMax) return fault(`must have at most ${itemsMax} ${noun}s`);
  const values: T[] = [];
  const expected: string[] = [];
  for (const [index, item] of items.entries()) {
    const read = readItem(item);
    if (read.kind === 'ok') values.push(read.value);
    else expected.push(...read.expected.map((words) => (items.length === 1 ? words : `${noun} ${index + 1} ${words}`)));
    if (expected.length >= ITEM_FAULTS_MAX) break;
  }
  return expected.length === 0 ? ok(values) : fault(...expected);
}

function settle<T>(read: Read<T>, context: z.core.ParsePayload): T {
  if (read.kind === 'ok') return read.value;
  for (const message of read.expected) context.issues.push({ code: 'custom', message, input: context.value });
  return z.NEVER;
}
