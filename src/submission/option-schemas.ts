/**
 * The options of a message, judged alike whether they come in an API's body or as header fields. What is kept with the
 * history of every message is bounded.
 */
import { z } from 'zod';
import '../config/schema-words.js';
import { STREAMS } from '../mail/stream.js';

const TAGS_MAX = 10;
const TAG_CHARACTERS_MAX = 128;
const METADATA_MAX = 20;
const METADATA_CHARACTERS_MAX = 500;
const EXPIRES_IN_MAX_S = 172_800;
const KEY_CHARACTERS_MAX = 255;

const CONTROL = /[\x00-\x1f\x7f]/;

/** One line of text, without control characters. */
export function line(min: number, max: number) {
  return z
    .string()
    .min(min)
    .max(max)
    .refine((text) => !CONTROL.test(text), 'must be one line without control characters')
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode');
}

export const optionSchemas = {
  stream: z.enum(STREAMS, { error: `must be one of ${STREAMS.join(', ')}` }).optional(),
  tags: z.array(line(1, TAG_CHARACTERS_MAX)).max(TAGS_MAX).optional(),
  metadata: z
    .unknown()
    // Left out by the record's schema without a word, and what is misspelt must not go unnoticed.
    .refine((given) => !isObject(given) || !Object.hasOwn(given, '__proto__'), 'must not have the key __proto__')
    .pipe(
      z.record(
        z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, {
          error: 'must be named with 1 to 64 letters, digits, "_", "." or "-"',
        }),
        line(0, METADATA_CHARACTERS_MAX),
      ),
    )
    .refine((metadata) => Object.keys(metadata).length <= METADATA_MAX, `must be at most ${METADATA_MAX} entries`)
    .optional(),
  /** RFC 3339; becomes milliseconds since the epoch. */
  sendAt: z.iso
    .datetime({ offset: true, error: 'must be a time with its zone, as in 2026-11-21T06:32:12Z' })
    .transform((text) => Date.parse(text))
    .optional(),
  /** Seconds. */
  expiresIn: z
    .number({ error: `must be a whole number of seconds, 1 to ${EXPIRES_IN_MAX_S}` })
    .int()
    .min(1)
    .max(EXPIRES_IN_MAX_S)
    .optional(),
  supersedeKey: line(1, KEY_CHARACTERS_MAX).optional(),
};

/** Comes beside a body of the API, as a header field of the request. */
export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/, { error: `must be 1 to ${KEY_CHARACTERS_MAX} printable ASCII characters` })
  .optional();

const messageOptions = z.strictObject({ ...optionSchemas, idempotencyKey: idempotencyKeySchema });

export type MessageOptions = z.output<typeof messageOptions>;

export type OptionsReading =
  | { readonly kind: 'read'; readonly options: MessageOptions }
  | {
      readonly kind: 'fault';
      readonly option: keyof MessageOptions;
      readonly path: readonly string[];
      readonly why: string;
    };

/** Judges options as they would stand in a body. */
export function readOptions(given: Readonly<Record<string, unknown>>): OptionsReading {
  const result = messageOptions.safeParse(given);
  if (result.success) return { kind: 'read', options: result.data };
  const [issue] = result.error.issues;
  const [option = '', ...path] = (issue?.path ?? []).map(String);
  // A key is judged by a schema of its own, whose finding lies inside.
  const why = (issue?.code === 'invalid_key' ? issue.issues[0]?.message : undefined) ?? issue?.message ?? '';
  return { kind: 'fault', option: option as keyof MessageOptions, path, why };
}

function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null;
}
