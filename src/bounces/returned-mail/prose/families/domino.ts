/** Lotus Domino and Notes: "Your message ... was not delivered to: a@b because: ...". GroupWise and X.400 gateways alike. */
import { findAddresses } from '../../address-finder.js';
import type { Family, ReportText } from '../prose.js';
import { completeAddress, recipientsOf } from '../recipients.js';

const MISSED = /^\s{0,12}(?:was|could) not (?:be )?delivered to:?\s{0,3}(.{0,300})$/i;
const BECAUSE = /^\s{0,12}(?:because(?: of)?|error is|reason|weil|car|porque|perché)\s{0,2}:?\s{0,3}(.{0,300})$/i;
const REASONS = /^-{2,}\s{0,2}Failure Reasons?\b/i;

export const domino: Family = {
  name: 'domino',
  recognises: ({ lines }) =>
    lines.some((line) => REASONS.test(line)) ||
    (lines.some((line) => MISSED.test(line)) && lines.some((line) => BECAUSE.test(line))),
  read: (text) => recipientsOf(text.lines.some((line) => REASONS.test(line)) ? reasons(text) : missed(text), text),
};

function missed(text: ReportText): { address: string; words: string }[] {
  const addresses: string[] = [];
  const words: string[] = [];
  let part: 'before' | 'who' | 'why' = 'before';
  for (const line of text.lines) {
    const why = BECAUSE.exec(line);
    const who = MISSED.exec(line);
    if (who) part = 'who';
    else if (why && part === 'who') part = 'why';
    if (part === 'who') addresses.push(...namesIn(who ? who[1]! : line, text));
    else if (part === 'why') words.push(why ? why[1]! : line);
  }
  return addresses.map((address) => ({ address, words: words.join('\n').trim().slice(0, 2_000) }));
}

/** SMTP MTA of Notes 4: the words first, then the address. */
function reasons(text: ReportText): { address: string; words: string }[] {
  const start = text.lines.findIndex((line) => REASONS.test(line));
  const said: { address: string; words: string }[] = [];
  let words: string[] = [];
  for (const line of text.lines.slice(start + 1)) {
    if (/^-{4,}/.test(line)) break;
    const found = findAddresses(line)[0];
    if (!found || line.trim().length > found.address.length + 4) {
      if (line.trim() !== '') words.push(line.trim());
      continue;
    }
    said.push({ address: found.address, words: words.join('\n') || (said.at(-1)?.words ?? '') });
    words = [];
  }
  return said;
}

function namesIn(line: string, text: ReportText): string[] {
  const found = findAddresses(line);
  if (found.length > 0) return found.map(({ address }) => address);
  // CN=Name/O=Org is an internal name; a single word is a mailbox of that server.
  const name = /^\s{0,12}([\w.+-]{2,64})$/.exec(line)?.[1];
  const address = name === undefined ? undefined : completeAddress(name, text);
  return address === undefined ? [] : [address];
}
