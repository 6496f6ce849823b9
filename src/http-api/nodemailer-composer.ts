/**
 * Makes a MIME message of a body's fields, with nodemailer's MailComposer: RFC 5322, RFC 2045 to 2047, RFC 2231.
 * Names become encoded words, domains A-labels; a local part beyond ASCII stays UTF-8 (RFC 6532). Files and URLs are
 * never read. Date and Message-ID are left to the one way in, and Bcc to the envelope.
 */
import MailComposer, { type MailComposerAttachment, type MailComposerOptions } from 'nodemailer/lib/mail-composer';
import { parseHeaderBlock, withoutFields } from '../mail/header-block.js';
import type { Mailbox } from './mailbox.js';

export interface MessageFields {
  readonly from: Mailbox;
  readonly to?: readonly Mailbox[];
  readonly cc?: readonly Mailbox[];
  readonly replyTo?: readonly Mailbox[];
  readonly subject?: string;
  readonly text?: string;
  readonly html?: string;
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
  readonly attachments?: readonly MessageAttachment[];
}

export interface MessageAttachment {
  readonly filename: string;
  readonly contentType?: string;
  readonly content: Buffer;
  /** Shown inside the HTML that names it, not as a file beside it. */
  readonly contentId?: string;
}

/** The message. Its lines end in CRLF, but for those of an attached message, which are as they came. */
export async function composeMessage(fields: MessageFields): Promise<Buffer> {
  const options: MailComposerOptions = {
    from: writable([fields.from]),
    to: writable(fields.to),
    cc: writable(fields.cc),
    replyTo: writable(fields.replyTo),
    subject: fields.subject,
    text: withCrlfLines(fields.text),
    html: withCrlfLines(fields.html),
    headers: fields.headers?.map(({ name, value }) => ({ key: name, value })),
    attachments: fields.attachments?.map(attached),
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  const message = await new MailComposer(options).compile().build();
  const own = new Set(fields.headers?.map(({ name }) => name.toLowerCase()));
  const invented = new Set(['date', 'message-id'].filter((name) => !own.has(name)));
  return withoutFields(message, parseHeaderBlock(message), invented);
}

function attached({ filename, contentType, content, contentId }: MessageAttachment): MailComposerAttachment {
  return {
    filename,
    content,
    ...(contentType !== undefined && { contentType }),
    // RFC 2183 section 2; RFC 2392 for the id.
    ...(contentId === undefined
      ? { contentDisposition: 'attachment' }
      : { cid: contentId, contentDisposition: 'inline' }),
  };
}

function writable(mailboxes: readonly Mailbox[] | undefined): { name: string; address: string }[] | undefined {
  return mailboxes?.map(({ name, address }) => ({ name, address }));
}

/** RFC 2046 section 4.1.1: a line of text ends in CRLF, also where base64 hides it. */
function withCrlfLines(text: string | undefined): string | undefined {
  return text?.replace(/\r\n|\r|\n/g, '\r\n');
}
