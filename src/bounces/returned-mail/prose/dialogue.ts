/**
 * Reads SMTP dialogues quoted in a report: commands and replies, with the arrows of sendmail (`>>>`, `<<<`), MDaemon
 * (`-->`, `<--`), InterScan (`Sent <<<`, `Received >>>`) and others, and sendmail's own `550 <a@b>... words`.
 */
import { findAddresses } from '../address-finder.js';

export interface Refusal {
  readonly address: string;
  readonly words: string;
}

const COMMAND =
  /^[\s>*-]{0,12}(?:(?:>>>|-->|->|C:|Sent(?:\s{0,3}<<<)?:?|OUT:|SMTP-(?:Send|Client):|>)\s{0,4})?(RCPT[ _]TO|MAIL[ _]FROM|DATA|BDAT|EHLO|HELO|RSET|QUIT)\b[ :]{0,3}(.{0,400})$/i;
const ANSWER =
  /^\s{0,12}(?:(?:<<<|<--|<-|S:|Received(?:\s{0,3}>>>)?:?|IN:|SMTP-(?:Receive|Server):|<)\s{0,4})?([245]\d\d)([ -].{0,1000})?$/i;
// sendmail: the local judgement on one recipient.
const VERDICT = /^\s{0,8}(?:([245]\d\d)[ -](?:[245]\.\d{1,3}\.\d{1,3} )?)?<?([^\s<>]{1,255}?)>?\.\.\. (.{1,500})$/;

/** Recipients whose RCPT was refused in the dialogue; with the whole message's refusal if that came later. */
export function refusalsIn(lines: readonly string[]): Refusal[] {
  const refusals: Refusal[] = [];
  const accepted: string[] = [];
  let command = '';
  let recipient: string | undefined;
  for (let index = 0; index < lines.length; index += 1) {
    const line = spokenIn(lines[index]!);
    const spoken = COMMAND.exec(line);
    if (spoken) {
      command = spoken[1]!.toUpperCase().replace('_', ' ');
      recipient = command === 'RCPT TO' ? findAddresses(spoken[2]!)[0]?.address : undefined;
      continue;
    }
    const answer = ANSWER.exec(line);
    if (!answer || command === '') continue;
    const words = [`${answer[1]!}${answer[2] ?? ''}`.trim()];
    while (index + 1 < lines.length && words.length < 20 && continues(lines[index + 1]!, answer[1]!)) {
      words.push(ANSWER.exec(spokenIn(lines[(index += 1)]!))![0].trim());
    }
    if (answer[1]!.startsWith('2')) {
      if (recipient !== undefined) accepted.push(recipient);
    } else if (recipient !== undefined) {
      refusals.push({ address: recipient, words: `>>> RCPT TO\n${words.join('\n')}` });
    } else if (command === 'DATA' || command === 'BDAT' || command === 'MAIL FROM') {
      for (const address of accepted.splice(0))
        refusals.push({ address, words: `>>> ${command}\n${words.join('\n')}` });
    }
    recipient = undefined;
  }
  return refusals;
}

/** What sendmail says of each recipient in its transcript: `550 5.1.1 <a@b>... User unknown`. */
export function verdictsIn(lines: readonly string[]): Refusal[] {
  return lines.flatMap((line) => {
    const verdict = VERDICT.exec(line.slice(0, 1_000));
    if (!verdict || verdict[2]!.includes('(')) return [];
    // "554 <a@b>... 550 Host unknown": what was said stands behind sendmail's own code.
    const words = /^[245]\d\d /.test(verdict[3]!) ? verdict[3]! : line.trim();
    return [{ address: verdict[2]!, words }];
  });
}

/** The last reply that refuses, whomever it was about. */
export function lastRefusal(lines: readonly string[]): string | undefined {
  const answers = lines
    .map(spokenIn)
    .filter((line) => /^\s{0,12}(?:<<<|<--|<-|S:|Received(?:\s{0,3}>>>)?:?)\s{0,4}[45]\d\d[ -]/i.test(line));
  return answers.length === 0 ? undefined : answers.slice(0, 20).join('\n');
}

function continues(line: string, code: string): boolean {
  const answer = ANSWER.exec(spokenIn(line));
  return answer?.[1] === code;
}

/** A line of a log without its time, as MDaemon and others quote it: `Tue 2020-03-03 10:12:31: [01234:5] --> RCPT`. */
function spokenIn(line: string): string {
  return line.replace(LOGGED_AT, '');
}

const LOGGED_AT =
  /^[ \t]{0,4}\[?(?:[A-Za-z]{3},? )?(?:[\d./-]{8,10}[ T])?\d\d:\d\d:\d\d(?:[.,]\d{1,6})?\]?:?[ \t]{1,4}(?:\[[\w:.-]{1,40}\]:? ?)?/;

/** Whether words hold a dialogue: then the reply in them need not be the one that refused. */
export function isDialogue(words: string): boolean {
  return /(?:>>>|-->|->|\bC:|<<<|<--)\s{0,4}(?:RCPT[ _]TO|EHLO|HELO|MAIL[ _]FROM)\b/i.test(words.slice(0, 4_000));
}
