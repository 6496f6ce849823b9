/**
 * Cuts a bounce's text where the message that came back begins: what stands there are the words of our own sender, and
 * the addresses in it did not fail.
 */
import { findAddresses } from '../address-finder.js';
import type { ProseFacts, ReportText } from './prose.js';

// What is looked at of one mail: reports are a few kilobytes, what follows is the message.
const TEXT_MAX = 200_000;
const LINES_MAX = 3_000;
const LINE_MAX = 2_000;

// Words that announce the message, in the languages seen; they count on a line that is ruled off or ends as a heading.
const MESSAGE_WORDS =
  /\b(?:original|returned|unsent|undelivered|rejected|attached|bounced) (?:e-?mail )?(?:message|mail|text|headers?)\b|\bcopy of (?:the|your|this)\b|\bmessage (?:headers?|follows|text|body)\b|\bheaders? (?:of|follow)|\bunsent message\b|\boriginal (?:mail|headers?)\b|\bcontents? of (?:the|your) (?:original|message)|\bmensaje original\b|\bmensagem original\b|\bmessage (?:d'origine|original|initial)\b|\bmessaggio originale\b|\boorspronkelijk|\bursprüngliche|\boriginal(?:nachricht|meldung)\b|\boriginalmeddelande|\boryginaln|\bpůvodní|\beredeti|\balkuperäi|исходн\S{1,10} (?:сообщени|письм)|копи\S{1,3} (?:сообщени|письм|вашего)|元の?(?:メール|メッセージ)|原信|原邮件|原始邮件|原文|원본/i;
const RULED = /^\s*(?:[-=*_+#]{2,}|>{3,}\s*-|\|-{2,})/;
const HEADING_END = /(?:[:：]|follows?\.?|below\.?|(?:[-=*_]{2,}))\s*$/i;
// A heading that speaks of the report's own parts is not one.
const REPORT_WORDS =
  /transcript|warning|re-?send|address|recipient|reason|failure|errors?\b|problem|diagnostic|delivery (?:status|report|information)|was received|session|details|信息|non-delivered|could not|undeliverable to/i;

const WHOLE_LINE =
  /^\s*(?:(?:the )?(?:first \d{1,4} lines of )?(?:your |the )?original (?:e-?mail )?(?:message|mail)(?:'s)?(?: headers?| header)?(?: (?:follows?|as received is as follows|is (?:attached|below|included))| text)?|message headers? follows?|message text follows?|(?:included|below|attached|enclosed|following) is a copy of .{1,60}|a copy of the (?:original )?message .{1,40}(?:follows|below)|(?:the )?(?:header|text|body) of (?:the|your) (?:original )?message .{0,30}|--- begin message|begin forwarded message|\*{0,3} ?your message (?:follows|begins).{0,20}|original message headers|ursprüngliche nachrichtenkopfzeilen|en-têtes de message d'origine|encabezados de mensajes? originales?|cabeçalhos (?:da mensagem|de mensagens) (?:original|originais)|intestazioni del messaggio originale|oorspronkelijke berichtkoppen)\s*[.:]*\s*$/i;

// A header block of a message: RFC 5322 section 3.6.7 trace fields open nearly every one.
const TRACE =
  /^[>|]?\s{0,2}(?:Received:\s*(?:from|by|\(|via|$)|Return-path:\s*<|X-Received:|DKIM-Signature:\s*v=|ARC-Seal:|X-Google-Smtp-Source:)/i;

/** The facts with the report alone. */
export function reportOf(facts: ProseFacts): ReportText {
  const all = facts.text
    .slice(0, TEXT_MAX)
    .split('\n', LINES_MAX)
    .map((line) => line.slice(0, LINE_MAX).trimEnd());
  const end = all.findIndex(
    (line, index) => isOriginalMark(line) && all.slice(0, index).some((before) => before.trim() !== ''),
  );
  let lines = end === -1 ? all : all.slice(0, end);
  // Some put the message first: then nothing was said before it, and everything is looked at.
  if (end !== -1 && lines.join('').replace(/[-=*_#\s]/g, '').length < 10) lines = all;
  const returned = end === -1 ? [] : all.slice(end);
  return { ...facts, lines, returned, report: lines.join('\n'), ownAddresses: ownAddresses(facts) };
}

export function isOriginalMark(line: string): boolean {
  const words = line.slice(0, 200);
  if (words.trim() === '') return false;
  if (TRACE.test(words) || WHOLE_LINE.test(words)) return true;
  if (!MESSAGE_WORDS.test(words)) return false;
  return RULED.test(words)
    ? !REPORT_WORDS.test(words) || /\bcopy of|\breturned message|\bunsent message/i.test(words)
    : words.length < 80 && HEADING_END.test(words) && !REPORT_WORDS.test(words);
}

function ownAddresses(facts: ProseFacts): Set<string> {
  // Not Delivered-To and the like: a relay in between may have written those.
  const fields = [facts.from, facts.header('to'), facts.original?.from];
  return new Set(
    fields.flatMap((field) => findAddresses((field ?? '').slice(0, 2_000)).map(({ address }) => address.toLowerCase())),
  );
}
