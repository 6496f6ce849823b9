/** The message that the bench sends: 4 KiB of text that looks like a mail, and compresses like one. */
import { SENDER, SENDER_DOMAIN, SINK_RECIPIENT } from './mail-system.js';

export const BODY_BYTES = 4096;
const LINE_CHARACTERS_MAX = 72;
const WORDS = (
  'your account order has been confirmed and will be shipped within the next two working days please keep this message ' +
  'as a receipt if you did not ask for it someone may know your password so change it at once the link below is valid ' +
  'for one hour and can only be used from the device that requested the invoice number total amount including tax ' +
  'delivery address customer service thank you best regards team question answer Monday Friday open 9:00 17:30 EUR'
).split(' ');

/** Lines end in LF, the way smtp-source reads a file; header and body of BODY_BYTES with its line ends as CRLF. */
export function testMessage(): string {
  const header = [
    `From: Bench <${SENDER}>`,
    `To: <${SINK_RECIPIENT}>`,
    'Subject: Your order has been confirmed',
    'Date: Sat, 21 Nov 2026 06:32:12 +0000',
    `Message-ID: <1@${SENDER_DOMAIN}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
  ];
  return `${header.join('\n')}\n\n${textOf(BODY_BYTES).join('\n')}\n`;
}

/** The same as it stands on the wire. */
export function testMessageOnTheWire(): Buffer {
  return Buffer.from(testMessage().replaceAll('\n', '\r\n'));
}

/** Lines that with their CRLFs come to exactly `bytes`: the same words at each call, in no order that repeats. */
function textOf(bytes: number): string[] {
  const lines: string[] = [];
  let left = bytes;
  let seed = 1;
  let line = '';
  while (left > LINE_CHARACTERS_MAX + 2) {
    // The generator of POSIX's rand(3): no need for a better one.
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    const word = WORDS[(seed >> 8) % WORDS.length] ?? '';
    if (line.length + 1 + word.length > LINE_CHARACTERS_MAX) {
      lines.push(line);
      left -= line.length + 2;
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  if (left > 2) lines.push('-'.repeat(left - 2));
  return lines;
}
