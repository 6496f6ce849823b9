/** qmail and its many descendants (ezmlm hosts, vpopmail, Yahoo, netqmail): `<a@b>:` alone on a line, then the words. */
import type { Family, ReportText } from '../prose.js';
import { recipientsOf } from '../recipients.js';

// qmail-send.c writes the address in brackets, with a colon; spaces are added by relays.
const RECIPIENT = /^\s{0,3}<?([^<>\s:]{1,320}@[^<>\s:]{1,255})>?:\s{0,3}$/;
const OTHER_FRAME =
  /^(?:From: <[^<>]{0,320}> RCPT: <[^<>]{0,320}> |I'm not going to try again.{0,100}$|Giving up on \d.{0,60}$)/;

export const qmail: Family = {
  name: 'qmail',
  recognises: ({ report, subject }) =>
    /this is the qmail-send program|remote host said:|i wasn't able to deliver your message|\bgiving up on \d|does not like recipient|we were unable to deliver your message to the following address/i.test(
      report,
    ) ||
    (/^failure notice/i.test(subject) && /^\s{0,3}<[^<>\s]{1,320}@[^<>\s]{1,255}>:/m.test(report)),
  read: (text) => recipientsOf(blocks(text), text),
};

function blocks({ lines }: ReportText): { address: string; words: string }[] {
  const found: { address: string; words: string[] }[] = [];
  for (const line of lines) {
    const start = RECIPIENT.exec(line);
    if (start) found.push({ address: start[1]!, words: [] });
    else if (line.trim() !== '') found.at(-1)?.words.push(line.replace(OTHER_FRAME, ''));
  }
  return found.map(({ address, words }, index) => ({
    address,
    words: (words.length > 0 ? words : (found.slice(index).find((next) => next.words.length > 0)?.words ?? []))
      .join('\n')
      .trim(),
  }));
}
