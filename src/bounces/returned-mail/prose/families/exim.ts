/**
 * Exim, and the hosts that took its words over (Mail.Ru, GMX, Zoho): recipients two columns in, what is said about each
 * four columns in, and all of them in `X-Failed-Recipients`. Exim specification, chapter 50.
 */
import { findAddresses } from '../../address-finder.js';
import type { Family, ReportText } from '../prose.js';
import { completeAddress, recipientsOf } from '../recipients.js';

const START =
  /following address(?:\(?es\)?)?\s{0,3}(?:$|failed|has not|have not)|^\s*failed:|address(?:es)? to which the message has not yet been delivered|не может быть доставлен|permanent error\.? /im;
const HEADER_MAX = 20_000;

export const exim: Family = {
  name: 'exim',
  recognises: ({ report, header }) =>
    (header('x-failed-recipients') !== undefined &&
      /created automatically by|could not be delivered|SMTP error from remote/i.test(report)) ||
    /message was created automatically by (?:the )?(?:mail|smtp)[^\n]{0,60}/i.test(report),
  read: (text) => {
    const said = blocks(text);
    const failed = findAddresses((text.header('x-failed-recipients') ?? '').slice(0, HEADER_MAX)).map(
      ({ address }) => address,
    );
    if (failed.length === 0) return recipientsOf(said, text);
    const words = (address: string, index: number): string =>
      (
        said.find((one) => one.address.toLowerCase() === address.toLowerCase()) ??
        (said.length === failed.length ? said[index] : undefined) ??
        said[0]
      )?.words ?? '';
    return recipientsOf(
      failed.map((address, index) => ({ address, words: words(address, index) })),
      text,
    );
  },
};

function blocks(text: ReportText): { address: string; words: string }[] {
  const { lines, report } = text;
  const start = START.exec(report);
  const first = start === null ? 0 : report.slice(0, start.index).split('\n').length - 1;
  const found: { address: string; words: string[]; indent: number }[] = [];
  for (const line of lines.slice(first)) {
    if (/^\S.{0,80}\bgenerated during the delivery|^\*{5,}$/i.test(line) && found.length > 0) break;
    const indent = line.length - line.trimStart().length;
    const open = found.at(-1);
    const address = open === undefined || indent <= open.indent ? addressOf(line, text) : undefined;
    if (address !== undefined && !(open?.address.toLowerCase() === address.address.toLowerCase()))
      found.push({ address: address.address, words: [address.rest], indent });
    else if (line.trim() !== '' && !/^\s{0,8}\((?:ultimately )?generated from/.test(line))
      open?.words.push(line.trim());
  }
  return found.map(({ address, words }) => ({ address, words: words.join('\n').trim() }));
}

function addressOf(line: string, text: ReportText): { address: string; rest: string } | undefined {
  const alone = /^\s{1,6}([\w.+=-]{1,64})$/.exec(line);
  if (alone) {
    const address = completeAddress(alone[1]!, text);
    return address === undefined ? undefined : { address, rest: '' };
  }
  const found = findAddresses(line)[0];
  if (found === undefined || !/^\s{0,8}[<"']{0,2}$/.test(line.slice(0, found.start))) return undefined;
  return { address: found.address, rest: line.slice(found.end).replace(/^[>"']{0,2}\s{0,3}:?\s{0,9}/, '') };
}
