/**
 * sendmail, versions 5 to 8, and the many that copied its report: "The following addresses had permanent fatal errors",
 * "Transcript of session follows", `... while talking to`, `>>> RCPT To:<a@b>`, `<<< 550`.
 */
import { findAddresses } from '../../address-finder.js';
import { lastRefusal, refusalsIn, verdictsIn } from '../dialogue.js';
import type { Family, ProseRecipient, ReportText } from '../prose.js';
import { completeAddress, recipientsOf } from '../recipients.js';
import { hasReply } from '../reply-words.js';

const LIST = /^\s{0,6}-{2,}\s{0,2}The following address(?:es)? had [a-z -]{3,40}-{2,}/i;
const HIDING = /(?:remote protocol error|service unavailable|unknown mailer error)/i;
const RULE = /^\s{0,6}-{2,}/;
const TRANSCRIPT = /^\s{0,6}-{2,}\s{0,2}Transcript of session follows/i;

export const sendmail: Family = {
  name: 'sendmail',
  recognises: ({ report }) =>
    /-{2,} ?transcript of session follows|-{2,} ?the following address(?:es)? had /i.test(report),
  read: (text) => {
    const listed = listsIn(text);
    return listed.length > 0 ? listed : fromTranscript(text);
  },
};

/** The lists on top: where one is of those that are only late, the others have failed. */
function listsIn(text: ReportText): ProseRecipient[] {
  const lists = text.lines.flatMap((line, index) => (LIST.test(line) ? [index] : [])).slice(0, LISTS_MAX);
  const late = lists.filter((index) => LATE_LIST.test(text.lines[index]!));
  if (late.length === 0 || late.length === lists.length) return listedIn(text, lists[0]);
  return lists.flatMap((index) => {
    const action = late.includes(index) ? ('delayed' as const) : ('failed' as const);
    return listedIn(text, index).map((one) => ({ ...one, action }));
  });
}

const LISTS_MAX = 5;
const LATE_LIST = /transient|non-fatal|temporary|deferred|delayed/i;

/** A list, each with its reason or what the transcript says of it. */
function listedIn(text: ReportText, start: number | undefined): ProseRecipient[] {
  if (start === undefined) return [];
  const rest = text.lines.slice(start + 1);
  const end = rest.findIndex((line) => RULE.test(line));
  const said: { address: string; words: string }[] = [];
  for (const line of end === -1 ? rest : rest.slice(0, end)) {
    const reason = /^\s{1,12}\(reason: (.{1,1000}?)\)?$/i.exec(line);
    const last = said.at(-1);
    if (reason && last) said[said.length - 1] = { ...last, words: `${last.words}\n${reason[1]!}` };
    if (/^\s{1,12}\(/.test(line) || line.trim() === '') continue;
    const name = /^\s{0,8}(?:>>> )?<?"?\|?[^\s<>"]{0,320}/.exec(line)?.[0].replace(/^[\s<>"|]+/, '') ?? '';
    const address = findAddresses(line)[0]?.address ?? completeAddress(name, text);
    if (address === undefined) continue;
    const behind = line.slice(line.indexOf(address) + address.length).replace(/^>?\s*/, '');
    said.push({ address, words: /^\[[^\]]{3,}/.test(behind) ? behind.replace(/^\[|\]$/g, '') : '' });
  }
  const below = end === -1 ? [] : rest.slice(end).filter((line) => !RULE.test(line));
  return recipientsOf(withTranscript(said, below), text);
}

/** What the transcript adds: quoted replies to the recipient, else its plain words. */
function withTranscript(
  said: readonly { address: string; words: string }[],
  transcript: readonly string[],
): { address: string; words: string }[] {
  const about = [...refusalsIn(transcript), ...verdictsIn(transcript)];
  const all = transcript
    .filter((line) => line.trim() !== '' && !/^\s{0,4}(?:\.\.\. )?while talking to/i.test(line))
    .join('\n')
    .slice(0, 2_000);
  const talk = transcript.find((line) => /while talking to/i.test(line)) ?? '';
  return said.map(({ address, words }) => {
    const replies = about.filter((one) => isSame(one.address, address)).map((one) => one.words);
    const refused = lastRefusal(transcript);
    const judged = replies.find(hasReply) ?? replies[0];
    // "Service unavailable" is sendmail's own word for what the other side refused in full.
    const best = judged !== undefined && refused !== undefined && HIDING.test(judged) ? refused : judged;
    if (best !== undefined && hasReply(best)) return { address, words: `${best}\n${words}\n${talk}` };
    if (words !== '' && hasReply(words)) return { address, words: `${words}\n${talk}` };
    return { address, words: `${refused === undefined ? '' : `${refused}\n`}${words}\n${all}` };
  });
}

/** Version 5 lists nobody: who was refused stands in the transcript only. */
function fromTranscript(text: ReportText): ProseRecipient[] {
  const start = text.lines.findIndex((line) => TRANSCRIPT.test(line));
  const lines = text.lines.slice(Math.max(0, start));
  const refused = refusalsIn(lines);
  const judged = verdictsIn(lines).filter(
    ({ words }) =>
      !/^\s{0,8}2\d\d|\b(?:deferred|connecting|sent)\b/i.test(words.slice(0, 60)) || !/^\s{0,8}[245]\d\d/.test(words),
  );
  const said = [...refused, ...judged].flatMap(({ address, words }) => {
    const whole = completeAddress(address, text);
    // "Remote protocol error" and the like hide what the other side said right before.
    const at = lines.findIndex((line) => line.includes(words));
    const remote = lines
      .slice(Math.max(0, at - 3), Math.max(0, at))
      .findLast((line) => /^\s{0,4}<<< [45]\d\d/.test(line));
    const hidden = remote !== undefined && HIDING.test(words);
    return whole === undefined ? [] : [{ address: whole, words: hidden ? `${remote}\n${words}` : words }];
  });
  return recipientsOf(said, text);
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [one.toLowerCase(), other.toLowerCase()];
  return (
    left === right ||
    (!left.includes('@') && right.startsWith(`${left}@`)) ||
    (!right.includes('@') && left.startsWith(`${right}@`))
  );
}
