/** A message as it will leave, but for its signature: its trace and what it lacks on top, what must not leave taken out. */
import { withoutFields } from '../mail/header-block.js';
import type { Draft } from './message-draft.js';
import { formatDate, receivedField, type TraceFacts } from '../listeners/trace-fields.js';

// RFC 6409 section 8 leaves Bcc to the client; a relay that passes it on tells everybody.
const STRIPPED = ['bcc', 'resent-bcc'];
const LF = 10;

export function completedBody(trace: TraceFacts, { content, header, parties, optionFields }: Draft): Buffer {
  const { reversePath } = parties;
  const { id, hostname, atMs } = trace;
  const present = new Set(header.fields.map(({ name }) => name));
  let top = receivedField(trace);
  if (!present.has('message-id')) top += `Message-ID: <${id}@${hostname}>\r\n`;
  if (!present.has('date')) top += `Date: ${formatDate(atMs)}\r\n`;
  if (!present.has('from') && reversePath !== '') top += `From: ${reversePath}\r\n`;
  // What is signed must already end as it will on the wire (RFC 5321 section 4.1.1.4).
  const end = content.length === 0 || content.at(-1) !== LF ? '\r\n' : '';
  const stripped = new Set([...STRIPPED, ...optionFields.map(({ name }) => name)]);
  return Buffer.concat([Buffer.from(top), withoutFields(content, header, stripped), Buffer.from(end)]);
}
