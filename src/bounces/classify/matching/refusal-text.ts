/**
 * Makes the words of a refusal ready for the rules: one line, lower case, without accents, and with stand-ins for what a
 * server only quotes, so that a mailbox called `full@` or a link to `/unknown-user` says nothing of the cause.
 *
 * Stand-ins are in capitals, which no other letter is any more: ADDR, URL, IP, HOST. RFC 5321 section 4.2, RFC 3463.
 */
import type { RefusalFacts } from '../classifier.js';

/** What is looked at of a text; the cause stands at its beginning. */
export const TEXT_CHARACTERS_MAX = 4_000;

export interface PreparedRefusal {
  /** Reply code; 0 where nothing tells it. */
  readonly code: number;
  /** Enhanced status code; empty where nothing tells it. */
  readonly enhanced: string;
  /** The text with stand-ins. */
  readonly words: string;
  /** The text in lower case with everything in it: for marks that are an address, a host or a link. */
  readonly whole: string;
  readonly stage: string;
  /** Name of the host that spoke, lower case; empty where it is not known. */
  readonly mx: string;
}

const CODE_FIRST = /^[^\p{L}\p{N}]{0,8}([245]\d\d)(?=[\s:#-]|$)/u;
const CODE_WITHIN =
  /(?:(?:said|returned|response was|response|error|smtp|code|status)\s?[:;=]?\s?[:'"<]?|-> |^|[\s(<'"])([45]\d\d)[ -](?=#?[245]\.\d{1,3}\.\d{1,3}\b|[a-z<])/;
const ENHANCED = /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\.\d|\d)/g;
const NOT_ASCII = /[^\x00-\x7f]/;
/** UTF-8 that was read as ISO-8859-1. */
const MISREAD = /[\u00c2-\u00ef][\u0080-\u00bf]/;

const URLS = /(?:https?:\/\/|www\.)[^\s<>"')\]]{1,1000}/g;
const ADDRESSES = /<?"?[\p{L}\p{N}._%+=~*!#$&'/?^`{|}-]{1,256}"?@\[?[\p{L}\p{N}.-]{1,255}\]?>?/gu;
const IPV4 = /\[?(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.]*\d)\]?/g;
const IPV6 = /\[?(?:ipv6:)?(?<![\w:])(?:[0-9a-f]{1,4}:){2,7}:?[0-9a-f]{0,4}(?::[0-9a-f]{1,4}){0,6}\]?/g;
/** The ends that host names have; others, such as those of `resolver.adr.recipnotfound`, are words. */
const HOSTS =
  /(?<![\w.-])(?:[a-z0-9_-]{1,63}\.){1,10}(?:com|net|org|edu|gov|mil|info|biz|name|email|mail|cloud|example|test|invalid|local|localdomain|arpa|[a-z]{2})(?![\w-]|\.[a-z])/g;
/** A sentence that goes on without a blank: `rejected.If you`. */
const RUN_ON = /^[^.]*[^.\d]\.(?:if|in|is|it|to|no|at|my|me|we|so|or|as|be|by|do|an|on|of)$/;

/** What mail servers put around the words of another: it says nothing of the cause. */
const WRAPPERS = new RegExp(
  [
    String.raw`\(in reply to [a-z ]{1,40}command\)`,
    String.raw`smtp error from remote mail(?:er| server) after [a-z ]{1,40}(?:ADDR)?(?: size=\d{1,12})?:?`,
    String.raw`(?:host )?HOST ?(?:IP|\(IP\))?(?::\d{1,5})? said:`,
    String.raw`did not like (?:our|the) (?:rcpt to|mail from|final data|data)\b:?`,
    String.raw`does not like (?:recipient|sender)\.?`,
    String.raw`recipient address rejected: (?=[^ ])`,
    String.raw`\d\.\d\.\d - (?:unknown address error|other [a-z ]{1,30}|[a-z ]{1,30} problem) (?=')`,
    String.raw`(?:undeliverable address|unverified address): (?=[^ ])`,
    String.raw`portions of this message may be unreadable without a mime-?capable mail program\.?`,
    String.raw`this message was created automatically by mail delivery software\.?`,
    String.raw`this has been a permanent failure\.?(?: no further delivery attempts will be made\.?)?`,
    String.raw`for further assistance, please (?:send mail to|contact) (?:postmaster|ADDR)\.?`,
    String.raw`please include this problem report\. you can delete your own text from the attached returned message\.?`,
    String.raw`learn more (?:here|at):? URL`,
    // How Exim, qmail, Postfix, sendmail, Exchange, Gmail and others begin and end a report.
    String.raw`a message that you sent could not be delivered to one or more of its recipients\.?`,
    String.raw`this is a permanent error[.;]?(?: i've given up\.)?(?: sorry it didn't work out\.)?`,
    String.raw`the following address\(es\) failed:`,
    String.raw`hi\. this is the qmail-send program at \S{1,255}`,
    String.raw`i'm afraid i wasn't able to deliver your message to the following addresses\.?`,
    String.raw`this is the mail system at host \S{1,255}`,
    String.raw`i'm sorry to have to inform you that your message could not be delivered to one or more recipients\.?`,
    String.raw`it's attached below\.?`,
    String.raw`remote host said:`,
    String.raw`your message did not reach some or all of the intended recipients\.?`,
    String.raw`the following recipient\(?s?\)? (?:could not|cannot) be reached:?`,
    String.raw`delivery has failed to these recipients or (?:distribution lists|groups):?`,
    String.raw`diagnostic information for administrators:(?: generating server: \S{1,255})?`,
    String.raw`delivery to the following recipients? failed(?: permanently)?[:.]?`,
    String.raw`technical details of (?:permanent|temporary) failure:`,
    String.raw`google tried to deliver your message, but it was rejected by the (?:server for the )?recipient domain(?: \S{1,255} by \S{1,255})?(?: IP)?\.?`,
    String.raw`the error that the other server returned was:`,
    String.raw`this report relates to a message you sent with the following header fields:(?: message-id: \S{1,255})?`,
    String.raw`your message cannot be delivered to the following recipients:`,
    String.raw`remote smtp server has rejected address`,
    String.raw`the original message was received at [a-z0-9 ,:+()-]{1,80} from \S{1,255}(?: IP)?`,
    String.raw`-{3,8} (?:the following addresses had permanent (?:fatal|delivery) errors|transcript of session follows) -{3,8}`,
    String.raw`(?:reporting-mta: dns|final-recipient: rfc822|original-recipient: rfc822); ?\S{1,255}`,
    String.raw`(?:below this line|enclosed) is a copy of the message\b`,
    String.raw`the attachment contains the original mail headers\.?`,
    String.raw`please (?:check|verify) (?:the )?recipient(?:'s|\(s\))? (?:mail |e-?mail )?address(?:es)? and try (?:to )?resend(?:ing)? (?:your|this) message`,
  ].join('|'),
  'g',
);
/** What a server says to the commands that were on their way already: the cause stands before it. */
const AFTER_REFUSAL = /[ ](?:503[ -]|5\d\d 5\.5\.1 (?:error: )?no valid recipients)/;
/** A text with none of these holds no wrapper. */
const WRAPPER_MARKS = [
  'reply to',
  'said:',
  'error from remote',
  ' like ',
  'rejected: ',
  ' - ',
  'address: ',
  'mime',
  'automatically',
  'permanent',
  'please',
  'learn more',
  'message',
  'recipient',
  'addresses',
  'attachment',
];

export function prepareRefusal({ code, enhanced, text, stage, mx }: RefusalFacts): PreparedRefusal {
  const whole = foldText(decoded(text.slice(0, TEXT_CHARACTERS_MAX)));
  return {
    code: code ?? codeIn(whole),
    enhanced: enhanced ?? enhancedIn(whole),
    words: withStandIns(whole),
    whole,
    stage: stage ?? stageIn(whole),
    mx: hostOf(mx ?? ''),
  };
}

/** Lower case, accents off, blanks made one: done to patterns as well, so that both agree. */
export function foldText(text: string): string {
  const lower = text.toLowerCase();
  if (!NOT_ASCII.test(lower)) return lower.replace(/[\s\x00-\x1f]+/g, ' ');
  return lower
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
    .replace(/ß/g, 'ss')
    .replace(/ł/g, 'l')
    .replace(/ı/g, 'i')
    .replace(/ø/g, 'o')
    .replace(/æ/g, 'ae')
    .replace(/[‘’‚‛´`]/g, "'")
    .replace(/[“”„«»]/g, '"')
    .replace(/[\s\x00-\x1f]+/g, ' ');
}

function withStandIns(whole: string): string {
  let words = whole;
  if (words.includes('://') || words.includes('www.')) words = words.replace(URLS, 'URL');
  if (words.includes('@')) words = words.replace(ADDRESSES, 'ADDR');
  if (words.includes('.')) {
    words = words.replace(IPV4, 'IP');
    words = words.replace(HOSTS, (host) => (RUN_ON.test(host) ? host : 'HOST'));
  }
  if (words.includes(':')) words = words.replace(IPV6, (ip) => (ip.split(':').length > 3 ? 'IP' : ip));
  if (words.includes(' 503') || words.includes('no valid rec')) words = withoutWhatFollowed(words);
  if (WRAPPER_MARKS.some((mark) => words.includes(mark))) words = words.replace(WRAPPERS, ' ').replace(/ {2,}/g, ' ');
  // RFC 5321 section 4.2.1: the lines of a reply each begin with its code.
  return words.replace(/(?:^| )[245]\d\d-(?:[245]\.\d{1,3}\.\d{1,3} )?/g, ' ').trim();
}

/** Where it stands at the beginning it is the cause itself. */
function withoutWhatFollowed(words: string): string {
  const at = AFTER_REFUSAL.exec(words)?.index ?? 0;
  return at > 6 ? words.slice(0, at) : words;
}

/** The commands whose refusal says nothing of a recipient, where the words name them. */
function stageIn(whole: string): string {
  if (!whole.includes('mail from')) return '';
  return /(?:after|in reply to|like our|response to) mail from\b/.test(whole) ? 'mail' : '';
}

function codeIn(whole: string): number {
  return Number((CODE_FIRST.exec(whole) ?? CODE_WITHIN.exec(whole))?.[1] ?? 0);
}

/** The first that says more than `x.0.0`. */
function enhancedIn(whole: string): string {
  let first = '';
  for (const [, found = ''] of whole.matchAll(ENHANCED)) {
    if (!found.endsWith('.0.0')) return found;
    if (first === '') first = found;
  }
  return first;
}

/** `name`, `name[address]` or `name[address]:port`. */
function hostOf(mx: string): string {
  return /^[^\s[\]:]*/.exec(mx.trim().toLowerCase())?.[0].replace(/\.$/, '') ?? '';
}

/** RFC 2047 words and UTF-8 that was read as ISO-8859-1. */
function decoded(text: string): string {
  const plain = text.includes('=?')
    ? text.replace(/=\?utf-8\?([bq])\?([^?\s]{1,1000})\?=/gi, (_, kind: string, content: string) =>
        kind.toLowerCase() === 'b' ? Buffer.from(content, 'base64').toString('utf8') : unquoted(content),
      )
    : text;
  if (!MISREAD.test(plain) || /[^\x00-\xff]/.test(plain)) return plain;
  const again = Buffer.from(plain, 'latin1').toString('utf8');
  return again.includes('\ufffd') ? plain : again;
}

function unquoted(content: string): string {
  const bytes = content
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
