/**
 * Reads the bounces that are no RFC 3464 reports, or poor ones: which recipients failed, and with what words. The families
 * of mail programs are asked in order, then the general reader; what is below the mark of the original message is not
 * read.
 */
import { findAddresses } from '../address-finder.js';
import { looksLikeBounce } from './bounce-marks.js';
import { amazonNotification } from './families/amazon-notification.js';
import { localNames } from './families/local-names.js';
import { domino } from './families/domino.js';
import { exchange } from './families/exchange.js';
import { exim } from './families/exim.js';
import { postfix } from './families/postfix.js';
import { qmail } from './families/qmail.js';
import { sendmail } from './families/sendmail.js';
import { statusFields } from './families/status-fields.js';
import { general } from './general.js';
import type { Family, ProseFacts, ProseRecipient, ProseReport, ReportText } from './prose.js';
import { recipientOf } from './reply-words.js';
import { kindOfReport } from './report-kind.js';
import { reportOf } from './report-part.js';

// The narrow ones first: many programs copied the words of Exim, sendmail and qmail.
const FAMILIES: readonly Family[] = [
  amazonNotification,
  postfix,
  sendmail,
  exim,
  qmail,
  domino,
  exchange,
  statusFields,
  localNames,
];

/** undefined where the mail is not recognised as a report of a delivery. */
export function readProse(facts: ProseFacts): ProseReport | undefined {
  if (!looksLikeBounce(facts)) return undefined;
  return readReport(facts);
}

/** For a caller who knows already that it is a report. */
export function readReport(facts: ProseFacts): ProseReport {
  const text = reportOf(facts);
  const kind = kindOfReport(text);
  for (const family of FAMILIES) {
    if (!family.recognises(text)) continue;
    const recipients = family.read(text);
    if (recipients.length > 0) return { kind, recipients: withFields(recipients, text), program: family.name };
  }
  const recipients = general.read(text);
  return { kind, recipients: recipients.length > 0 ? recipients : withoutText(text), program: general.name };
}

/** A report by RFC 3464 that lost its MIME structure: its fields know the status that the words do not tell. */
function withFields(recipients: readonly ProseRecipient[], text: ReportText): ProseRecipient[] {
  const fields = statusFields.recognises(text) ? statusFields.read(text) : [];
  return recipients.map((recipient) => {
    const same = fields.find(({ address }) => address.toLowerCase() === recipient.address.toLowerCase());
    return same === undefined ? recipient : { ...same, ...recipient };
  });
}

/** Nobody is named in the report: the header, the subject, else the only recipient of the message that came back. */
function withoutText(text: ReportText): ProseRecipient[] {
  const words = text.report.trim().slice(0, 2_000);
  const foreign = (field: string): string[] =>
    findAddresses(field).flatMap(({ address }) => (text.ownAddresses.has(address.toLowerCase()) ? [] : address));
  const failed = foreign((text.header('x-failed-recipients') ?? '').slice(0, 20_000));
  const to = [
    ...new Set([
      ...(text.original?.to ?? []).flatMap(foreign),
      ...(text.original ? [] : recipientsOfReturned(text).flatMap(foreign)),
    ]),
  ];
  const addresses =
    failed.length > 0
      ? failed
      : (foreign(text.subject.slice(0, 500)).slice(0, 1)[0] ??
        (to.length === 1 ? to[0] : text.lines.map(recitedTo).flatMap(foreign)[0]));
  return [...new Set(Array.isArray(addresses) ? addresses : addresses === undefined ? [] : [addresses])].map(
    (address) => recipientOf(address, words),
  );
}

/** Some recite the fields of the message in their own words: `To: a@b` among them. */
function recitedTo(line: string): string {
  return /^\s{0,12}(?:to|an|à|para|aan|recipients?|宛先|收件人)\s{0,3}[:：](.{1,500})$/i.exec(line)?.[1] ?? '';
}

/** The To field of a message that stands below the report in the same text. */
function recipientsOfReturned({ returned }: ReportText): string[] {
  const field = returned.slice(0, 200).find((line) => /^[>\s|]{0,6}To:/i.test(line));
  return field === undefined ? [] : [field];
}
