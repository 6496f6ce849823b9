/**
 * Reads codes out of the words of a refusal: the SMTP reply code (RFC 5321 section 4.2), the enhanced status code
 * (RFC 3463), the host that spoke and the stage of the dialogue.
 */
import type { DialogueStage } from '../../../mail/classification.js';
import type { ProseRecipient } from './prose.js';

// RefusalFacts and events keep 1,000 characters.
const DIAGNOSTIC_MAX = 1_000;
const LOOKED_AT_MAX = 4_000;

// A reply where one is announced: at the start of a line, after "said:", an arrow, a quote, a number sign.
const ANNOUNCED_REPLY =
  /(?:^|\n|said:?|returned:?|response:?|answered:?|error:?|server:?|was:?|code ?:?|SMTP;|<<<|>>>|-->|<--|\]\)?:|['"#(])[ \t]{0,4}#?([245]\d\d)(?=[\s:'"#-]|$)/i;
// What was accepted before says nothing where something is refused.
const ANNOUNCED_REFUSAL = new RegExp(ANNOUNCED_REPLY.source.replace('[245]', '[45]'), 'i');
const ANY_REPLY =
  /(?:^|[\s:;'"(<#[])([45]\d\d)(?=[\s:;,'")>\]-]|$)(?! ?(?:bytes|kb|mb|k\b|hours?|days?|minutes?|lines|of\b))/i;
const REPLY_WITH_STATUS = /(?:^|[^\d.])([245]\d\d)[\s:'"#-]{1,4}[ \t]{0,4}([245]\.\d{1,3}\.\d{1,3})(?![.\d])/;
const STATUS = /(?:^|[^\d.\w])([245]\.\d{1,3}\.\d{1,3})(?![.\d])/;

const HOSTS = [
  /\bhost:?\s{1,9}([\w.-]{3,255})\s{0,9}[[(]/i,
  /\bwhile talking to ([\w.-]{3,255})/i,
  /\bby ([\w.-]{3,255}\.[a-z]{2,24})\.? \[/i,
  /\bRemote[- ]MTA:?\s{0,9}(?:dns;)?\s{0,9}([\w.-]{3,255})/i,
  /\b(?:connect(?:ed)? to|connection with|conversation with) ([\w.-]{3,255}\.[a-z]{2,24}|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})/i,
  /\b(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}) (?:does not like|failed after|said)/,
  /(?:^|\n)\s{0,9}([\w.-]{3,255}\.[a-z]{2,24})[ ]?\[[\da-f.:]{3,45}\]/i,
];

const STAGES: readonly (readonly [RegExp, DialogueStage])[] = [
  [
    /(?:in reply to|after|like our|\[|>>> )\s?end of data|\[?END_OF_DATA|after I sent the message|final DATA|after (?:sending|the) (?:message|data|contents)/i,
    'content',
  ],
  [/(?:in reply to|after|like our|\[|\(|>>> |-->|<<<|SMTP:)\s{0,3}RCPT|does not like recipient/i, 'rcpt'],
  [
    /(?:in reply to|after|like our|\[|\(|>>> |-->|<<<|SMTP:)\s{0,3}MAIL[ _]FROM|in reply to MAIL|sender was rejected/i,
    'mail',
  ],
  [/(?:in reply to|after|like our|\[|>>> )\s{0,3}DATA\b/i, 'data'],
  [/(?:in reply to|after|like our|\[|>>> )\s{0,3}(?:EHLO|HELO)|my name was rejected/i, 'ehlo'],
  [
    /(?:initial|while receiving the|after) (?:connection|server greeting|initial)|connected to \S{3,255} but greeting failed/i,
    'connect',
  ],
];

/** A recipient with what its words say. */
export function recipientOf(address: string, words: string): ProseRecipient {
  const text = words.slice(0, LOOKED_AT_MAX);
  const { code, status } = codesOf(text);
  const mx = hostOf(text);
  const stage = STAGES.find(([mark]) => mark.test(text))?.[1];
  return {
    address,
    diagnostic: diagnosticOf(text),
    ...(code !== undefined && { code }),
    ...(status !== undefined && { status }),
    ...(mx !== undefined && { mx }),
    ...(stage !== undefined && { stage }),
  };
}

/** The reply code and the enhanced status code that words quote: RFC 5321 section 4.2, RFC 3463. */
export function codesOf(words: string): { code?: number; status?: string } {
  const text = words.slice(0, LOOKED_AT_MAX);
  const both = REPLY_WITH_STATUS.exec(text);
  if (both) return { code: Number(both[1]), status: both[2]! };
  const code =
    /ERROR_CODE ?:([45]\d\d)/.exec(text) ??
    ANNOUNCED_REFUSAL.exec(text) ??
    ANNOUNCED_REPLY.exec(text) ??
    ANY_REPLY.exec(text);
  const status = STATUS.exec(text);
  return { ...(code && { code: Number(code[1]) }), ...(status && { status: status[1]! }) };
}

/** Whether the words quote a reply of a server. */
export function hasReply(text: string): boolean {
  const { code, status } = codesOf(text);
  return code !== undefined || status !== undefined;
}

function hostOf(text: string): string | undefined {
  for (const pattern of HOSTS) {
    const host = pattern.exec(text)?.[1]?.replace(/\.$/, '');
    if (host?.includes('.')) return host.toLowerCase();
  }
  return undefined;
}

/** One line, without the frame that the reporting program put around the server's words. */
function diagnosticOf(text: string): string {
  return textOfReply(text.replace(HEADING_LINES, '$1'))
    .replace(/\s+/g, ' ')
    .replace(/ ?\(in reply to (?:end of )?[A-Za-z ]{3,20} command\) ?$/i, '')
    .trim()
    .slice(0, DIAGNOSTIC_MAX);
}

// "----- server message": what the program calls the parts of its report.
const HEADING_LINES = /(^|\n)[ \t]{0,20}[-=*_~]{3,}[^\n]{0,200}/g;
const SAID =
  /(?:\b(?:said|replied|returned was|returned|response|reason|answer(?:ed)?|responded with failure|SMTP)\s{0,2}:\s{0,3}['"<]?|\bsaid that: |\breturned ['"]|\]:\s{1,3}|<<< )#?(?=[245]\d\d[\s:-])/i;
const REPLY_LINE =
  /(?:^|\n)[ \t]{0,20}(?:<<< |<-- |["'#<]{1,2})?(?=[45]\d\d[- :][ \t]{0,3}\S|[45]\.\d{1,3}\.\d{1,3}[ \t:])/;

function textOfReply(text: string): string {
  const start = SAID.exec(text) ?? REPLY_LINE.exec(text);
  return start === null ? text : text.slice(start.index + start[0].length);
}
