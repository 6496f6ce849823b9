/** Reads the envelope of a message and who its header names; a refusal where the envelope cannot be. */
import { formatAddress, parseAddress } from '../mail/address.js';
import type { HeaderBlock } from '../mail/header-block.js';
import type { Parties } from './message-draft.js';
import { refusal, type Refusal } from './refusals.js';
import { readSenders, shown } from './sender-rules.js';

export function readParties(
  submission: { readonly reversePath: string; readonly recipients: readonly string[] },
  content: Buffer,
  header: HeaderBlock,
  recipientsMax: number,
): Parties | Refusal {
  const sender = submission.reversePath === '' ? undefined : parseAddress(submission.reversePath);
  if (submission.reversePath !== '' && !sender) return refusal('bad_sender', shown(submission.reversePath));
  const recipients = new Set<string>();
  for (const text of submission.recipients) {
    const recipient = parseAddress(text);
    if (!recipient) return refusal('bad_recipient', shown(text));
    recipients.add(formatAddress(recipient));
  }
  if (recipients.size === 0) return refusal('no_recipients');
  if (recipients.size > recipientsMax) return refusal('too_many_recipients', recipientsMax);
  const senders = readSenders(content, header);
  if (!senders.author && !sender) return refusal('missing_from_header');
  return { reversePath: sender ? formatAddress(sender) : '', recipients: [...recipients], senders };
}
