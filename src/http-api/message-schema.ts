/**
 * The body of `POST /v1/messages`, in its two forms: fields that we make a message of, or a finished message with its
 * envelope. Everything is bounded, and what is unknown is refused, so that a misspelt option never goes unnoticed.
 */
import { z } from 'zod';
import { formatAddress, parseAddress } from '../mail/address.js';
import { line, optionSchemas } from '../submission/option-schemas.js';
import { customHeaders } from './custom-headers.js';
import { MAILBOX_CHARACTERS_MAX, parseMailbox, parseMailboxList, shown, type Mailbox } from './mailbox.js';
import { base64Bytes, bodyText, headerLine } from './text-schemas.js';

/** The most that POSTHORN_RECIPIENTS_MAX can be; the message itself is held to the setting. */
const RECIPIENTS_MAX = 10_000;
/** A list in one string; who has more recipients sends an array. */
const LIST_CHARACTERS_MAX = 65_536;
const REPLY_TO_MAX = 25;
const SUBJECT_CHARACTERS_MAX = 2_000;
const ATTACHMENTS_MAX = 100;

const FORM = 'must be "a@b", "Name <a@b>" or a list of these';

function mailboxes(max: number) {
  return z
    .union([z.string().max(LIST_CHARACTERS_MAX), z.array(z.string().max(MAILBOX_CHARACTERS_MAX)).max(max)], {
      error: `${FORM}, at most ${max}`,
    })
    .transform((given, context): readonly Mailbox[] => {
      const isList = typeof given !== 'string';
      const found: Mailbox[] = [];
      for (const [index, text] of (isList ? given : [given]).entries()) {
        const list = parseMailboxList(text);
        if (list.kind === 'read') found.push(...list.mailboxes);
        else {
          const message = `"${list.text}" is no mail address: ${FORM}`;
          context.addIssue({ code: 'custom', path: isList ? [index] : [], message });
        }
      }
      if (found.length > max) context.addIssue({ code: 'custom', message: `must be at most ${max} addresses` });
      return found;
    });
}

const mailbox = z
  .string()
  .max(MAILBOX_CHARACTERS_MAX)
  .transform((text, context): Mailbox => {
    const found = parseMailbox(text);
    if (found) return found;
    context.addIssue({ code: 'custom', message: `"${shown(text)}" is no mail address: must be "a@b" or "Name <a@b>"` });
    return z.NEVER;
  });

const bareAddress = z
  .string()
  .max(MAILBOX_CHARACTERS_MAX)
  .transform((text, context): string => {
    const address = text.isWellFormed() ? parseAddress(text) : undefined;
    if (address) return formatAddress(address);
    context.addIssue({ code: 'custom', message: `"${shown(text)}" is no mail address: must be "a@b"` });
    return z.NEVER;
  });

const attachment = z.strictObject({
  filename: line(1, 255),
  /** By the filename's extension where it is absent. */
  contentType: z
    .string()
    .max(255)
    // RFC 2045 section 5.1.
    .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:; *[\w!#$&^.+-]+=(?:[\w!#$&^.+:-]+|"[\x20\x21\x23-\x5b\x5d-\x7e]*"))*$/, {
      error: 'must be a media type as in "application/pdf"',
    })
    .refine((type) => !/^multipart\//i.test(type), 'must not be multipart: attach its parts, or send "raw"')
    .optional(),
  content: base64Bytes(),
  /** What the HTML names by `cid:`. */
  contentId: z
    .string()
    .regex(/^[\x21-\x3b\x3d\x3f-\x7e]{1,250}$/, {
      error: 'must be 1 to 250 printable ASCII characters without < and >',
    })
    .optional(),
});

const envelope = z.strictObject({
  /** Empty for the null reverse path: RFC 5321 section 4.5.5. */
  from: z.union([z.literal(''), bareAddress]),
  to: z.array(bareAddress).min(1).max(RECIPIENTS_MAX),
});

export const composedSchema = z
  .strictObject({
    from: mailbox,
    to: mailboxes(RECIPIENTS_MAX).optional(),
    cc: mailboxes(RECIPIENTS_MAX).optional(),
    bcc: mailboxes(RECIPIENTS_MAX).optional(),
    replyTo: mailboxes(REPLY_TO_MAX).optional(),
    subject: headerLine(SUBJECT_CHARACTERS_MAX).optional(),
    text: bodyText().optional(),
    html: bodyText().optional(),
    headers: customHeaders.optional(),
    attachments: z.array(attachment).max(ATTACHMENTS_MAX).optional(),
    ...optionSchemas,
  })
  .superRefine((body, context) => {
    if (!body.to?.length && !body.cc?.length && !body.bcc?.length) {
      context.addIssue({ code: 'custom', path: ['to'], message: 'must be there, or "cc" or "bcc" must' });
    }
    if (body.text === undefined && body.html === undefined && !body.attachments?.length) {
      context.addIssue({ code: 'custom', path: ['text'], message: 'must be there, or "html" or "attachments" must' });
    }
  });

export const rawSchema = z.strictObject({ raw: base64Bytes(), envelope, ...optionSchemas });

/** Either form; faults are told of the one that was meant. */
export const messageSchema = z.unknown().transform((body, context) => {
  const isRaw = typeof body === 'object' && body !== null && ('raw' in body || 'envelope' in body);
  const result = isRaw ? rawSchema.safeParse(body) : composedSchema.safeParse(body);
  if (result.success) return result.data;
  context.issues.push(...result.error.issues.map((issue) => ({ ...issue, input: undefined })));
  return z.NEVER;
});

/** A message as fields. */
export type ComposedMessage = z.output<typeof composedSchema>;
/** A finished message with its envelope. */
export type RawMessage = z.output<typeof rawSchema>;
